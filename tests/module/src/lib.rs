//! A wasm module in which Rust and Python use the same files, directories, errors, memory, time and
//! environment through libc. They get different results if the module contains two libcs, or a libc
//! that does not match libpython.
//!
//! The exports show that a reactor keeps its state between calls.

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::prelude::*;

/// The number of times that the C constructors ran.
static STARTS: AtomicI64 = AtomicI64::new(0);

/// A function that `_initialize` calls in the same way as C and C++ constructors.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = count_start;

extern "C" fn count_start() {
    STARTS.fetch_add(1, Ordering::Relaxed);
}

/// Returns how many times the constructors ran. In a module without `_initialize`, wasm-ld makes
/// every export run them, so the result is larger than 1.
#[unsafe(no_mangle)]
pub extern "C" fn starts() -> i64 {
    STARTS.load(Ordering::Relaxed)
}

/// Returns the number of calls that Python has counted, or -1 after an exception.
#[unsafe(no_mangle)]
pub extern "C" fn count() -> i64 {
    evaluate(c"counter").unwrap_or(-1)
}

/// Creates three reference cycles, runs Python's garbage collector, and returns the number of
/// cycles that it finds.
#[unsafe(no_mangle)]
pub extern "C" fn collect() -> i64 {
    evaluate(c"collector").unwrap_or(-1)
}

fn evaluate(name: &std::ffi::CStr) -> PyResult<i64> {
    Python::initialize();
    Python::attach(|py| {
        let name = name.to_string_lossy();
        let result = probe(py).and_then(|probe| probe.getattr(&*name)?.call0()?.extract());
        result.inspect_err(|error: &PyErr| error.print(py))
    })
}

/// Returns the Python module `probe`, and creates it on the first call.
///
/// # Errors
/// If the code of `probe` raises an exception.
pub fn probe(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    let modules = py.import("sys")?.getattr("modules")?;
    if let Ok(probe) = modules.get_item("probe") {
        return Ok(probe.cast_into()?);
    }
    let code = pyo3::ffi::c_str!(include_str!("../python/probe.py"));
    let probe = PyModule::from_code(py, code, c"python/probe.py", c"probe")?;
    modules.set_item("probe", &probe)?;
    Ok(probe)
}
