//! The handles that programs use to refer to the VM's continuations and tasks.
//!
//! A handle is a unique identity. When the last clone of a handle is dropped, the ledger records
//! this, so that the VM can release the continuation or task.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// A unique identity, which clones share.
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

/// The list of dropped identities. A ledger shares it with its handles, which may outlive the
/// ledger.
///
/// The list is in a mutex, because Python objects contain handles, and PyO3 requires the contents
/// of its classes to be `Send`.
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

/// The issuer of handles. It records which handles have been dropped.
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

    /// Returns true if this ledger issued the handle. A program may have kept a handle from an
    /// earlier run.
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
