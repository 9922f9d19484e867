//! The Python objects that every copy needs, looked up once.
//!
//! They are those that `copy.py` binds when it is imported, and for the same reason: whoever
//! replaces one of them later in its module means it for others. It never holds what may differ
//! from call to call.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// Objects of `copyreg`, and a mark.
pub(crate) struct Known {
    /// `copyreg.dispatch_table`: class -> function that reduces its instances.
    pub(crate) dispatch_table: Py<PyDict>,
    /// `copyreg.__newobj__`, with which most objects say that they are made.
    pub(crate) newobj: Py<PyAny>,
    /// Says that a memo has no entry, since None may be one.
    pub(crate) missing: Py<PyAny>,
}

/// What PyO3 offers for state of a module that has one interpreter.
static KNOWN: PyOnceLock<Known> = PyOnceLock::new();

impl Known {
    pub(crate) fn get(py: Python<'_>) -> PyResult<&Self> {
        KNOWN.get_or_try_init(py, || {
            let copyreg = py.import("copyreg")?;
            Ok(Self {
                dispatch_table: copyreg.getattr("dispatch_table")?.cast_into::<PyDict>()?.unbind(),
                newobj: copyreg.getattr("__newobj__")?.unbind(),
                missing: py.import("builtins")?.getattr("object")?.call0()?.unbind(),
            })
        })
    }
}
