//! Control operations: objects that programs yield to the VM and that no handler receives.

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

/// A control operation. It does nothing until a program yields it.
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
            "an effect must be derived from `Effect`, not {}",
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

    /// Runs the program under the handler. The answer is the handler's result if the handler
    /// handled an effect, and the program's result otherwise.
    WithHandler(handler, program) { handler: Handler, program: Program }

    /// Answers the effect for which the continuation was captured. Returns the result of the
    /// program that the handler encloses.
    Resume(continuation, value) { continuation: Continuation, value: Object }

    /// Answers the effect for which the continuation was captured, and ends the handler.
    Transfer(continuation, value) { continuation: Continuation, value: Object }

    /// Does the same as `Resume`, but can also start a continuation made by `CreateContinuation`.
    /// Such a continuation takes no value.
    ResumeContinuation(continuation, value = None) {
        continuation: Continuation,
        value: Option<Object>
    }

    /// Passes the handler's effect, or a replacement for it, to the outer handlers, and ends the
    /// handler.
    Delegate(effect = None) { effect: Option<AnyEffect> }

    /// Answers with the continuation that the handler received.
    GetContinuation() {}

    /// Answers with the enclosing handlers, innermost first.
    GetHandlers() {}

    /// Creates a continuation that starts the program under the handlers. The innermost handler
    /// comes first in the list.
    CreateContinuation(program, handlers = Vec::new()) {
        program: Program,
        handlers: Vec<Handler>
    }
}

/// Converts an object to a control operation, if it is one.
pub(super) fn control<'py>(object: &Bound<'py, PyAny>) -> Option<vm::Control<Generators<'py>>> {
    object.cast::<Control>().ok()?;
    let py = object.py();
    Some(if let Ok(operation) = object.cast::<Resume>() {
        let Resume { continuation, value } = operation.get();
        vm::Control::Resume(continuation.0.clone(), value.clone())
    } else if let Ok(operation) = object.cast::<Transfer>() {
        let Transfer { continuation, value } = operation.get();
        vm::Control::Transfer(continuation.0.clone(), value.clone())
    } else if let Ok(operation) = object.cast::<Delegate>() {
        let replacement = operation.get().effect.as_ref();
        vm::Control::Delegate(replacement.and_then(|replacement| effect(replacement.0.bind(py))))
    } else if let Ok(operation) = object.cast::<WithHandler>() {
        let WithHandler { handler, program } = operation.get();
        vm::Control::WithHandler { handler: handler.0.clone(), program: program.clone() }
    } else if let Ok(operation) = object.cast::<Pure>() {
        vm::Control::Pure(operation.get().value.clone())
    } else if let Ok(operation) = object.cast::<ResumeContinuation>() {
        let ResumeContinuation { continuation, value } = operation.get();
        let value = value.clone().unwrap_or_else(|| Object::none(py));
        vm::Control::ResumeContinuation(continuation.0.clone(), value)
    } else if object.cast::<GetContinuation>().is_ok() {
        vm::Control::GetContinuation
    } else if object.cast::<GetHandlers>().is_ok() {
        vm::Control::GetHandlers
    } else if let Ok(operation) = object.cast::<CreateContinuation>() {
        let CreateContinuation { program, handlers } = operation.get();
        let handlers = handlers.iter().map(|handler| handler.0.clone()).collect();
        vm::Control::CreateContinuation { program: program.clone(), handlers }
    } else {
        return None;
    })
}
