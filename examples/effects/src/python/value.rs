//! Python objects as the VM's values.
//!
//! Nothing here runs Python code, but for what `callable` asks.

use std::convert::Infallible;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::vm::Key;

/// Any object. To clone it counts in Rust, not in Python: the VM clones values where it has no
/// interpreter.
#[derive(Clone)]
pub(crate) struct Object(Arc<Py<PyAny>>);

impl Object {
    pub(crate) fn new(object: Bound<'_, PyAny>) -> Self {
        Object(Arc::new(object.unbind()))
    }

    pub(crate) fn none(py: Python<'_>) -> Self {
        Object(Arc::new(py.None()))
    }

    pub(crate) fn bind<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.0.bind(py)
    }
}

impl<'py> FromPyObject<'_, 'py> for Object {
    type Error = Infallible;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Object::new(object.to_owned()))
    }
}

impl<'py> IntoPyObject<'py> for Object {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(self.bind(py).clone())
    }
}

/// The name of a value in the store.
#[derive(Clone)]
pub(crate) struct Name(pub(crate) Key);

impl<'py> FromPyObject<'_, 'py> for Name {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Name(object.cast::<PyString>()?.to_cow()?.into()))
    }
}

impl<'py> IntoPyObject<'py> for Name {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(PyString::new(py, &self.0))
    }
}

/// What handles effects: something that can be called.
#[derive(Clone)]
pub(crate) struct Handler(pub(crate) Object);

impl<'py> IntoPyObject<'py> for Handler {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        self.0.into_pyobject(py)
    }
}

impl<'py> FromPyObject<'_, 'py> for Handler {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_callable() {
            return Ok(Handler(Object::new(object.to_owned())));
        }
        Err(PyTypeError::new_err(format!(
            "a handler is a generator function of an effect and a continuation, not {}",
            type_name(&object)
        )))
    }
}

/// How messages call an object's type.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().qualname().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// How messages call something that can be called.
pub(crate) fn name(callable: &Bound<'_, PyAny>) -> String {
    callable
        .getattr(intern!(callable.py(), "__qualname__"))
        .map_or_else(|_| type_name(callable), |name| name.to_string())
}

#[cfg(test)]
mod tests {
    use pyo3::types::PyList;

    use super::*;

    #[test]
    fn cloning_a_value_leaves_pythons_reference_count_alone() {
        Python::initialize();
        Python::attach(|py| {
            let list = PyList::empty(py).into_any();
            let count = || -> usize {
                let count = py.import("sys").unwrap().call_method1("getrefcount", (&list,));
                count.unwrap().extract().unwrap()
            };
            let without = count();
            let object = Object::new(list.clone());
            let clones = vec![object.clone(); 10];
            assert_eq!(count(), without + 1);
            drop(object);
            assert_eq!(count(), without + 1, "any clone keeps the object alive");
            drop(clones);
            assert_eq!(count(), without);
        });
    }
}
