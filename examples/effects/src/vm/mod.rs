//! A virtual machine that runs programs with effects, independently of their language.
//!
//! A stack of programs is a chain of segments. When a handler receives an effect, the chain is cut
//! below the handler's segment (the prompt). The part above the cut is the continuation, and the
//! handler runs on the part below. A handler therefore never receives its own effects.
//!
//! [`Vm::step`] makes decisions without access to the interpreter. [`Vm::perform`] calls the
//! interpreter and decides nothing. Cloning a value does not require the interpreter. Dropping the
//! last clone may run code in the language, but that code cannot call the same VM.

mod arena;
mod continuation;
mod control;
mod dispatch;
mod fault;
mod handle;
mod interpreter;
#[cfg(test)]
mod mock;
mod scheduler;
mod store;
#[cfg(test)]
mod tests;

use arena::{Arena, Role, SegmentId};
use continuation::{Continuations, Suspended};
use scheduler::Scheduler;

pub(crate) use continuation::Continuation;
pub(crate) use fault::{Failure, Fault};
pub(crate) use interpreter::{Answer, Builtin, Control, Effect, Interpreter, Progress, Yielded};
pub(crate) use scheduler::Task;
pub(crate) use store::{Key, Store};

/// The outcome of a program or an effect.
pub(crate) type Outcome<I> = Result<Answer<<I as Interpreter>::Value>, Failure<I>>;

/// A run of a program and the tasks that it spawns.
pub(crate) struct Vm<I: Interpreter> {
    arena: Arena<I>,
    /// The segment of the running program.
    current: SegmentId,
    continuations: Continuations<I>,
    scheduler: Scheduler<I>,
    store: Store<I::Value>,
    /// Programs that will never be resumed, in the order in which to close them.
    abandoned: Vec<I::Program>,
}

/// The next thing to do.
enum Mode<I: Interpreter> {
    /// Start a program in the current segment.
    Start(I::Program),
    /// Resume the innermost program of the current segment with an answer or a failure.
    Deliver(Outcome<I>),
    /// Process the object that the innermost program of the current segment yielded.
    Yield(Yielded<I>),
}

/// The result of a step.
enum Step<I: Interpreter> {
    Next(Mode<I>),
    Call(Call<I>),
    Done(Outcome<I>),
}

/// An operation that the interpreter performs.
enum Call<I: Interpreter> {
    Start(I::Program),
    Deliver(I::Program, Outcome<I>),
    Handle { handler: I::Value, effect: I::Value, continuation: Continuation },
    Modify { key: Key, function: I::Value, old: I::Value },
}

impl<I: Interpreter> Vm<I> {
    pub(crate) fn new(store: Store<I::Value>) -> Self {
        let mut arena = Arena::new();
        let current = arena.allocate(None, Role::Plain);
        Vm {
            arena,
            current,
            continuations: Continuations::new(),
            scheduler: Scheduler::new(),
            store,
            abandoned: Vec::new(),
        }
    }

    /// Runs a program to its end. Then closes the programs that are still suspended.
    pub(crate) fn run(
        mut self,
        program: I::Program,
        interpreter: &mut I,
    ) -> (Outcome<I>, Store<I::Value>) {
        let outcome = self.drive(program, interpreter);
        self.end(interpreter);
        (outcome, self.store)
    }

    fn drive(&mut self, program: I::Program, interpreter: &mut I) -> Outcome<I> {
        let mut mode = Mode::Start(program);
        loop {
            mode = match self.step(mode) {
                Step::Next(mode) => mode,
                Step::Call(call) => {
                    self.clean_up(interpreter);
                    self.perform(call, interpreter)
                }
                Step::Done(outcome) => return outcome,
            };
        }
    }

    /// Decides what to do next.
    fn step(&mut self, mode: Mode<I>) -> Step<I> {
        match mode {
            Mode::Start(program) => Step::Call(Call::Start(program)),
            Mode::Deliver(outcome) => match self.arena[self.current].programs.pop() {
                Some(program) => Step::Call(Call::Deliver(program, outcome)),
                None => self.leave(outcome),
            },
            Mode::Yield(Yielded::Program(program)) => Step::Next(Mode::Start(program)),
            Mode::Yield(Yielded::Effect(effect)) => self.dispatch(effect),
            Mode::Yield(Yielded::Control(control)) => self.control(control),
        }
    }

