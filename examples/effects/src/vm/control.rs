//! Control operations, with which programs use handlers and continuations.
//!
//! An invalid operation changes nothing and raises an exception at its yield.

use super::arena::Role;
use super::continuation::{Chain, Continuation, Suspended};
use super::dispatch::answer;
use super::fault::{Failure, Fault};
use super::interpreter::{Answer, Control, Effect, Interpreter};
use super::{Mode, Step, Vm};

impl<I: Interpreter> Vm<I> {
    pub(super) fn control(&mut self, control: Control<I>) -> Step<I> {
        let result = match control {
            Control::Pure(value) => Ok(answer(Ok(Answer::Value(value)))),
            Control::WithHandler { handler, program } => {
                self.current = self.arena.allocate(Some(self.current), Role::Prompt(handler));
                Ok(Step::Next(Mode::Start(program)))
            }
            Control::Resume(k, value) => {
                self.continuations.take_started(&k).map(|chain| self.resume(chain, value))
            }
            Control::Transfer(k, value) => {
                self.continuations.take_started(&k).map(|chain| self.transfer(chain, value))
            }
            Control::ResumeContinuation(k, value) => self.continuations.take(&k).map(|suspended| {
                Step::Next(self.enter(suspended, Some(self.current), Ok(Answer::Value(value))))
            }),
            Control::Delegate(replacement) => self.delegate(replacement),
            Control::GetContinuation => {
                self.handled("GetContinuation").map(|k| answer(Ok(Answer::Continuation(k))))
            }
            Control::GetHandlers => {
                let handlers = self.handlers().into_iter().map(Answer::Value).collect();
                Ok(answer(Ok(Answer::List(handlers))))
            }
            Control::CreateContinuation { program, handlers } => {
                let k = self.continuations.insert(Suspended::Fresh { program, handlers });
                Ok(answer(Ok(Answer::Continuation(k))))
            }
        };
        result.unwrap_or_else(|fault| answer(Err(Failure::Fault(fault))))
    }

    /// Resumes the chain, with the current segment as its caller.
    fn resume(&mut self, chain: Chain, value: I::Value) -> Step<I> {
        let caller = Some(self.current);
        Step::Next(self.enter(Suspended::Chain(chain), caller, Ok(Answer::Value(value))))
    }

    /// Resumes the chain in place of the current segment.
    fn transfer(&mut self, chain: Chain, value: I::Value) -> Step<I> {
        let caller = self.drop_segment(self.current).0;
        Step::Next(self.enter(Suspended::Chain(chain), caller, Ok(Answer::Value(value))))
    }

    /// Ends the handler in the current segment, and offers the effect to the outer handlers.
    fn delegate(&mut self, replacement: Option<Effect<I>>) -> Result<Step<I>, Fault<I::Value>> {
        let k = self.handled("Delegate")?;
        let chain = self.continuations.take_started(&k)?;
        let (caller, role) = self.drop_segment(self.current);
        let Role::Handling { effect, .. } = role else {
            return Err(Fault::OutsideHandler("Delegate"));
        };
        self.arena[chain.bottom].caller = caller;
        Ok(self.dispatch_below(replacement.unwrap_or(effect), chain))
    }

    /// Returns the continuation that the handler in the current segment received.
    fn handled(&self, operation: &'static str) -> Result<Continuation, Fault<I::Value>> {
        match &self.arena[self.current].role {
            Role::Handling { continuation, .. } => Ok(continuation.clone()),
            Role::Plain | Role::Prompt(_) => Err(Fault::OutsideHandler(operation)),
        }
    }
}
