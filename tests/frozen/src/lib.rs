//! Embeds Python, with the standard library and the package `app` frozen into the wasm module.

use pyo3::prelude::*;

/// Calls a function of a Python module in the package, and returns its result.
///
/// # Errors
/// The exception that the import or the call raised.
pub fn call(module: &str, function: &str) -> PyResult<String> {
    Python::initialize();
    Python::attach(|py| py.import(module)?.getattr(function)?.call0()?.extract())
}
