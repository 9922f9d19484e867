//! Embeds Python, with the standard library and the package `app` as files of the wasm module.

use pyo3::prelude::*;

/// Calls a function in one of the package's Python modules, and returns the function's result.
///
/// # Errors
/// If the import or the call raises an exception.
pub fn call(module: &str, function: &str) -> PyResult<String> {
    Python::initialize();
    Python::attach(|py| py.import(module)?.getattr(function)?.call0()?.extract())
}
