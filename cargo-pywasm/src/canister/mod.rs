//! A host for canisters of the Internet Computer, for tests: it answers `ic0` and keeps a canister's
//! state from message to message.
//!
//! It is no replica: there is one canister and no subnet, nothing is certified, cycles cost nothing,
//! and fuel is wasmtime's, not the weighed instructions of the Internet Computer. What a canister may
//! call when, what a trap takes back, and what survives an upgrade, is as the specification says.

mod bounds;
#[allow(clippy::module_inception, reason = "the file of its main type")]
mod canister;
mod execute;
mod guest;
mod host;
mod ic0;
mod instrument;
pub mod interface;
mod mode;
mod outcome;
mod process;
mod stable;
mod state_file;
mod system;
#[cfg(test)]
mod tests;
pub mod text;

pub use candid::Principal;

pub use canister::{Canister, Limits, Settings};
pub use host::{Host, Kind, Module};
pub use interface::Interface;
pub use mode::Mode;
pub use outcome::{Outcome, Run, reject};
