//! `cargo pywasm`: cross-compiles CPython to wasm32-wasip1, keeps it in a store,
//! proves that it works, and runs it.
//!
//! The library exists for the tool's own tests; the tool is the contract.
//! `docs/architecture.md` is the map of the code.

#[cfg(feature = "runtime")]
pub mod bytecode;
#[cfg(feature = "runtime")]
pub mod canister;
pub mod cli;
pub mod commands;
pub mod config;
#[cfg(feature = "runtime")]
pub mod cpython;
pub mod exit;
#[cfg(feature = "runtime")]
pub mod freeze;
pub mod import;
#[cfg(feature = "runtime")]
pub mod install;
pub mod installed;
pub mod post_link;
pub mod project;
#[cfg(feature = "runtime")]
pub mod sandbox;
#[cfg(feature = "runtime")]
pub mod smoke;
#[cfg(feature = "runtime")]
pub mod snapshot;
#[cfg(feature = "runtime")]
pub mod testsuite;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the tool with these arguments, the program's name first. Only this and
/// the code below it knows the process: its environment, directory and streams.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    cli::start(args.into_iter().collect()).into()
}
