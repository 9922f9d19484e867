//! Continuations: what is left to do, as a value that can be resumed once.
//!
//! Programs hold [`Continuation`] handles; what they stand for is in the registry until it is
//! taken, and taking is the only way to it. So no order of events resumes anything twice.
//!
//! The registry never touches a segment.

use std::collections::BTreeMap;

use super::arena::SegmentId;
use super::fault::Fault;
use super::handle::{Handle, Ledger};
use super::interpreter::Interpreter;

/// A program's hold on a continuation.
#[derive(Clone, PartialEq, Hash)]
pub(crate) struct Continuation(Handle);

impl Continuation {
    /// Its number within its run.
    pub(crate) fn id(&self) -> u64 {
        self.0.id()
    }
}

/// Something that waits to be run: a continuation's rest, or a task's.
pub(super) enum Suspended<I: Interpreter> {
    /// A program to start, with these handlers around it, the innermost first.
    Fresh { program: I::Program, handlers: Vec<I::Value> },
    /// A chain of segments, cut off from what was below it.
    Chain(Chain),
}

/// The ends of a chain. Its top waits for an answer; its bottom has no caller yet.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    pub(super) top: SegmentId,
    pub(super) bottom: SegmentId,
}

/// The continuations of one VM that were not resumed yet.
pub(super) struct Continuations<I: Interpreter> {
    ledger: Ledger,
    suspended: BTreeMap<u64, Suspended<I>>,
}

impl<I: Interpreter> Continuations<I> {
    pub(super) fn new() -> Self {
        Continuations { ledger: Ledger::default(), suspended: BTreeMap::new() }
    }

    pub(super) fn insert(&mut self, suspended: Suspended<I>) -> Continuation {
        let handle = self.ledger.issue();
        self.suspended.insert(handle.id(), suspended);
        Continuation(handle)
    }

    /// Takes what a handle stands for, which nobody can take again.
    pub(super) fn take(&mut self, of: &Continuation) -> Result<Suspended<I>, Fault<I::Value>> {
        if !self.ledger.issued(&of.0) {
            return Err(Fault::ForeignContinuation);
        }
        self.suspended.remove(&of.0.id()).ok_or(Fault::Spent)
    }

    /// Takes a chain. A continuation that has not started stays as it is.
    pub(super) fn take_started(&mut self, of: &Continuation) -> Result<Chain, Fault<I::Value>> {
        match self.take(of)? {
            Suspended::Chain(chain) => Ok(chain),
            fresh @ Suspended::Fresh { .. } => {
                self.suspended.insert(of.0.id(), fresh);
                Err(Fault::NotStarted)
            }
        }
    }

    /// What nobody can name any more.
    pub(super) fn take_dropped(&mut self) -> Vec<Suspended<I>> {
        let dropped = self.ledger.take_dropped();
        dropped.iter().filter_map(|id| self.suspended.remove(id)).collect()
    }

    /// What is left when the run is over.
    pub(super) fn take_all(&mut self) -> Vec<Suspended<I>> {
        std::mem::take(&mut self.suspended).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::arena::{Arena, Role};
    use super::super::mock::{Mock, program};
    use super::*;

    fn chain() -> Suspended<Mock> {
        let id = Arena::<Mock>::new().allocate(None, Role::Plain);
        Suspended::Chain(Chain { top: id, bottom: id })
    }

    fn fresh() -> Suspended<Mock> {
        Suspended::Fresh { program: program("fresh"), handlers: Vec::new() }
    }

    #[test]
    fn a_continuation_is_taken_once() {
        let mut registry = Continuations::new();
        let k = registry.insert(chain());
        assert!(registry.take_started(&k).is_ok());
        assert_eq!(registry.take_started(&k).err(), Some(Fault::Spent));
        assert_eq!(registry.take(&k.clone()).err(), Some(Fault::Spent), "clones are the same one");
    }

    #[test]
    fn asking_for_a_chain_does_not_spend_what_has_not_started() {
        let mut registry = Continuations::new();
        let k = registry.insert(fresh());
        assert_eq!(registry.take_started(&k).err(), Some(Fault::NotStarted));
        assert!(matches!(registry.take(&k), Ok(Suspended::Fresh { .. })));
    }

    #[test]
    fn a_continuation_of_another_run_is_not_taken_for_one_of_ours() {
        let (mut ours, mut theirs) = (Continuations::new(), Continuations::new());
        let own = ours.insert(chain());
        let foreign = theirs.insert(chain());
        assert_eq!(ours.take(&foreign).err(), Some(Fault::ForeignContinuation));
        assert!(ours.take(&own).is_ok());
    }

    #[test]
    fn what_nobody_can_name_is_given_up_and_what_was_taken_is_not() {
        let mut registry = Continuations::new();
        let (dropped, taken) = (registry.insert(chain()), registry.insert(chain()));
        assert!(registry.take(&taken).is_ok());
        drop((dropped, taken));
        assert_eq!(registry.take_dropped().len(), 1);
        assert!(registry.take_all().is_empty());
    }
}
