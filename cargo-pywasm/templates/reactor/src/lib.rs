//! A reactor with embedded Python. The host first calls `_initialize` once, and can then call any
//! export any number of times. Python keeps its state between calls.

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The result of `add` if Python raised an exception.
const FAILED: i64 = i64::MIN;

/// Adds a number to the total that Python keeps, and returns the new total.
#[unsafe(no_mangle)]
pub extern "C" fn add(number: i64) -> i64 {
    Python::initialize();
    Python::attach(|py| {
        call_add(py, number).unwrap_or_else(|error| {
            error.print(py);
            FAILED
        })
    })
}

fn call_add(py: Python<'_>, number: i64) -> PyResult<i64> {
    static APP: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let app = APP.get_or_try_init(py, || {
        let code = c_str!(include_str!("../python/app.py"));
        PyModule::from_code(py, code, c"python/app.py", c"app").map(Bound::unbind)
    })?;
    app.bind(py).getattr("add")?.call1((number,))?.extract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_keeps_the_total() {
        assert_eq!((add(40), add(2)), (40, 42));
    }
}
