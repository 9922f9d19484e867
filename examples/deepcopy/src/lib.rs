//! `fastcopy.deepcopy`: what `copy.deepcopy` of CPython 3.13 does, natively.
//!
//! The module `fastcopy` is registered before Python starts ([`command`] shows it) and has one
//! function. Every object that it makes, every method that it calls and every error that it raises
//! is the one of `copy.deepcopy`; the README lists where it differs.
//!
//! It never replaces anything in Python's own modules: who wants `copy.deepcopy` to be this one
//! assigns it.

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
