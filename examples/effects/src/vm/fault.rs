//! What the VM itself finds wrong with what a program yields.
//!
//! A fault is thrown into that program, where it can be caught like any exception. The interpreter
//! words it; this module never does.

use super::interpreter::Interpreter;
use super::store::Key;

/// A program's mistake.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault<V> {
    /// No handler took this effect, and it is none of the built-in ones.
    Unhandled(V),
    /// The continuation was resumed or given up before: each is good for one time.
    Spent,
    /// Only `ResumeContinuation` starts a continuation that was created, not captured.
    NotStarted,
    /// The continuation is another run's.
    ForeignContinuation,
    /// Only a handler can yield this.
    OutsideHandler(&'static str),
    /// `Get` or `Modify` of what was never put.
    NoState(Key),
    /// `Ask` for what the environment does not have.
    NoEnvironment(Key),
    /// What was waited for will never be: it lost a race.
    Cancelled,
    /// A task may wait for any other, not for itself.
    WaitsForItself,
    /// The task is another run's.
    ForeignTask,
    /// Every task waits, so nothing would ever happen again.
    Deadlock,
}

/// Why a program is to raise.
pub(crate) enum Failure<I: Interpreter> {
    /// A program raised this.
    Raised(I::Error),
    /// The VM found this.
    Fault(Fault<I::Value>),
}

/// Derived, it would ask the same of the interpreter.
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
