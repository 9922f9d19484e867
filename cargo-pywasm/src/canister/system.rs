//! What a canister sees of its world while a message runs, and what it changes there.

use std::sync::Arc;

use candid::Principal;
use wasmtime::{Memory, StoreLimits};

use super::mode::Mode;
use super::stable::Stable;

/// What outlives a message beside the heap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Durable {
    pub(super) stable: Stable,
    pub(super) certified: Vec<u8>,
    /// When the timer is due, in nanoseconds since 1970; 0 is never.
    pub(super) timer: u64,
    pub(super) cycles: u128,
    /// How many times randomness was asked for.
    pub(super) randoms: u64,
    /// `ic0.canister_version`.
    pub(super) version: u64,
}

/// The facts of a message: nothing changes them while it runs.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) id: Principal,
    pub(super) controllers: Arc<[Principal]>,
    pub(super) caller: Principal,
    /// Nanoseconds since 1970.
    pub(super) time: u64,
    pub(super) method: String,
    /// The argument, or the reply to a call.
    pub(super) argument: Arc<[u8]>,
    /// Of a call that was rejected.
    pub(super) rejected: Option<(u32, String)>,
    pub(super) refunded: u128,
    pub(super) stable_limit: u64,
    pub(super) heap_limit: u64,
    /// Fuel that the earlier parts of the same call took.
    pub(super) fuel_before: u64,
    /// The kind of call that all of this answers.
    pub(super) most_reply: usize,
}

/// How a call was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Response {
    Reply(Vec<u8>),
    Reject(String),
}

/// A function in the table, and what it is handed.
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

/// The store's data.
#[derive(Debug)]
pub(super) struct System {
    pub(super) mode: Mode,
    pub(super) facts: Facts,
    pub(super) durable: Durable,
    /// What was said by `msg_reply_data_append` so far.
    pub(super) reply: Vec<u8>,
    pub(super) response: Option<Response>,
    pub(super) accepted: bool,
    /// The call that is being put together.
    pub(super) call: Option<Call>,
    /// Those that were made.
    pub(super) calls: Vec<Call>,
    pub(super) debug: Vec<String>,
    pub(super) memory: Option<Memory>,
    /// Of the heap.
    pub(super) limits: StoreLimits,
    /// What the message was given; what is left of it, the store knows.
    pub(super) fuel: u64,
}
