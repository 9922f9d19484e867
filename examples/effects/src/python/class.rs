//! How classes of what programs yield are defined: immutable, positional, and shown as they are
//! written, so that `match` works with them. They have no methods of their own.

/// Defines classes with a common base: its constructor's parameters, and its attributes.
macro_rules! classes {
    ($base:ident; $(
        $(#[$meta:meta])*
        $name:ident($($signature:tt)*) { $($field:ident: $type:ty),* }
    )*) => {$(
        $(#[$meta])*
        #[pyclass(module = "effects", frozen, extends = $base)]
        pub(super) struct $name {
            $(#[pyo3(get)] pub(super) $field: $type,)*
        }

        #[pymethods]
        impl $name {
            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                const NAMES: &[&str] = &[$(stringify!($field)),*];
                PyTuple::new(py, NAMES)
            }

            #[new]
            #[pyo3(signature = ($($signature)*))]
            fn new($($field: $type),*) -> PyClassInitializer<Self> {
                PyClassInitializer::from($base).add_subclass($name { $($field),* })
            }

            fn __repr__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
                let fields = [$(self.$field.clone().into_bound_py_any(py)?),*];
                $crate::python::class::shown(py, stringify!($name), &fields)
            }
        }
    )*};
}

pub(super) use classes;

use pyo3::prelude::*;
use pyo3::types::PyString;

/// `Name('first', 'second')`.
pub(super) fn shown<'py>(
    py: Python<'py>,
    name: &str,
    fields: &[Bound<'py, PyAny>],
) -> PyResult<Bound<'py, PyString>> {
    let fields: PyResult<Vec<String>> =
        fields.iter().map(|field| Ok(field.repr()?.to_cow()?.into_owned())).collect();
    Ok(PyString::new(py, &format!("{name}({})", fields?.join(", "))))
}
