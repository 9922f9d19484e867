//! The exceptions that the module defines, and the messages for the VM's faults.
//!
//! Exceptions that programs raise are never wrapped.

use pyo3::exceptions::{PyKeyError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::{PyErr, create_exception};

use super::value::{Object, type_name};
use crate::vm::Fault;

create_exception!(effects, UnhandledEffect, PyRuntimeError, "No handler handled an effect.");
create_exception!(
    effects,
    ContinuationError,
    PyRuntimeError,
    "A continuation cannot be resumed or does not exist."
);
create_exception!(effects, TaskError, PyRuntimeError, "A task cannot be waited for.");
create_exception!(effects, TaskCancelled, TaskError, "A task lost a race and was cancelled.");
create_exception!(effects, Deadlock, TaskError, "Every task is waiting for another task.");

/// Creates the exception for a fault.
pub(super) fn exception(py: Python<'_>, fault: Fault<Object>) -> PyErr {
    match fault {
        Fault::Unhandled(effect) => unhandled(effect.bind(py)),
        Fault::Spent => ContinuationError::new_err(
            "this continuation was already resumed or abandoned: it can be resumed only once",
        ),
        Fault::NotStarted => ContinuationError::new_err(
            "this continuation has not been started yet: use `ResumeContinuation`",
        ),
        Fault::ForeignContinuation => {
            ContinuationError::new_err("this continuation belongs to another call of `run`")
        }
        Fault::OutsideHandler(operation) => {
            ContinuationError::new_err(format!("`{operation}` can only be yielded by a handler"))
        }
        Fault::NoState(key) => PyKeyError::new_err(format!(
            "no state '{key}': `Put` it first, or pass `Store(state=...)`"
        )),
        Fault::NoEnvironment(key) => {
            PyKeyError::new_err(format!("no environment value '{key}': pass `Store(env=...)`"))
        }
        Fault::Cancelled => TaskCancelled::new_err("this task lost a race and was cancelled"),
        Fault::WaitsForItself => TaskError::new_err("a task cannot wait for itself"),
        Fault::ForeignTask => TaskError::new_err("this task belongs to another call of `run`"),
        Fault::Deadlock => {
            Deadlock::new_err("every task waits for another task, so the wait can never end")
        }
    }
}

fn unhandled(effect: &Bound<'_, PyAny>) -> PyErr {
    let name = type_name(effect);
    match effect.repr() {
        Ok(text) => UnhandledEffect::new_err(format!(
            "no handler for the effect {text}: use `WithHandler` with a handler for {name}"
        )),
        // If `repr` fails, its exception becomes the cause of the `UnhandledEffect`.
        Err(error) => {
            let unhandled = UnhandledEffect::new_err(format!("no handler for the effect {name}"));
            unhandled.set_cause(effect.py(), Some(error));
            unhandled
        }
    }
}
