//! A host for canisters of the Internet Computer, for tests: it implements `ic0` and keeps a
//! canister's state between messages.
//!
//! Functions that a message may call, rollback after a trap, and state that survives an upgrade
//! follow the interface specification. The host is not a replica: there is one canister and no
//! subnet, nothing is certified, cycles are free, and fuel is counted by wasmtime, not by the
//! weighted instructions of the Internet Computer.
//!
//! Internal to cargo-pywasm; this crate promises no semver. It never uses the network, and never
//! rewrites a module: the caller does that first.

mod bounds;
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
