//! A reactor with embedded Python. The host first calls `_initialize` once, and can then call any
//! export any number of times. Python keeps its state between calls. The build embeds `python/app.py`,
//! because Cargo.toml lists it.

use pyo3::prelude::*;

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
    py.import("app")?
        .getattr("add")?
        .call1((number,))?
        .extract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_keeps_the_total() {
        assert_eq!((add(40), add(2)), (40, 42));
    }
}
