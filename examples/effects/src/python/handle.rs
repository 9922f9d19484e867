//! What Python holds of tasks and continuations.
//!
//! These objects have an identity and nothing else. When the last one of its identity is gone, the
//! VM gives up what nobody can name any more.

use pyo3::prelude::*;

use crate::vm;

/// What is left to do after an effect, until the handler that is given this has answered. It can be
/// resumed once; when it never is, and nobody holds it any more, its generators are closed.
#[pyclass(module = "effects", name = "Continuation", frozen, eq, hash, from_py_object)]
#[derive(Clone, PartialEq, Hash)]
pub(super) struct Continuation(pub(super) vm::Continuation);

#[pymethods]
impl Continuation {
    fn __repr__(&self) -> String {
        format!("<Continuation {}>", self.0.id())
    }
}

/// A program that takes turns with others.
#[pyclass(module = "effects", name = "Task", frozen, eq, hash, from_py_object)]
#[derive(Clone, PartialEq, Hash)]
pub(super) struct Task(pub(super) vm::Task);

#[pymethods]
impl Task {
    fn __repr__(&self) -> String {
        format!("<Task {}>", self.0.id())
    }
}
