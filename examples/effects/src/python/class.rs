//! Defines the classes of objects that programs yield. The objects are immutable and support
//! `match`. Their constructors take positional arguments, and their `repr` looks like the
//! constructor call.

/// Defines classes with a common base class. Each field is a constructor parameter and an
/// attribute.
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
                $crate::python::class::format_repr(py, stringify!($name), &fields)
            }
        }
    )*};
}

pub(super) use classes;

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Formats an object as `Name('first', 'second')`.
pub(super) fn format_repr<'py>(
    py: Python<'py>,
    name: &str,
    fields: &[Bound<'py, PyAny>],
) -> PyResult<Bound<'py, PyString>> {
    let fields: PyResult<Vec<String>> =
        fields.iter().map(|field| Ok(field.repr()?.to_cow()?.into_owned())).collect();
    Ok(PyString::new(py, &format!("{name}({})", fields?.join(", "))))
}
