//! A Python module with a logger in Rust: it writes lines to stdout or to a file, and calls a
//! Python function when a line speaks of an error.
//!
//! Everything that goes wrong in Rust is an exception in Python: nothing here panics, because a
//! panic ends the whole module. There is no `unsafe` in the crate.

mod class;
mod command;
mod error;
mod sink;

pub use command::main;

use pyo3::prelude::*;

/// The module `logger`.
#[pymodule(name = "logger")]
pub mod python {
    #[pymodule_export]
    pub use crate::class::Logger;
}

/// Makes the module importable, and starts Python. Once is enough; again does nothing.
pub fn start() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        pyo3::append_to_inittab!(python);
        Python::initialize();
    });
}
