//! Orders to the VM, which no handler sees.
//!
//! An object of these classes does nothing by itself: it is yielded.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::class::classes;
use super::effect::effect;
use super::handle::Continuation;
use super::interpreter::Generators;
use super::program::Program;
use super::value::{Handler, Object, type_name};
use crate::vm;

/// An order to the VM.
#[pyclass(module = "effects", frozen, subclass)]
pub(super) struct Control;

/// An object whose class is derived from `Effect`.
#[derive(Clone)]
pub(super) struct AnyEffect(Object);

impl<'py> FromPyObject<'_, 'py> for AnyEffect {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.cast::<super::effect::Effect>().is_ok() {
            return Ok(AnyEffect(Object::new(object.to_owned())));
        }
        Err(PyTypeError::new_err(format!(
            "an effect is of a class derived from `Effect`, not {}",
            type_name(&object)
        )))
    }
}

impl<'py> IntoPyObject<'py> for AnyEffect {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = std::convert::Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        self.0.into_pyobject(py)
    }
}

classes! { Control;
    /// Answers with the value.
    Pure(value) { value: Object }

    /// Runs the program with the handler around it. The answer is the handler's result, if it took
    /// an effect, else the program's.
    WithHandler(handler, program) { handler: Handler, program: Program }

    /// Answers the effect that the continuation is of. Comes back with the result of what the
    /// handler is around.
    Resume(continuation, value) { continuation: Continuation, value: Object }

    /// Answers the effect that the continuation is of, and ends the handler.
    Transfer(continuation, value) { continuation: Continuation, value: Object }

    /// As `Resume`. Starts a continuation that was created; that one takes no value.
    ResumeContinuation(continuation, value = None) {
        continuation: Continuation,
        value: Option<Object>
    }

    /// Leaves the effect, or another one in its place, to the handlers further out, and ends the
    /// handler.
    Delegate(effect = None) { effect: Option<AnyEffect> }

    /// The continuation that the handler was given.
    GetContinuation() {}

    /// The handlers around, the innermost first.
    GetHandlers() {}

    /// A continuation that starts the program with these handlers around it, the innermost first.
    CreateContinuation(program, handlers = Vec::new()) {
        program: Program,
        handlers: Vec<Handler>
    }
}

/// The order that this object is, if it is one.
pub(super) fn control<'py>(object: &Bound<'py, PyAny>) -> Option<vm::Control<Generators<'py>>> {
    object.cast::<Control>().ok()?;
    let py = object.py();
    Some(if let Ok(order) = object.cast::<Resume>() {
        vm::Control::Resume(order.get().continuation.0.clone(), order.get().value.clone())
    } else if let Ok(order) = object.cast::<Transfer>() {
        vm::Control::Transfer(order.get().continuation.0.clone(), order.get().value.clone())
    } else if let Ok(order) = object.cast::<Delegate>() {
        let instead = order.get().effect.as_ref();
        vm::Control::Delegate(instead.and_then(|instead| effect(instead.0.bind(py))))
    } else if let Ok(order) = object.cast::<WithHandler>() {
        let WithHandler { handler, program } = order.get();
        vm::Control::WithHandler { handler: handler.0.clone(), program: program.clone() }
    } else if let Ok(order) = object.cast::<Pure>() {
        vm::Control::Pure(order.get().value.clone())
    } else if let Ok(order) = object.cast::<ResumeContinuation>() {
        let ResumeContinuation { continuation, value } = order.get();
        let value = value.clone().unwrap_or_else(|| Object::none(py));
        vm::Control::ResumeContinuation(continuation.0.clone(), value)
    } else if object.cast::<GetContinuation>().is_ok() {
        vm::Control::GetContinuation
    } else if object.cast::<GetHandlers>().is_ok() {
        vm::Control::GetHandlers
    } else if let Ok(order) = object.cast::<CreateContinuation>() {
        let CreateContinuation { program, handlers } = order.get();
        let handlers = handlers.iter().map(|handler| handler.0.clone()).collect();
        vm::Control::CreateContinuation { program: program.clone(), handlers }
    } else {
        return None;
    })
}
