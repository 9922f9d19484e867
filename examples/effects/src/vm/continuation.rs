//! Continuations: values that represent suspended programs and can be resumed once.
//!
//! Programs hold [`Continuation`] handles. The suspended programs are in a registry. To resume
//! them, the VM takes them out of the registry, so they cannot be resumed twice.

use std::collections::BTreeMap;

use super::arena::SegmentId;
use super::fault::Fault;
use super::handle::{Handle, Ledger};
use super::interpreter::Interpreter;

/// A handle to a continuation.
#[derive(Clone, PartialEq, Hash)]
pub(crate) struct Continuation(Handle);

impl Continuation {
    /// Returns the number that identifies the continuation within its run.
    pub(crate) fn id(&self) -> u64 {
        self.0.id()
    }
}

/// A suspended continuation or task.
pub(super) enum Suspended<I: Interpreter> {
    /// A program to start under the handlers. The innermost handler comes first.
    Fresh { program: I::Program, handlers: Vec<I::Value> },
    /// A chain of segments, unlinked from its caller.
    Chain(Chain),
}

/// The two ends of a chain of segments. The top segment waits for an answer. The bottom segment has
/// no caller.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    pub(super) top: SegmentId,
    pub(super) bottom: SegmentId,
}

/// A VM's continuations that have not been resumed.
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

    /// Takes a continuation out of the registry.
    pub(super) fn take(&mut self, of: &Continuation) -> Result<Suspended<I>, Fault<I::Value>> {
        if !self.ledger.issued(&of.0) {
            return Err(Fault::ForeignContinuation);
        }
        self.suspended.remove(&of.0.id()).ok_or(Fault::Spent)
    }

    /// Takes the chain of a continuation out of the registry. A continuation that has not been
    /// started stays there.
    pub(super) fn take_started(&mut self, of: &Continuation) -> Result<Chain, Fault<I::Value>> {
        match self.take(of)? {
            Suspended::Chain(chain) => Ok(chain),
            fresh @ Suspended::Fresh { .. } => {
                self.suspended.insert(of.0.id(), fresh);
                Err(Fault::NotStarted)
            }
        }
    }

    /// Takes all continuations that have no handle left.
    pub(super) fn take_dropped(&mut self) -> Vec<Suspended<I>> {
        let dropped = self.ledger.take_dropped();
        dropped.iter().filter_map(|id| self.suspended.remove(id)).collect()
    }

    /// Takes all continuations at the end of a run.
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
    fn continuation_is_taken_once() {
        let mut registry = Continuations::new();
        let k = registry.insert(chain());
        assert!(registry.take_started(&k).is_ok());
        assert_eq!(registry.take_started(&k).err(), Some(Fault::Spent));
        assert_eq!(registry.take(&k.clone()).err(), Some(Fault::Spent), "a clone is the same one");
    }

    #[test]
    fn unstarted_continuation_stays_in_the_registry() {
        let mut registry = Continuations::new();
        let k = registry.insert(fresh());
        assert_eq!(registry.take_started(&k).err(), Some(Fault::NotStarted));
        assert!(matches!(registry.take(&k), Ok(Suspended::Fresh { .. })));
    }

    #[test]
    fn continuation_of_another_run_is_refused() {
        let (mut ours, mut theirs) = (Continuations::new(), Continuations::new());
        let own = ours.insert(chain());
        let foreign = theirs.insert(chain());
        assert_eq!(ours.take(&foreign).err(), Some(Fault::ForeignContinuation));
        assert!(ours.take(&own).is_ok());
    }

    #[test]
    fn dropped_continuation_is_taken_unless_resumed() {
        let mut registry = Continuations::new();
        let (dropped, taken) = (registry.insert(chain()), registry.insert(chain()));
        assert!(registry.take(&taken).is_ok());
        drop((dropped, taken));
        assert_eq!(registry.take_dropped().len(), 1);
        assert!(registry.take_all().is_empty());
    }
}
