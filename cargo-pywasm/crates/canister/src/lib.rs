//! A host for testing Internet Computer canisters. It implements `ic0` and keeps a canister's state
//! between messages.
//!
//! The host follows the interface specification: it checks which functions a message may call,
//! rolls back changes after a trap, and keeps the specified state during an upgrade. The host is
//! not a replica: there is one canister and no subnet, nothing is certified, cycles are free, and
//! wasmtime counts fuel, not the weighted instructions of the Internet Computer.
//!
//! This crate is internal to cargo-pywasm and does not follow semver. It never uses the network,
//! and does not replace WASI imports: callers must do that first.

mod bounds;
mod canister;
mod execute;
mod guest;
mod host;
mod ic0;
mod instrument;
pub mod interface;
mod lifecycle;
mod mode;
mod outcome;
mod process;
mod settings;
mod stable;
mod state_file;
mod system;
#[cfg(test)]
mod tests;
pub mod text;

pub use candid::Principal;

pub use canister::Canister;
pub use host::{Host, Kind, Module};
pub use interface::Interface;
pub use mode::Mode;
pub use outcome::{Outcome, Run, reject};
pub use settings::{Limits, Settings};
