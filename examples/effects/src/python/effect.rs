//! Effects: what a program wants, without a word about who does it.
//!
//! An object of these classes does nothing by itself. It is yielded, and offered to handlers.

use std::iter;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::class::classes;
use super::handle::Task;
use super::interpreter::Generators;
use super::program::Program;
use super::value::{Name, Object};
use crate::vm::{self, Builtin};

/// What a program wants of the handlers around it. Derive your own effects from this class.
#[pyclass(module = "effects", frozen, subclass)]
pub(super) struct Effect;

#[pymethods]
impl Effect {
    /// Takes whatever `__init__` of a derived class takes.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Effect
    }
}

classes! { Effect;
    /// The value that was put by this name.
    Get(key) { key: Name }

    /// Puts a value by this name.
    Put(key, value) { key: Name, value: Object }

    /// Replaces the value by what the function makes of it, and answers with that.
    Modify(key, function) { key: Name, function: Object }

    /// The value that the run was given by this name.
    Ask(key) { key: Name }

    /// Appends to the log.
    Tell(message) { message: Object }

    /// Has the program take turns with this one. The answer is its task.
    Spawn(program) { program: Program }

    /// Waits for the results of all; raises the first failure.
    Gather(*tasks) { tasks: Vec<Task> }

    /// Waits for the first to end, for its result or failure, and cancels the others.
    Race(first, *others) { first: Task, others: Vec<Task> }

    /// Lets all others that are ready have a turn.
    Pause() {}
}

/// The effect that this object is, if it is one.
pub(super) fn effect<'py>(object: &Bound<'py, PyAny>) -> Option<vm::Effect<Generators<'py>>> {
    object.cast::<Effect>().ok()?;
    Some(vm::Effect { value: Object::new(object.clone()), builtin: builtin(object) })
}

fn builtin<'py>(object: &Bound<'py, PyAny>) -> Option<Builtin<Generators<'py>>> {
    Some(if let Ok(effect) = object.cast::<Get>() {
        Builtin::Get(effect.get().key.0.clone())
    } else if let Ok(effect) = object.cast::<Put>() {
        Builtin::Put(effect.get().key.0.clone(), effect.get().value.clone())
    } else if let Ok(effect) = object.cast::<Modify>() {
        Builtin::Modify(effect.get().key.0.clone(), effect.get().function.clone())
    } else if let Ok(effect) = object.cast::<Ask>() {
        Builtin::Ask(effect.get().key.0.clone())
    } else if let Ok(effect) = object.cast::<Tell>() {
        Builtin::Tell(effect.get().message.clone())
    } else if let Ok(effect) = object.cast::<Spawn>() {
        Builtin::Spawn(effect.get().program.clone())
    } else if let Ok(effect) = object.cast::<Gather>() {
        Builtin::Gather(effect.get().tasks.iter().map(|task| task.0.clone()).collect())
    } else if let Ok(effect) = object.cast::<Race>() {
        let Race { first, others } = effect.get();
        Builtin::Race(iter::once(first).chain(others).map(|task| task.0.clone()).collect())
    } else if object.cast::<Pause>().is_ok() {
        Builtin::Pause
    } else {
        return None;
    })
}
