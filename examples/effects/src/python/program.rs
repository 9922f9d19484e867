//! Python programs. A program is usually a generator. An effect or a control operation can also be
//! used as a program, which yields this object and returns the answer.
//!
//! A program is checked when Python passes it to Rust, so that an invalid program raises an
//! exception at that point.

use std::convert::Infallible;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyIterator, PyType};

use super::control::Control;
use super::effect::Effect;
use super::value::{Object, type_name};

/// A program.
#[derive(Clone)]
pub(super) enum Program {
    Generator(Arc<Py<PyIterator>>),
    /// A program that yields the object and returns the answer.
    Single(Object),
}

impl Program {
    /// Converts an object to a program, if it is one.
    pub(super) fn of(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Some(generator) = generator(object)? {
            return Ok(Some(Program::Generator(generator)));
        }
        let single = object.cast::<Effect>().is_ok() || object.cast::<Control>().is_ok();
        Ok(single.then(|| Program::Single(Object::new(object.clone()))))
    }
}

/// Converts an object to a generator, if it is one.
pub(super) fn generator(object: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Py<PyIterator>>>> {
    static GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if !object.is_exact_instance(GENERATOR.import(object.py(), "types", "GeneratorType")?) {
        return Ok(None);
    }
    Ok(Some(Arc::new(object.cast::<PyIterator>()?.clone().unbind())))
}

/// Returns true if a generator has not been started. Otherwise, another caller is running it or has
/// suspended it, or it has ended.
pub(super) fn is_fresh(generator: &Bound<'_, PyIterator>) -> PyResult<bool> {
    let py = generator.py();
    Ok(!generator.getattr(intern!(py, "gi_running"))?.is_truthy()?
        && !generator.getattr(intern!(py, "gi_suspended"))?.is_truthy()?
        && !generator.getattr(intern!(py, "gi_frame"))?.is_none())
}

impl<'py> FromPyObject<'_, 'py> for Program {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Some(program) = Program::of(&object)? {
            return Ok(program);
        }
        let py = object.py();
        let is_generator_function = py
            .import(intern!(py, "inspect"))?
            .call_method1(intern!(py, "isgeneratorfunction"), (object,))?
            .is_truthy()?;
        Err(PyTypeError::new_err(if is_generator_function {
            let name = object.getattr(intern!(py, "__qualname__"))?;
            format!("{name} is a generator function, not a program: call it")
        } else {
            format!(
                "a program is an effect, a control operation, or the result of calling a generator \
                 function, not {}",
                type_name(&object)
            )
        }))
    }
}

impl<'py> IntoPyObject<'py> for Program {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(match self {
            Program::Generator(generator) => generator.bind(py).clone().into_any(),
            Program::Single(object) => object.bind(py).clone(),
        })
    }
}
