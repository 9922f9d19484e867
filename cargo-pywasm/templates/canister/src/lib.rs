//! A canister with Python inside: `python/app.py` decides, Rust keeps the state and speaks Candid.
//!
//! An exception in a query becomes a reject with its traceback. In an update it becomes a trap, which is a
//! reject as well, and takes back what Rust and Python had changed by then.

mod python;
mod state;

use std::marker::PhantomData;

use candid::CandidType;
use ic_cdk::{init, post_upgrade, query, update};

/// Both when it is installed and when it is upgraded, for the heap is new then.
fn start() {
    // What every replica knows: no secrets are made of it. `raw_rand` of the management canister has entropy.
    let mut seed = ic_cdk::api::time().to_le_bytes().to_vec();
    seed.extend(ic_cdk::api::canister_self().as_slice());
    seed.truncate(32);
    let checked = state::open();
    let started = checked.and_then(|()| {
        state::open_files(&seed);
        python::start()
    });
    started.unwrap_or_else(|error| ic_cdk::trap(error));
}

#[init]
fn install() {
    start();
}

#[post_upgrade]
fn upgrade() {
    start();
}

/// The answer of a query.
fn answer<T: CandidType>(result: Result<T, String>) -> PhantomData<T> {
    match result {
        Ok(value) => match candid::encode_one(value) {
            Ok(bytes) => ic_cdk::api::msg_reply(bytes),
            Err(error) => ic_cdk::trap(error.to_string()),
        },
        Err(traceback) => ic_cdk::api::msg_reject(traceback),
    }
    PhantomData
}

/// The answer of an update.
fn or_take_back<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|traceback| ic_cdk::trap(traceback))
}

#[query(manual_reply = true)]
fn greet(name: String) -> PhantomData<String> {
    answer(python::call("greet", (name,)))
}

#[query]
fn counter() -> u64 {
    state::counter()
}

#[update]
fn increment() -> u64 {
    let next = or_take_back(python::call("next_count", (state::counter(),)));
    state::set_counter(next);
    next
}

ic_cdk::export_candid!();
