//! Python objects that refer to tasks and continuations of the VM.
//!
//! Each object contains only the identity of a task or continuation. When the last object with this
//! identity is gone, the VM releases the task or continuation.

use pyo3::prelude::*;

use crate::vm;

/// The rest of a program after an effect, up to the handler that received the effect. It can be
/// resumed once. If it is dropped without being resumed, its generators are closed.
#[pyclass(module = "effects", name = "Continuation", frozen, eq, hash, from_py_object)]
#[derive(Clone, PartialEq, Hash)]
pub(super) struct Continuation(pub(super) vm::Continuation);

#[pymethods]
impl Continuation {
    fn __repr__(&self) -> String {
        format!("<Continuation {}>", self.0.id())
    }
}

/// A program that runs concurrently with other tasks.
#[pyclass(module = "effects", name = "Task", frozen, eq, hash, from_py_object)]
#[derive(Clone, PartialEq, Hash)]
pub(super) struct Task(pub(super) vm::Task);

#[pymethods]
impl Task {
    fn __repr__(&self) -> String {
        format!("<Task {}>", self.0.id())
    }
}
