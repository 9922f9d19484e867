//! Python whose library and whose own package are code of the module itself.

use pyo3::prelude::*;

/// Calls a function of the package, and returns what it says.
///
/// # Errors
/// What it raises.
pub fn call(module: &str, function: &str) -> PyResult<String> {
    Python::initialize();
    Python::attach(|py| py.import(module)?.getattr(function)?.call0()?.extract())
}
