//! The VM: it runs programs that yield effects, without knowing their language.
//!
//! A stack of programs is a chain of segments. A handler's segment, the prompt, is where the chain
//! is cut when the handler takes an effect: the part above is the continuation, the part below is
//! what the handler itself runs on. So a handler never meets its own effects, and needs no rule
//! for that.
//!
//! [`Vm::step`] decides, and never touches the interpreter: it has none. [`Vm::perform`] calls the
//! interpreter, and decides nothing. No clone of a value needs the interpreter, either. Only the
//! last drop of one may; what that leads to never comes back into the same VM.

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

/// How a program, or an effect, ended.
pub(crate) type Outcome<I> = Result<Answer<<I as Interpreter>::Value>, Failure<I>>;

/// One run of one program, and of the tasks that it spawns.
pub(crate) struct Vm<I: Interpreter> {
    arena: Arena<I>,
    /// The segment whose innermost program runs.
    current: SegmentId,
    continuations: Continuations<I>,
    scheduler: Scheduler<I>,
    store: Store<I::Value>,
    /// Programs that nothing will ever resume, in the order in which they are to be closed.
    abandoned: Vec<I::Program>,
}

/// What is to be done next.
enum Mode<I: Interpreter> {
    /// Start this program in the current segment.
    Start(I::Program),
    /// Give this to the current segment's innermost program; it has the answer, or it raises.
    Deliver(Outcome<I>),
    /// The current segment's innermost program has yielded this.
    Yield(Yielded<I>),
}

/// What came of a step.
enum Step<I: Interpreter> {
    Next(Mode<I>),
    Call(Call<I>),
    Done(Outcome<I>),
}

/// What only the interpreter can do.
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

    /// Runs a program to its end, and closes whatever it leaves suspended.
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

    /// The next decision.
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

    /// The one place where programs run.
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

    /// The current segment's last program has ended.
    fn leave(&mut self, outcome: Outcome<I>) -> Step<I> {
        let (caller, role) = self.arena.free(self.current);
        if let (Role::Handling { continuation, .. }, Err(_)) = (&role, &outcome) {
            // A handler that raises gives its continuation up. The exception's traceback would
            // keep it alive, and what waits in it could not clean up before the exception goes on.
            if let Ok(suspended) = self.continuations.take(continuation) {
                self.abandon(suspended);
            }
        }
        if let Some(caller) = caller {
            self.current = caller;
            return Step::Next(Mode::Deliver(outcome));
        }
        if self.scheduler.runs_main() {
            return Step::Done(outcome);
        }
        let cancelled = self.scheduler.finish(outcome);
        self.abandon_all(cancelled);
        self.next_turn()
    }

    fn next_turn(&mut self) -> Step<I> {
        match self.scheduler.next() {
            Some(turn) => Step::Next(self.enter(turn.suspended, None, turn.outcome)),
            // The first program is ready, runs or waits until it ends, and with it the run.
            None => Step::Done(Err(Fault::Deadlock.into())),
        }
    }

    /// Ties what was suspended to its caller and gives it this. A fresh program takes no value.
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

    /// Frees a segment whose programs will never be resumed; the innermost is closed first.
    fn drop_segment(&mut self, id: SegmentId) -> (Option<SegmentId>, Role<I>) {
        self.abandoned.extend(self.arena[id].programs.drain(..).rev());
        self.arena.free(id)
    }

    /// Closes what was abandoned, and what nobody can name any more, until nothing is left of it.
    fn clean_up(&mut self, interpreter: &mut I) {
        loop {
            let dropped = self.continuations.take_dropped();
            self.abandon_all(dropped);
            self.scheduler.forget_dropped();
            for failure in self.scheduler.take_unheard() {
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
