//! Python's programs: generators, and effects and orders as programs of one yield.
//!
//! A program is checked where Python hands it over, so that the mistake is raised where it was
//! made; nothing here runs one.

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

/// What can be run.
#[derive(Clone)]
pub(super) enum Program {
    Generator(Arc<Py<PyIterator>>),
    /// Yields this object, and returns the answer.
    Single(Object),
}

impl Program {
    /// The program that this object is, if it is one.
    pub(super) fn of(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Some(generator) = generator(object)? {
            return Ok(Some(Program::Generator(generator)));
        }
        let single = object.cast::<Effect>().is_ok() || object.cast::<Control>().is_ok();
        Ok(single.then(|| Program::Single(Object::new(object.clone()))))
    }
}

/// The object as a generator, if it is one.
pub(super) fn generator(object: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Py<PyIterator>>>> {
    static GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if !object.is_exact_instance(GENERATOR.import(object.py(), "types", "GeneratorType")?) {
        return Ok(None);
    }
    Ok(Some(Arc::new(object.cast::<PyIterator>()?.clone().unbind())))
}

/// Whether a generator can be started. One that was is in somebody else's hands, and one that has
/// ended would end again, with `None`.
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
        let makes_one = py
            .import(intern!(py, "inspect"))?
            .call_method1(intern!(py, "isgeneratorfunction"), (object,))?
            .is_truthy()?;
        Err(PyTypeError::new_err(if makes_one {
            let name = object.getattr(intern!(py, "__qualname__"))?;
            format!("{name} is a generator function, not yet a program: call it")
        } else {
            format!(
                "a program is an effect, an order, or what calling a generator function gives, \
                 one that uses `yield`; not {}",
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
