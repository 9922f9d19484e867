//! Converts an [`io::Error`] to the `OSError` subclass for its `errno`.

use std::io;
use std::path::Path;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

/// Creates an exception with `errno`, `strerror` and, if there is a path, `filename`.
///
/// PyO3's own conversion keeps only the class and a message.
pub(crate) fn os_error(py: Python<'_>, error: io::Error, path: Option<&Path>) -> PyErr {
    // Rust and Python share one wasi-libc, so the error numbers are the same.
    let Some(errno) = error.raw_os_error() else { return error.into() };
    let strerror = match py.import("os").and_then(|os| os.call_method1("strerror", (errno,))) {
        Ok(text) => text.unbind(),
        Err(error) => return error,
    };
    PyOSError::new_err((errno, strerror, path.map(|path| path.as_os_str().to_owned())))
}
