//! Tests of the command line. They run the binary of this commit with an empty environment and a
//! temporary store.

#![allow(clippy::unwrap_used, reason = "a test helper fails like a test")]

mod cache;
#[cfg(feature = "canister")]
mod canister_host;
mod commands;
mod doctor;
mod guide;
mod post_link;
mod rewire;
mod run_wasm;
mod size;
mod trace_files;

use camino::Utf8Path;

/// Returns the path of the binary that Cargo built for these tests.
fn binary() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_BIN_EXE_cargo-pywasm"))
}
