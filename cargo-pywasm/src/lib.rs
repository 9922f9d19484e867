//! `cargo pywasm`: cross-compiles CPython to wasm32-wasip1, keeps it in a store,
//! proves that it works, and runs it.
//!
//! The library exists for the tool's own tests; the tool is the contract.
//! `docs/architecture.md` is the map of the code.

pub mod cli;
pub mod commands;
pub mod config;
pub mod ctx;
pub mod env;
pub mod exit;
pub mod fetch;
pub mod reporter;
pub mod store;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the tool with these arguments, the program's name first. Only this and
/// the code below it knows the process: its environment, directory and streams.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    cli::start(args.into_iter().collect()).into()
}
