//! The data that a canister can query and change while a message runs.

use std::sync::Arc;

use candid::Principal;
use wasmtime::{Memory, StoreLimits};

use super::mode::Mode;
use super::stable::Stable;

/// The state that is kept between messages, except the heap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Durable {
    pub(super) stable: Stable,
    pub(super) certified: Vec<u8>,
    /// The time at which the timer fires, in nanoseconds since 1970; 0 if no timer is set.
    pub(super) timer: u64,
    pub(super) cycles: u128,
    /// The number of calls to `raw_rand` so far.
    pub(super) randoms: u64,
    /// The value of `ic0.canister_version`.
    pub(super) version: u64,
}

/// The constant data of a message.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) id: Principal,
    pub(super) controllers: Arc<[Principal]>,
    pub(super) caller: Principal,
    /// The time in nanoseconds since 1970.
    pub(super) time: u64,
    pub(super) method: String,
    /// The argument of the message, or the reply to a call.
    pub(super) argument: Arc<[u8]>,
    /// The code and message of a rejected call.
    pub(super) rejected: Option<(u32, String)>,
    pub(super) refunded: u128,
    pub(super) stable_limit: u64,
    pub(super) heap_limit: u64,
    /// The fuel that earlier executions of the same message used.
    pub(super) fuel_before: u64,
    /// The maximum size of a reply, in bytes.
    pub(super) max_reply: usize,
}

/// The canister's response to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Response {
    Reply(Vec<u8>),
    Reject(String),
}

/// A callback: the index of a function in the wasm table, and the function's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Callback {
    pub(super) function: u64,
    pub(super) env: u64,
}

/// A call to a canister.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) callee: Vec<u8>,
    pub(super) method: Vec<u8>,
    pub(super) reply: Callback,
    pub(super) reject: Callback,
    pub(super) cleanup: Option<Callback>,
    pub(super) argument: Vec<u8>,
    pub(super) cycles: u128,
}

/// The data in the wasmtime store of an execution.
#[derive(Debug)]
pub(super) struct System {
    pub(super) mode: Mode,
    pub(super) facts: Facts,
    pub(super) durable: Durable,
    /// The reply data that `msg_reply_data_append` has appended so far.
    pub(super) reply: Vec<u8>,
    pub(super) response: Option<Response>,
    pub(super) accepted: bool,
    /// The call under construction.
    pub(super) call: Option<Call>,
    /// The calls that were performed.
    pub(super) calls: Vec<Call>,
    pub(super) debug: Vec<String>,
    pub(super) memory: Option<Memory>,
    /// The limits of the heap.
    pub(super) limits: StoreLimits,
    /// The fuel at the start of the execution. The store keeps the remaining fuel.
    pub(super) fuel: u64,
}
