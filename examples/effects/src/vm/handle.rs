//! Handles by which programs refer to continuations and tasks of the VM.
//!
//! A handle is a unique identity. When its last clone is dropped, the ledger records that, so that
//! the VM can release the continuation or task.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// An identity. Clones have the same identity.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Token>);

impl Handle {
    pub(super) fn id(&self) -> u64 {
        self.0.id
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

struct Token {
    id: u64,
    dropped: Dropped,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.dropped.push(self.id);
    }
}

/// The dropped identities, shared by a ledger and its handles, which may outlive it.
///
/// The list is in a mutex, because Python objects hold handles, and PyO3 requires their contents to
/// be `Send`.
#[derive(Clone, Default)]
struct Dropped(Arc<Mutex<Vec<u64>>>);

impl Dropped {
    fn push(&self, id: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The issuer of handles, which records which of them were dropped.
#[derive(Default)]
pub(super) struct Ledger {
    issued: u64,
    dropped: Dropped,
}

impl Ledger {
    pub(super) fn issue(&mut self) -> Handle {
        self.issued += 1;
        Handle(Arc::new(Token { id: self.issued, dropped: self.dropped.clone() }))
    }

    /// Returns true if this ledger issued the handle: a program can keep one from an earlier run.
    pub(super) fn issued(&self, handle: &Handle) -> bool {
        Arc::ptr_eq(&self.dropped.0, &handle.0.dropped.0)
    }

    /// Takes the identities dropped since the last call, in order.
    pub(super) fn take_dropped(&self) -> Vec<u64> {
        self.dropped.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_the_last_clone_is_recorded_once() {
        let mut ledger = Ledger::default();
        let (first, second) = (ledger.issue(), ledger.issue());
        let again = first.clone();
        drop(first);
        assert!(ledger.take_dropped().is_empty());
        drop((second, again));
        assert_eq!(ledger.take_dropped(), [2, 1]);
        assert!(ledger.take_dropped().is_empty());
    }

    #[test]
    fn ledger_recognizes_its_handles() {
        let (mut ours, mut theirs) = (Ledger::default(), Ledger::default());
        let (own, foreign) = (ours.issue(), theirs.issue());
        assert_eq!(own.id(), foreign.id());
        assert!(ours.issued(&own));
        assert!(!ours.issued(&foreign));
    }

    #[test]
    fn handle_may_outlive_its_ledger() {
        let mut ledger = Ledger::default();
        let handle = ledger.issue();
        drop(ledger);
        drop(handle);
    }
}
