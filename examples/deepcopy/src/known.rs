//! Python objects that every copy needs.
//!
//! They are looked up once, as in `copy.py`, which does so when it is imported. Later replacements
//! in `copyreg` have no effect.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// Objects from `copyreg`, and a sentinel.
pub(crate) struct Known {
    /// `copyreg.dispatch_table`, which maps a class to the function that reduces its instances.
    pub(crate) dispatch_table: Py<PyDict>,
    /// `copyreg.__newobj__`, the reconstruction function of most objects.
    pub(crate) newobj: Py<PyAny>,
    /// A sentinel for a missing memo entry, because `None` may be an entry.
    pub(crate) missing: Py<PyAny>,
}

/// The objects, which are looked up on first use. They can be in a static, because there is only
/// one interpreter.
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
