//! The Python side: generators are programs, objects are values, and the module `effects` is the
//! interface. The VM makes all decisions about the course of a run.

mod class;
mod control;
mod effect;
mod error;
mod handle;
mod interpreter;
mod program;
mod run;
mod value;

use pyo3::pymodule;

/// Algebraic effects: programs yield effects, and handlers decide what an effect means.
#[pymodule]
pub mod effects {
    #[pymodule_export]
    use super::control::{
        Control, CreateContinuation, Delegate, GetContinuation, GetHandlers, Pure, Resume,
        ResumeContinuation, Transfer, WithHandler,
    };
    #[pymodule_export]
    use super::effect::{Ask, Effect, Gather, Get, Modify, Pause, Put, Race, Spawn, Tell};
    #[pymodule_export]
    use super::error::{ContinuationError, Deadlock, TaskCancelled, TaskError, UnhandledEffect};
    #[pymodule_export]
    use super::handle::{Continuation, Task};
    #[pymodule_export]
    use super::run::{Store, run};
}
