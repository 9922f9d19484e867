//! Finds a CPython for wasm32-wasip1 that `cargo pywasm install` made, from a build
//! script or from any other program.
//!
//! ```no_run
//! let python = pywasm_build::Installation::open("…/cpython-3.13.15-wasm32-wasip1-full-1a2b3c4d")?;
//! python.cc().file("src/glue.c").compile("glue");
//! # Ok::<(), pywasm_build::Error>(())
//! ```
//!
//! This crate is compiled into build scripts: it has no network, no proc macro and
//! two dependencies, and it never builds CPython.

mod error;
mod installation;
mod store;

pub use error::Error;
pub use installation::{Installation, TARGET};
pub use store::{installations, installs_dir};

/// The example of the guide, which is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/installation.md")]
struct Guide;