    /// Calls the interpreter. Programs run only here.
    fn perform(&mut self, call: Call<I>, interpreter: &mut I) -> Mode<I> {
        let progress = match call {
            Call::Start(program) => interpreter.start(program),
            Call::Deliver(program, Ok(answer)) => interpreter.resume(program, answer),
            Call::Deliver(program, Err(failure)) => interpreter.throw(program, failure),
            Call::Handle { handler, effect, continuation } => {
                return match interpreter.handle(&handler, effect, continuation) {
                    Ok(program) => Mode::Start(program),
                    Err(error) => Mode::Deliver(Err(Failure::Raised(error))),
                };
            }
            Call::Modify { key, function, old } => {
                return Mode::Deliver(match interpreter.call(&function, old) {
                    Ok(new) => {
                        self.store.state.insert(key, new.clone());
                        Ok(Answer::Value(new))
                    }
                    Err(error) => Err(Failure::Raised(error)),
                });
            }
        };
        match progress {
            Progress::Yielded(program, yielded) => {
                self.arena[self.current].programs.push(program);
                Mode::Yield(yielded)
            }
            Progress::Returned(value) => Mode::Deliver(Ok(Answer::Value(value))),
            Progress::Raised(error) => Mode::Deliver(Err(Failure::Raised(error))),
        }
    }

    /// Ends the current segment, after its last program has ended.
    fn leave(&mut self, outcome: Outcome<I>) -> Step<I> {
        let (caller, role) = self.arena.free(self.current);
        if let (Role::Handling { continuation, .. }, Err(_)) = (&role, &outcome) {
            // Abandon the continuation now, so that its programs clean up before the exception
            // propagates. Otherwise, the exception's traceback would keep the continuation alive.
            if let Ok(suspended) = self.continuations.take(continuation) {
                self.abandon(suspended);
            }
        }
        if let Some(caller) = caller {
            self.current = caller;
            return Step::Next(Mode::Deliver(outcome));
        }
        if self.scheduler.is_main_running() {
            return Step::Done(outcome);
        }
        let cancelled = self.scheduler.finish(outcome);
        self.abandon_all(cancelled);
        self.next_turn()
    }

    fn next_turn(&mut self) -> Step<I> {
        match self.scheduler.next() {
            Some(turn) => Step::Next(self.enter(turn.suspended, None, turn.outcome)),
            // Cannot happen: the main program is ready, running or waiting until the run ends.
            None => Step::Done(Err(Fault::Deadlock.into())),
        }
    }

    /// Links a suspended continuation or task to its caller, and delivers the outcome. A program
    /// that has not been started receives no outcome.
    fn enter(
        &mut self,
        suspended: Suspended<I>,
        caller: Option<SegmentId>,
        outcome: Outcome<I>,
    ) -> Mode<I> {
        match suspended {
            Suspended::Fresh { program, handlers } => {
                self.current = self.arena.allocate(caller, Role::Plain);
                for handler in handlers.into_iter().rev() {
                    self.current = self.arena.allocate(Some(self.current), Role::Prompt(handler));
                }
                Mode::Start(program)
            }
            Suspended::Chain(chain) => {
                self.arena[chain.bottom].caller = caller;
                self.current = chain.top;
                Mode::Deliver(outcome)
            }
        }
    }

    fn abandon(&mut self, suspended: Suspended<I>) {
        match suspended {
            Suspended::Fresh { program, .. } => self.abandoned.push(program),
            Suspended::Chain(chain) => {
                let mut segment = Some(chain.top);
                while let Some(id) = segment {
                    segment = self.drop_segment(id).0;
                }
            }
        }
    }

    fn abandon_all(&mut self, suspended: Vec<Suspended<I>>) {
        for suspended in suspended {
            self.abandon(suspended);
        }
    }

    /// Frees a segment and abandons its programs, innermost first.
    fn drop_segment(&mut self, id: SegmentId) -> (Option<SegmentId>, Role<I>) {
        self.abandoned.extend(self.arena[id].programs.drain(..).rev());
        self.arena.free(id)
    }

    /// Closes abandoned programs, and releases tasks and continuations without a handle. Repeats
    /// this until nothing is left to do.
    fn clean_up(&mut self, interpreter: &mut I) {
        loop {
            let dropped = self.continuations.take_dropped();
            self.abandon_all(dropped);
            self.scheduler.forget_dropped();
            for failure in self.scheduler.take_unobserved() {
                interpreter.report(failure);
            }
            if self.abandoned.is_empty() {
                return;
            }
            for program in std::mem::take(&mut self.abandoned) {
                interpreter.close(program);
            }
        }
    }

    fn end(&mut self, interpreter: &mut I) {
        self.clean_up(interpreter);
        let tasks = self.scheduler.take_all();
        self.abandon_all(tasks);
        let continuations = self.continuations.take_all();
        self.abandon_all(continuations);
        self.clean_up(interpreter);
    }
}
