//! `cargo pywasm`: cross-compiles CPython to wasm32-wasip1, checks it, runs it, and embeds it in
//! Rust crates.
//!
//! The library exists for the tests of the tool and promises no semver. `docs/architecture.md` is
//! the map of the code.

pub mod cli;
pub mod commands;
pub mod config;
pub mod exit;
pub mod installed;
pub mod project;
#[cfg(feature = "runtime")]
pub mod sandbox;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the tool with these arguments. The first one is the name of the program.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    cli::start(args.into_iter().collect()).into()
}
