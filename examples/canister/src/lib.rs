//! A canister with embedded Python: `python/rules.py` contains the application logic. Rust keeps
//! the state and implements the Candid interface.
//!
//! The caller receives the traceback of a Python exception. In a query, the exception rejects the
//! call. In an update, the exception causes a trap, so that the system undoes every change that
//! Rust and Python have made.

mod python;
mod state;
mod types;

use std::marker::PhantomData;

use candid::{CandidType, Principal};
use ic_cdk::call::Call;
use ic_cdk::{init, post_upgrade, query, update};

use types::{Measured, Shape, Ticket};

/// Starts the canister after an install or an upgrade. In both cases, the heap is empty.
fn start() {
    // This seed is not secret, because every replica knows the time and the canister's principal.
    // `shuffle` replaces the seed with entropy.
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

/// Replies to a query, or rejects it with the traceback.
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

#[update]
fn withdraw(amount: u64) -> u64 {
    let left = unwrap_or_trap(python::call("withdraw", (state::counter(), amount)));
    state::set_counter(left);
    left
}

#[query(manual_reply = true)]
fn summarize(json: String) -> PhantomData<String> {
    reply(python::call("summarize", (json,)))
}

#[query(manual_reply = true)]
fn dates(text: String) -> PhantomData<Vec<String>> {
    reply(python::call("dates", (text,)))
}

#[query(manual_reply = true)]
fn interest(principal: String, percent: String, years: u32) -> PhantomData<String> {
    reply(python::call("interest", (principal, percent, years)))
}

#[query(manual_reply = true)]
fn measure(shape: Shape) -> PhantomData<Measured> {
    reply(python::call("measure", (shape.kind(), &shape)))
}

#[update]
fn write_note(name: String, text: String) {
    unwrap_or_trap(python::run("write_note", (name, text)));
}

#[query(manual_reply = true)]
fn read_note(name: String) -> PhantomData<Option<String>> {
    reply(python::call("read_note", (name,)))
}

#[query(manual_reply = true)]
fn notes() -> PhantomData<Vec<String>> {
    reply(python::call("notes", ()))
}

#[query(manual_reply = true)]
fn now() -> PhantomData<String> {
    reply(python::call("now", ()))
}

/// Seeds the random number generators with entropy from the management canister.
#[update]
async fn shuffle() {
    let response = Call::bounded_wait(Principal::management_canister(), "raw_rand").await;
    let entropy = response
        .map_err(|error| error.to_string())
        .and_then(|response| response.candid::<Vec<u8>>().map_err(|error| error.to_string()));
    let entropy = unwrap_or_trap(entropy);
    ic_wasi_polyfill::init_seed(&entropy);
    unwrap_or_trap(python::run("seed", (entropy.as_slice(),)));
}

#[update]
fn roll(sides: u32, times: u32) -> Vec<u32> {
    unwrap_or_trap(python::call("roll", (sides, times)))
}

#[update]
fn ticket(text: String) -> Ticket {
    let (id, sha256) = unwrap_or_trap(python::call("ticket", (text,)));
    Ticket { id, sha256 }
}

/// Does nothing. Used to measure the cost of a call.
#[query]
fn nothing() {}

#[allow(missing_docs, reason = "the macro generates an undocumented function")]
mod interface {
    use super::*;

    ic_cdk::export_candid!();
}
