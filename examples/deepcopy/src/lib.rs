//! `fastcopy.deepcopy`, a native implementation of CPython 3.13's `copy.deepcopy`.
//!
//! The module `fastcopy` is registered before Python starts (see [`command`]). Its one function
//! creates the same objects, calls the same methods and raises the same exceptions as
//! `copy.deepcopy`. The README lists the differences.
//!
//! The module `copy` is not modified. To replace its function, assign `fastcopy.deepcopy` to
//! `copy.deepcopy` in Python.

pub mod command;

mod copier;
mod kind;
mod known;
mod memo;
mod raw;
mod reduce;
mod table;

use pyo3::pymodule;

/// The Python module `fastcopy`.
#[pymodule]
pub mod fastcopy {
    use pyo3::prelude::*;

    use crate::copier::Copier;

    /// Deep copy operation on arbitrary Python objects.
    ///
    /// See the documentation of `copy.deepcopy`.
    #[pyfunction]
    #[pyo3(signature = (x, memo = None))]
    fn deepcopy<'py>(
        x: &Bound<'py, PyAny>,
        memo: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Copier::new(x.py(), memo)?.copy(x)
    }
}
