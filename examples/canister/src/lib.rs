//! A canister in which Python decides and Rust keeps the state.
//!
//! An exception in a query becomes a reject with its traceback. In an update it becomes a trap, which is a
//! reject as well, and takes back what Rust and Python had changed by then.

mod python;
mod state;
mod types;

use std::marker::PhantomData;

use candid::{CandidType, Principal};
use ic_cdk::call::Call;
use ic_cdk::{init, post_upgrade, query, update};

use types::{Measured, Shape, Ticket};

/// Both when it is installed and when it is upgraded, for the heap is new then.
fn start() {
    // Until real entropy is asked for (`shuffle`), what every replica knows: no secrets are made of it.
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

#[update]
fn withdraw(amount: u64) -> u64 {
    let left = or_take_back(python::call("withdraw", (state::counter(), amount)));
    state::set_counter(left);
    left
}

#[query(manual_reply = true)]
fn summarize(json: String) -> PhantomData<String> {
    answer(python::call("summarize", (json,)))
}

#[query(manual_reply = true)]
fn dates(text: String) -> PhantomData<Vec<String>> {
    answer(python::call("dates", (text,)))
}

#[query(manual_reply = true)]
fn interest(principal: String, percent: String, years: u32) -> PhantomData<String> {
    answer(python::call("interest", (principal, percent, years)))
}

#[query(manual_reply = true)]
fn measure(shape: Shape) -> PhantomData<Measured> {
    answer(python::call("measure", (shape.kind(), &shape)))
}

#[update]
fn write_note(name: String, text: String) {
    or_take_back(python::run("write_note", (name, text)));
}

#[query(manual_reply = true)]
fn read_note(name: String) -> PhantomData<Option<String>> {
    answer(python::call("read_note", (name,)))
}

#[query(manual_reply = true)]
fn notes() -> PhantomData<Vec<String>> {
    answer(python::call("notes", ()))
}

#[query(manual_reply = true)]
fn now() -> PhantomData<String> {
    answer(python::call("now", ()))
}

/// Entropy that nobody knows before: the management canister has it.
#[update]
async fn shuffle() {
    let answer = Call::bounded_wait(Principal::management_canister(), "raw_rand").await;
    let entropy = answer.map_err(|error| error.to_string());
    let entropy = entropy.and_then(|it| it.candid::<Vec<u8>>().map_err(|error| error.to_string()));
    let entropy = or_take_back(entropy);
    ic_wasi_polyfill::init_seed(&entropy);
    or_take_back(python::run("seed", (entropy.as_slice(),)));
}

#[update]
fn roll(sides: u32, times: u32) -> Vec<u32> {
    or_take_back(python::call("roll", (sides, times)))
}

#[update]
fn ticket(text: String) -> Ticket {
    let (id, sha256) = or_take_back(python::call("ticket", (text,)));
    Ticket { id, sha256 }
}

/// Nothing at all, to see what a call costs.
#[query]
fn nothing() {}

#[allow(missing_docs, reason = "the macro makes a function for the tool that reads the interface")]
mod interface {
    use super::*;

    ic_cdk::export_candid!();
}
