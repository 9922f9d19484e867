//! A Python module that contains a logger written in Rust. The logger writes text to stdout or a
//! file, and calls a Python function when the text contains `ERROR`.
//!
//! Every failure in Rust becomes an exception in Python. Nothing here panics, because a panic would
//! trap the whole wasm module. The crate contains no `unsafe` code.

mod class;
mod command;
mod error;
mod sink;

pub use command::main;

use pyo3::prelude::*;

/// The Python module `logger`.
#[pymodule(name = "logger")]
pub mod python {
    #[pymodule_export]
    pub use crate::class::Logger;
}

/// Registers the module and starts Python. Does nothing if Python is already running.
pub fn start() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        pyo3::append_to_inittab!(python);
        Python::initialize();
    });
}
