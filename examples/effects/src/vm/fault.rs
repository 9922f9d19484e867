//! Errors that the VM detects when a program yields.
//!
//! A fault is thrown into the program, which can catch it like any exception. The interpreter
//! defines the messages.

use super::interpreter::Interpreter;
use super::store::Key;

/// An error of a program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault<V> {
    /// No handler handled the effect, which is not a built-in effect.
    Unhandled(V),
    /// The continuation has already been resumed or abandoned.
    Spent,
    /// The continuation was created rather than captured, so `ResumeContinuation` must start it.
    NotStarted,
    /// The continuation belongs to another run.
    ForeignContinuation,
    /// Only a handler can yield this operation.
    OutsideHandler(&'static str),
    /// `Get` or `Modify` was used with a key that has no value.
    NoState(Key),
    /// `Ask` was used with a key that is not in the environment.
    NoEnvironment(Key),
    /// The task lost a race, so it has no result.
    Cancelled,
    /// A task cannot wait for itself.
    WaitsForItself,
    /// The task belongs to another run.
    ForeignTask,
    /// Every task waits for another task.
    Deadlock,
}

/// The cause of an exception in a program.
pub(crate) enum Failure<I: Interpreter> {
    /// An exception that a program raised.
    Raised(I::Error),
    /// An error that the VM detected.
    Fault(Fault<I::Value>),
}

/// This is implemented by hand, because a derived implementation would require `I: Clone`.
impl<I: Interpreter> Clone for Failure<I> {
    fn clone(&self) -> Self {
        match self {
            Failure::Raised(error) => Failure::Raised(error.clone()),
            Failure::Fault(fault) => Failure::Fault(fault.clone()),
        }
    }
}

impl<I: Interpreter> From<Fault<I::Value>> for Failure<I> {
    fn from(fault: Fault<I::Value>) -> Self {
        Failure::Fault(fault)
    }
}
