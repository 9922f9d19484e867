//! A canister with embedded Python: `python/app.py` makes the decisions, and Rust keeps the state
//! and implements the Candid interface.
//!
//! If Python raises an exception, the caller gets the traceback. A query rejects the call. An
//! update traps, so that the system undoes every change that Rust and Python have made.

mod python;
mod state;

use std::marker::PhantomData;

use candid::CandidType;
use ic_cdk::{init, post_upgrade, query, update};

/// Starts the canister after an installation or an upgrade. Both begin with an empty heap.
fn start() {
    // This seed is not secret, because every replica knows the time and the canister's principal.
    // For entropy, call the management canister's `raw_rand`.
    let mut seed = ic_cdk::api::time().to_le_bytes().to_vec();
    seed.extend(ic_cdk::api::canister_self().as_slice());
    seed.truncate(32);
    let result = state::open().and_then(|()| {
        state::open_files(&seed);
        python::start()
    });
    result.unwrap_or_else(|error| ic_cdk::trap(error));
}

#[init]
fn install() {
    start();
}

#[post_upgrade]
fn upgrade() {
    start();
}

/// Replies to a query with the value, or rejects the query with the traceback.
fn reply<T: CandidType>(result: Result<T, String>) -> PhantomData<T> {
    match result {
        Ok(value) => match candid::encode_one(value) {
            Ok(bytes) => ic_cdk::api::msg_reply(bytes),
            Err(error) => ic_cdk::trap(error.to_string()),
        },
        Err(traceback) => ic_cdk::api::msg_reject(traceback),
    }
    PhantomData
}

/// Returns the value, or traps with the traceback, so that the system undoes the update.
fn unwrap_or_trap<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|traceback| ic_cdk::trap(traceback))
}

#[query(manual_reply = true)]
fn greet(name: String) -> PhantomData<String> {
    reply(python::call("greet", (name,)))
}

#[query]
fn counter() -> u64 {
    state::counter()
}

#[update]
fn increment() -> u64 {
    let next = unwrap_or_trap(python::call("next_count", (state::counter(),)));
    state::set_counter(next);
    next
}

ic_cdk::export_candid!();
