//! Finds the handler of an effect.
//!
//! Every effect, including a built-in one, is offered to the innermost enclosing handler. The VM
//! itself handles a built-in effect that no handler encloses.

use super::arena::{Role, SegmentId};
use super::continuation::{Chain, Suspended};
use super::fault::Fault;
use super::interpreter::{Answer, Builtin, Effect, Interpreter};
use super::scheduler::Until;
use super::{Call, Mode, Outcome, Step, Vm};

impl<I: Interpreter> Vm<I> {
    /// Dispatches an effect that the innermost program performed.
    pub(super) fn dispatch(&mut self, effect: Effect<I>) -> Step<I> {
        let chain = Chain { top: self.current, bottom: self.current };
        match &self.arena[self.current].role {
            Role::Prompt(handler) => {
                let handler = handler.clone();
                self.cut(effect, handler, chain)
            }
            _ => self.dispatch_below(effect, chain),
        }
    }

    /// Dispatches an effect to the handlers below a chain. The program at the top of the chain
    /// performed the effect.
    pub(super) fn dispatch_below(&mut self, effect: Effect<I>, mut chain: Chain) -> Step<I> {
        while let Some(id) = self.arena[chain.bottom].caller {
            chain.bottom = id;
            if let Role::Prompt(handler) = &self.arena[id].role {
                let handler = handler.clone();
                return self.cut(effect, handler, chain);
            }
        }
        self.current = chain.top;
        match effect.builtin {
            Some(builtin) => self.handle_builtin(builtin, chain),
            None => answer(Err(Fault::Unhandled(effect.value).into())),
        }
    }

    /// Passes the effect to the handler at the bottom of the chain. The chain becomes the
    /// continuation.
    fn cut(&mut self, effect: Effect<I>, handler: I::Value, chain: Chain) -> Step<I> {
        let caller = self.arena[chain.bottom].caller.take();
        let continuation = self.continuations.insert(Suspended::Chain(chain));
        let value = effect.value.clone();
        let role = Role::Handling { effect, continuation: continuation.clone() };
        self.current = self.arena.allocate(caller, role);
        Step::Call(Call::Handle { handler, effect: value, continuation })
    }

    /// Handles a built-in effect that no handler encloses. The chain is the whole task.
    fn handle_builtin(&mut self, builtin: Builtin<I>, chain: Chain) -> Step<I> {
        let store = &mut self.store;
        match builtin {
            Builtin::Get(key) => answer(match store.state.get(&key) {
                Some(value) => Ok(Answer::Value(value.clone())),
                None => Err(Fault::NoState(key).into()),
            }),
            Builtin::Put(key, value) => {
                store.state.insert(key, value);
                answer(Ok(Answer::Unit))
            }
            Builtin::Modify(key, function) => match store.state.get(&key) {
                Some(old) => Step::Call(Call::Modify { old: old.clone(), key, function }),
                None => answer(Err(Fault::NoState(key).into())),
            },
            Builtin::Ask(key) => answer(match store.environment.get(&key) {
                Some(value) => Ok(Answer::Value(value.clone())),
                None => Err(Fault::NoEnvironment(key).into()),
            }),
            Builtin::Tell(message) => {
                store.log.push(message);
                answer(Ok(Answer::Unit))
            }
            Builtin::Spawn(program) => {
                let handlers = self.handlers();
                let task = self.scheduler.spawn(Suspended::Fresh { program, handlers });
                answer(Ok(Answer::Task(task)))
            }
            Builtin::Gather(tasks) => self.wait(Until::All, tasks, chain),
            Builtin::Race(tasks) => self.wait(Until::First, tasks, chain),
            Builtin::Pause => {
                self.scheduler.pause(chain);
                self.next_turn()
            }
        }
    }

    fn wait(&mut self, until: Until, tasks: Vec<super::Task>, chain: Chain) -> Step<I> {
        match self.scheduler.wait(until, tasks, chain) {
            Ok(cancelled) => {
                self.abandon_all(cancelled);
                self.next_turn()
            }
            Err(fault) => answer(Err(fault.into())),
        }
    }

    /// Returns the handlers that enclose the innermost program, innermost first.
    pub(super) fn handlers(&self) -> Vec<I::Value> {
        let mut handlers = Vec::new();
        let mut segment: Option<SegmentId> = Some(self.current);
        while let Some(id) = segment {
            if let Role::Prompt(handler) = &self.arena[id].role {
                handlers.push(handler.clone());
            }
            segment = self.arena[id].caller;
        }
        handlers
    }
}

/// Answers the last yield of the innermost program.
pub(super) fn answer<I: Interpreter>(outcome: Outcome<I>) -> Step<I> {
    Step::Next(Mode::Deliver(outcome))
}
