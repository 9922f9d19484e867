//! Tests of an installation. `cargo test` ignores them. `cargo xtask e2e` installs CPython, sets
//! `PYWASM_INSTALLATION` to the directory of the installation, and runs the tests.

#![allow(clippy::unwrap_used, reason = "a test helper fails like a test")]

mod directories;
mod embed;
mod freeze;
mod library;
mod size;
mod snapshot;
mod sources;
mod stubs;

use camino::Utf8Path;
use pywasm_build::Installation;
use pywasm_store::Store;
use pywasm_tests::{Fresh, utf8};

/// Returns the path of the binary that Cargo built for these tests.
fn binary() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_BIN_EXE_cargo-pywasm"))
}

/// Returns a context for a test. If the installation under test is in a store, the context uses that
/// store, so that tests need not compile the interpreter again.
fn fresh() -> Fresh {
    let mut fresh = Fresh::new(&[]);
    let root = utf8(installation().root());
    if let Some(data) = root.ancestors().nth(2).filter(|dir| dir.file_name() == Some("data"))
        && let Some(store) = data.parent()
    {
        fresh.ctx.store = Store::at(store);
    }
    fresh
}

/// Opens the installation under test.
fn installation() -> Installation {
    let root = std::env::var_os("PYWASM_INSTALLATION").expect("PYWASM_INSTALLATION is not set");
    Installation::open(root).expect("an installation")
}
