//! A module whose Rust and whose Python look at the same things through libc: files, directories,
//! errors, memory, time, environment. Two libcs in one module, or one that libpython was not made
//! for, make them see different things.
//!
//! As a reactor it shows that its state outlives a call.

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::prelude::*;

/// How often the module was initialized, as C's constructors see it.
static STARTS: AtomicI64 = AtomicI64::new(0);

/// Called by `_initialize`, as constructors of C and C++ are.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = count_start;

extern "C" fn count_start() {
    STARTS.fetch_add(1, Ordering::Relaxed);
}

/// How often constructors ran: once, or a host without `_initialize` runs them at every call.
#[unsafe(no_mangle)]
pub extern "C" fn starts() -> i64 {
    STARTS.load(Ordering::Relaxed)
}

/// The number of calls that Python has counted, or less than none after an exception.
#[unsafe(no_mangle)]
pub extern "C" fn count() -> i64 {
    evaluate(c"counter").unwrap_or(-1)
}

/// The number of cycles that Python's garbage collector finds, which this call makes: 3.
#[unsafe(no_mangle)]
pub extern "C" fn collect() -> i64 {
    evaluate(c"collector").unwrap_or(-1)
}

/// Calls a function of the Python part.
fn evaluate(name: &std::ffi::CStr) -> PyResult<i64> {
    Python::initialize();
    Python::attach(|py| {
        let name = name.to_string_lossy();
        let result = part(py).and_then(|part| part.getattr(&*name)?.call0()?.extract());
        result.inspect_err(|error: &PyErr| error.print(py))
    })
}

/// The Python part, made once.
///
/// # Errors
/// What its code raises.
pub fn part(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    let modules = py.import("sys")?.getattr("modules")?;
    if let Ok(part) = modules.get_item("part") {
        return Ok(part.cast_into()?);
    }
    let code = pyo3::ffi::c_str!(include_str!("../python/part.py"));
    let part = PyModule::from_code(py, code, c"python/part.py", c"part")?;
    modules.set_item("part", &part)?;
    Ok(part)
}
