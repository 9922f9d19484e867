//! Embeds a Python whose standard library and own package are frozen into the module.

use pyo3::prelude::*;

/// Calls a function of a module of the package and returns its result.
///
/// # Errors
/// The exception that the import or the call raised.
pub fn call(module: &str, function: &str) -> PyResult<String> {
    Python::initialize();
    Python::attach(|py| py.import(module)?.getattr(function)?.call0()?.extract())
}
