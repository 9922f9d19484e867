//! Python: how it is started, called, and heard when it fails.

use std::ffi::{CStr, c_char, c_uint};

use pyo3::call::PyCallArgs;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// The module that decides, from `python/`.
const MODULE: &str = "rules";

#[allow(unsafe_code, reason = "they stand before Python's own API")]
mod linked {
    use super::{CStr, c_char, c_uint};

    unsafe extern "C" {
        /// The constructors of C, of the reactor's start file.
        fn _initialize();
        /// Of `libpywasm_start.a`: Python with all of its settings from the module, NULL when it runs.
        fn pywasm_start(hash_seed: c_uint) -> *const c_char;
    }

    /// Once for each time that the heap is new, before anything else of C or Python. In a snapshot of the
    /// module (`cargo pywasm snapshot`) it is done.
    pub(super) fn start() -> Result<(), String> {
        // SAFETY: it reads a variable, and may be called at any time.
        if unsafe { pyo3::ffi::Py_IsInitialized() } != 0 {
            return Ok(());
        }
        // SAFETY: nothing of C ran in this heap yet, and nobody else calls it.
        unsafe { _initialize() };
        // SAFETY: the constructors ran; there is one thread.
        let problem = unsafe { pywasm_start(0) };
        if problem.is_null() {
            return Ok(());
        }
        // SAFETY: it is one of CPython's texts, which live as long as the module.
        let problem = unsafe { CStr::from_ptr(problem) };
        Err(problem.to_string_lossy().into_owned())
    }
}

/// Starts Python and imports the module, so that the first call finds it. Every replica comes to the same
/// state: hashes have a fixed seed, and there is no outside.
///
/// # Errors
/// When Python does not start, or the module raises: the traceback.
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
        "Python started in {start} instructions, {MODULE} in {import}"
    ));
    Ok(())
}

/// Calls a function of the module.
///
/// # Errors
/// The traceback of what it raised, or of what its result can't be made to.
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

/// Calls a function of the module for what it does; its result stays Python's.
///
/// # Errors
/// The traceback of what it raised.
pub(crate) fn run<A>(function: &str, args: A) -> Result<Py<PyAny>, String>
where
    A: for<'py> PyCallArgs<'py>,
{
    Python::attach(|py| {
        let module = py.import(MODULE);
        let result = module.and_then(|it| it.getattr(function)?.call1(args));
        match result {
            Ok(result) => Ok(result.unbind()),
            Err(error) => Err(traceback(py, &error)),
        }
    })
}

/// What `python` would print: with the exceptions that led to this one, and its notes.
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
