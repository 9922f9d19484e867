//! `cargo pywasm`: cross-compiles CPython to wasm32-wasip1, checks it, runs it, and embeds it in
//! Rust crates.
//!
//! The library exists for the tool's tests and makes no semver promise. `docs/architecture.md` is a
//! map of the code.

pub mod cli;
pub mod commands;
mod compiler;
pub mod config;
pub mod exit;
pub mod installed;
pub mod project;
#[cfg(feature = "runtime")]
pub mod sandbox;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the tool with these arguments. The first argument is the program name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    cli::start(args.into_iter().collect()).into()
}
