//! An error of the operating system as Python raises it: `OSError`, or the subclass that its `errno`
//! stands for.

use std::io;
use std::path::Path;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

/// The exception: with `errno` and `strerror`, and where a file could not be opened its `filename`.
///
/// PyO3 has a conversion, which keeps the class and a text and nothing else.
pub(crate) fn os_error(py: Python<'_>, error: io::Error, path: Option<&Path>) -> PyErr {
    // WASI's numbers are those of Python's `errno`: both are wasi-libc's.
    let Some(errno) = error.raw_os_error() else { return error.into() };
    let strerror = match py.import("os").and_then(|os| os.call_method1("strerror", (errno,))) {
        Ok(text) => text.unbind(),
        Err(error) => return error,
    };
    PyOSError::new_err((errno, strerror, path.map(|path| path.as_os_str().to_owned())))
}
