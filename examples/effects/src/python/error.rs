//! The exceptions of the module, and how faults of the VM are worded.
//!
//! What programs raise is never wrapped in one of these.

use pyo3::exceptions::{PyKeyError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::{PyErr, create_exception};

use super::value::{Object, type_name};
use crate::vm::Fault;

create_exception!(effects, UnhandledEffect, PyRuntimeError, "No handler takes this effect.");
create_exception!(
    effects,
    ContinuationError,
    PyRuntimeError,
    "A continuation cannot be resumed, or there is none."
);
create_exception!(effects, TaskError, PyRuntimeError, "A task cannot be waited for.");
create_exception!(effects, TaskCancelled, TaskError, "A task lost a race, and has no result.");
create_exception!(effects, Deadlock, TaskError, "Every task waits for another one.");

/// The exception that tells a program of its fault.
pub(super) fn exception(py: Python<'_>, fault: Fault<Object>) -> PyErr {
    match fault {
        Fault::Unhandled(effect) => unhandled(effect.bind(py)),
        Fault::Spent => ContinuationError::new_err(
            "this continuation was resumed, or given up, before: each can be resumed once",
        ),
        Fault::NotStarted => ContinuationError::new_err(
            "this continuation was created and not started yet: only `ResumeContinuation` starts it",
        ),
        Fault::ForeignContinuation => {
            ContinuationError::new_err("this continuation belongs to another call of `run`")
        }
        Fault::OutsideHandler(order) => ContinuationError::new_err(format!(
            "`{order}` is for handlers: nothing is being handled where it was yielded"
        )),
        Fault::NoState(key) => PyKeyError::new_err(format!(
            "no state '{key}': `Put` it first, or begin with `Store(state=...)`"
        )),
        Fault::NoEnvironment(key) => PyKeyError::new_err(format!(
            "nothing to `Ask` for as '{key}': begin with `Store(env=...)`"
        )),
        Fault::Cancelled => {
            TaskCancelled::new_err("this task lost a race and was cancelled: it has no result")
        }
        Fault::WaitsForItself => TaskError::new_err("a task cannot wait for itself"),
        Fault::ForeignTask => TaskError::new_err("this task belongs to another call of `run`"),
        Fault::Deadlock => {
            Deadlock::new_err("every task waits for another one: this will never be answered")
        }
    }
}

fn unhandled(effect: &Bound<'_, PyAny>) -> PyErr {
    let name = type_name(effect);
    match effect.repr() {
        Ok(text) => UnhandledEffect::new_err(format!(
            "no handler for the effect {text}: run this in `WithHandler`, with one that takes \
             {name}"
        )),
        // An effect that cannot be shown is still an effect that nobody handled.
        Err(error) => {
            let unhandled = UnhandledEffect::new_err(format!("no handler for the effect {name}"));
            unhandled.set_cause(effect.py(), Some(error));
            unhandled
        }
    }
}
