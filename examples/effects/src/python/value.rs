//! Python objects as values of the VM.
//!
//! No Python code runs here, except in `callable`.

use std::convert::Infallible;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::vm::Key;

/// Any Python object. Cloning increments a reference count in Rust, not in Python, because the VM
/// clones values without access to the interpreter.
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

/// The key of a value in the store.
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

/// A handler: any callable.
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
            "a handler must be a function with parameters for an effect and a continuation, not {}",
            type_name(&object)
        )))
    }
}

/// Returns the name of an object's type, for use in messages.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().qualname().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// Returns the name of a callable, for use in messages.
pub(crate) fn callable_name(callable: &Bound<'_, PyAny>) -> String {
    callable
        .getattr(intern!(callable.py(), "__qualname__"))
        .map_or_else(|_| type_name(callable), |name| name.to_string())
}

#[cfg(test)]
mod tests {
    use pyo3::types::PyList;

    use super::*;

    #[test]
    fn clones_share_one_python_reference() {
        Python::initialize();
        Python::attach(|py| {
            let list = PyList::empty(py).into_any();
            let count = || -> usize {
                let count = py.import("sys").unwrap().call_method1("getrefcount", (&list,));
                count.unwrap().extract().unwrap()
            };
            let initial = count();
            let object = Object::new(list.clone());
            let clones = vec![object.clone(); 10];
            assert_eq!(count(), initial + 1);
            drop(object);
            assert_eq!(count(), initial + 1, "any clone keeps the object alive");
            drop(clones);
            assert_eq!(count(), initial);
        });
    }
}
