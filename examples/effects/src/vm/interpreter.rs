//! What the VM needs of a language, and what a program of that language can yield.
//!
//! These types are the whole border: the VM never learns what a value or a program is, and an
//! interpreter never sees a segment.

use super::continuation::Continuation;
use super::fault::Failure;
use super::scheduler::Task;
use super::store::Key;

/// A language whose programs can be suspended.
pub(crate) trait Interpreter: Sized {
    /// Data, handlers and functions. To clone one must not need the interpreter.
    type Value: Clone;
    /// What programs raise. To clone one must not need the interpreter.
    type Error: Clone;
    /// A program: to be started, or suspended where it yielded.
    type Program;

    /// Runs a program to its first yield.
    fn start(&mut self, program: Self::Program) -> Progress<Self>;

    /// Runs a suspended program on; its yield has this answer.
    fn resume(&mut self, program: Self::Program, answer: Answer<Self::Value>) -> Progress<Self>;

    /// Runs a suspended program on; its yield raises this.
    fn throw(&mut self, program: Self::Program, failure: Failure<Self>) -> Progress<Self>;

    /// Has a handler make the program that handles this effect.
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

    /// Ends a program that will never be resumed, so that it can clean up.
    fn close(&mut self, program: Self::Program);

    /// Tells of the failure of a task that nobody waited for.
    fn report(&mut self, failure: Failure<Self>);
}

/// How far a program came.
pub(crate) enum Progress<I: Interpreter> {
    /// It is suspended, and waits for the answer to this.
    Yielded(I::Program, Yielded<I>),
    /// It has ended with this value.
    Returned(I::Value),
    /// It has ended by raising this.
    Raised(I::Error),
}

/// What a program yields.
pub(crate) enum Yielded<I: Interpreter> {
    /// Another program: its result is the answer.
    Program(I::Program),
    /// An effect: what handles it finds the answer.
    Effect(Effect<I>),
    /// An order to the VM, which no handler sees.
    Control(Control<I>),
}

/// An effect, as handlers see it and as the VM understands it.
pub(crate) struct Effect<I: Interpreter> {
    /// What handlers are given.
    pub(crate) value: I::Value,
    /// What is done when no handler took it; nothing for the effects of users.
    pub(crate) builtin: Option<Builtin<I>>,
}

/// Effects that are handled below the last handler.
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

/// Orders to the VM.
pub(crate) enum Control<I: Interpreter> {
    /// Answer with this value.
    Pure(I::Value),
    /// Run the program with the handler around it.
    WithHandler { handler: I::Value, program: I::Program },
    /// Answer the effect, and come back with the result of what the handler is around.
    Resume(Continuation, I::Value),
    /// Answer the effect, and never come back.
    Transfer(Continuation, I::Value),
    /// As `Resume`; starts a continuation that was created.
    ResumeContinuation(Continuation, I::Value),
    /// Leave the effect, or this one in its place, to the handlers further out; never come back.
    Delegate(Option<Effect<I>>),
    /// The continuation that the handler was given.
    GetContinuation,
    /// The handlers around, the innermost first.
    GetHandlers,
    /// A continuation that starts a program with these handlers around it, the innermost first.
    CreateContinuation { program: I::Program, handlers: Vec<I::Value> },
}

/// What a yield is answered with.
#[derive(Clone)]
pub(crate) enum Answer<V> {
    Unit,
    Value(V),
    List(Vec<Answer<V>>),
    Task(Task),
    Continuation(Continuation),
}
