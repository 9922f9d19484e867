//! The interface between the VM and a language.
//!
//! The VM does not look inside values and programs, and an interpreter has no access to segments.

use super::continuation::Continuation;
use super::fault::Failure;
use super::scheduler::Task;
use super::store::Key;

/// A language whose programs can be suspended.
pub(crate) trait Interpreter: Sized {
    /// The type of data, handlers and functions. Cloning a value must not require the interpreter.
    type Value: Clone;
    /// The type of exceptions. Cloning an exception must not require the interpreter.
    type Error: Clone;
    /// A program that has not been started, or is suspended at a yield.
    type Program;

    /// Runs a program to its first yield.
    fn start(&mut self, program: Self::Program) -> Progress<Self>;

    /// Resumes a suspended program with the answer to its yield.
    fn resume(&mut self, program: Self::Program, answer: Answer<Self::Value>) -> Progress<Self>;

    /// Resumes a suspended program by raising an exception at its yield.
    fn throw(&mut self, program: Self::Program, failure: Failure<Self>) -> Progress<Self>;

    /// Calls a handler, which returns the program that handles the effect.
    fn handle(
        &mut self,
        handler: &Self::Value,
        effect: Self::Value,
        continuation: Continuation,
    ) -> Result<Self::Program, Self::Error>;

    /// Calls a function, which cannot yield.
    fn call(
        &mut self,
        function: &Self::Value,
        argument: Self::Value,
    ) -> Result<Self::Value, Self::Error>;

    /// Closes a program that will never be resumed, so that it can clean up.
    fn close(&mut self, program: Self::Program);

    /// Reports the failure of a task that no other task waited for.
    fn report(&mut self, failure: Failure<Self>);
}

/// The state of a program after it has run.
pub(crate) enum Progress<I: Interpreter> {
    /// The program is suspended and waits for an answer.
    Yielded(I::Program, Yielded<I>),
    /// The program returned a value.
    Returned(I::Value),
    /// The program raised an exception.
    Raised(I::Error),
}

/// An object that a program yields.
pub(crate) enum Yielded<I: Interpreter> {
    /// A program to call. Its result is the answer.
    Program(I::Program),
    /// An effect. Its handler determines the answer.
    Effect(Effect<I>),
    /// A control operation, which no handler receives.
    Control(Control<I>),
}

/// An effect.
pub(crate) struct Effect<I: Interpreter> {
    /// The effect as handlers receive it.
    pub(crate) value: I::Value,
    /// The built-in effect, which the VM handles if no handler does, or `None` for a user-defined
    /// effect.
    pub(crate) builtin: Option<Builtin<I>>,
}

/// The effects that the VM can handle.
pub(crate) enum Builtin<I: Interpreter> {
    Get(Key),
    Put(Key, I::Value),
    Modify(Key, I::Value),
    Ask(Key),
    Tell(I::Value),
    Spawn(I::Program),
    Gather(Vec<Task>),
    Race(Vec<Task>),
    Pause,
}

/// The control operations.
pub(crate) enum Control<I: Interpreter> {
    /// Answers with this value.
    Pure(I::Value),
    /// Runs the program under the handler.
    WithHandler { handler: I::Value, program: I::Program },
    /// Answers the effect, and returns the result of the program that the handler encloses.
    Resume(Continuation, I::Value),
    /// Answers the effect, and does not return.
    Transfer(Continuation, I::Value),
    /// Does the same as `Resume`, but can also start a created continuation.
    ResumeContinuation(Continuation, I::Value),
    /// Passes the effect, or a replacement for it, to the outer handlers, and does not return.
    Delegate(Option<Effect<I>>),
    /// Answers with the continuation that the handler received.
    GetContinuation,
    /// Answers with the enclosing handlers, innermost first.
    GetHandlers,
    /// Creates a continuation that starts a program under the handlers. The innermost handler comes
    /// first in the list.
    CreateContinuation { program: I::Program, handlers: Vec<I::Value> },
}

/// The answer to a yield.
#[derive(Clone)]
pub(crate) enum Answer<V> {
    Unit,
    Value(V),
    List(Vec<Answer<V>>),
    Task(Task),
    Continuation(Continuation),
}
