//! Dispatch: how an effect finds what handles it.
//!
//! Every effect is offered to the handlers around it, the innermost first, the built-in ones like
//! any other: those the VM handles itself when the last handler is passed. Nothing goes past this.

use super::arena::{Role, SegmentId};
use super::continuation::{Chain, Suspended};
use super::fault::Fault;
use super::interpreter::{Answer, Builtin, Effect, Interpreter};
use super::scheduler::Until;
use super::{Call, Mode, Outcome, Step, Vm};

impl<I: Interpreter> Vm<I> {
    /// The innermost program has this effect.
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

    /// The program on top of this chain has this effect, and no handler in the chain takes it.
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

    /// The handler at the chain's bottom takes the effect. The chain is its continuation.
    fn cut(&mut self, effect: Effect<I>, handler: I::Value, chain: Chain) -> Step<I> {
        let caller = self.arena[chain.bottom].caller.take();
        let continuation = self.continuations.insert(Suspended::Chain(chain));
        let value = effect.value.clone();
        let role = Role::Handling { effect, continuation: continuation.clone() };
        self.current = self.arena.allocate(caller, role);
        Step::Call(Call::Handle { handler, effect: value, continuation })
    }

    /// No handler is left. The chain is the whole task.
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

    /// The handlers around the innermost program, the innermost first.
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

/// The innermost program gets this for what it yielded.
pub(super) fn answer<I: Interpreter>(outcome: Outcome<I>) -> Step<I> {
    Step::Next(Mode::Deliver(outcome))
}
