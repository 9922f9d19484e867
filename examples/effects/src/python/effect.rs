//! Effects: objects that programs yield and that handlers receive.

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

/// The base class of effects. Derive your own effects from it.
#[pyclass(module = "effects", frozen, subclass)]
pub(super) struct Effect;

#[pymethods]
impl Effect {
    /// Accepts any arguments, because the `__init__` method of a derived class may have parameters.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Effect
    }
}

classes! { Effect;
    /// Answers with the value of the key.
    Get(key) { key: Name }

    /// Sets the value of the key.
    Put(key, value) { key: Name, value: Object }

    /// Calls the function with the value of the key, stores the result as the new value, and
    /// answers with it.
    Modify(key, function) { key: Name, function: Object }

    /// Answers with the value of the key in the environment.
    Ask(key) { key: Name }

    /// Appends to the log.
    Tell(message) { message: Object }

    /// Starts the program as a task, and answers with the task.
    Spawn(program) { program: Program }

    /// Waits for all tasks and answers with their results, or raises the first failure.
    Gather(*tasks) { tasks: Vec<Task> }

    /// Waits for the first task to end, and cancels the other tasks. Answers with the task's result
    /// or raises its failure.
    Race(first, *others) { first: Task, others: Vec<Task> }

    /// Lets every other ready task run before this task continues.
    Pause() {}
}

/// Converts an object to an effect, if it is one.
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
