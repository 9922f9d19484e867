//! Starts Python, calls functions in the Python module, and formats exceptions as tracebacks.

use std::ffi::{CStr, c_char, c_uint};

use pyo3::call::PyCallArgs;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// The Python module in `python/` that contains the application logic.
const MODULE: &str = "app";

#[allow(unsafe_code, reason = "Python is started through C functions")]
mod linked {
    use super::{CStr, c_char, c_uint};

    unsafe extern "C" {
        /// Runs the C constructors. A reactor's start file defines this function.
        fn _initialize();
        /// Starts Python without reading anything outside the wasm module. Returns NULL on success,
        /// or else an error message. `libpywasm_start.a` defines this function.
        fn pywasm_start(hash_seed: c_uint) -> *const c_char;
    }

    /// Runs the C constructors and starts Python. Does nothing if Python is already initialized, as
    /// in a module that `cargo pywasm snapshot` wrote.
    pub(super) fn start() -> Result<(), String> {
        // SAFETY: the function only reads a variable and can be called at any time.
        if unsafe { pyo3::ffi::Py_IsInitialized() } != 0 {
            return Ok(());
        }
        // SAFETY: no C code has run in this heap yet, and nothing else calls the constructors.
        unsafe { _initialize() };
        // SAFETY: the constructors have run, and there is only one thread.
        let message = unsafe { pywasm_start(0) };
        if message.is_null() {
            return Ok(());
        }
        // SAFETY: the message is a static string in CPython.
        let message = unsafe { CStr::from_ptr(message) };
        Err(message.to_string_lossy().into_owned())
    }
}

/// Starts Python and imports the Python module, so that the first call does not have to import it.
///
/// Every replica reaches the same state: the hash seed is fixed, and Python sees no environment
/// variables.
///
/// # Errors
/// Returns Python's error message if Python does not start, or the traceback if the import fails.
pub(crate) fn start() -> Result<(), String> {
    let before = ic_cdk::api::performance_counter(0);
    linked::start()?;
    let between = ic_cdk::api::performance_counter(0);
    Python::attach(|py| match py.import(MODULE) {
        Ok(_) => Ok(()),
        Err(error) => Err(traceback(py, &error)),
    })?;
    let after = ic_cdk::api::performance_counter(0);
    let (start, import) = (between - before, after - between);
    ic_cdk::api::debug_print(format!(
        "Python started in {start} instructions and imported {MODULE} in {import}"
    ));
    Ok(())
}

/// Calls a function in the Python module and converts its result.
///
/// # Errors
/// Returns the traceback if the function or the conversion raises an exception.
pub(crate) fn call<A, R>(function: &str, args: A) -> Result<R, String>
where
    A: for<'py> PyCallArgs<'py>,
    R: for<'a, 'py> FromPyObject<'a, 'py>,
{
    let result = run(function, args)?;
    Python::attach(|py| {
        let result = result.into_bound(py);
        let value = result.extract::<R>();
        value.map_err(|error| traceback(py, &error.into()))
    })
}

/// Calls a function in the Python module and returns its result as a Python object.
///
/// # Errors
/// Returns the traceback if the function raises an exception.
pub(crate) fn run<A>(function: &str, args: A) -> Result<Py<PyAny>, String>
where
    A: for<'py> PyCallArgs<'py>,
{
    Python::attach(|py| {
        let module = py.import(MODULE);
        let result = module.and_then(|module| module.getattr(function)?.call1(args));
        match result {
            Ok(result) => Ok(result.unbind()),
            Err(error) => Err(traceback(py, &error)),
        }
    })
}

/// Formats an exception as `python` would, including its causes and notes.
fn traceback(py: Python<'_>, error: &PyErr) -> String {
    let lines = py
        .import("traceback")
        .and_then(|module| module.call_method1("format_exception", (error.value(py),)))
        .and_then(|lines| lines.cast_into::<PyList>()?.extract::<Vec<String>>());
    match lines {
        Ok(lines) => lines.concat().trim_end().to_owned(),
        Err(_) => error.to_string(),
    }
}
