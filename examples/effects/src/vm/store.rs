//! The store: state, environment and log of a run.
//!
//! All tasks of a run share one store.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A key in the store. The reference count is atomic, because Python objects contain keys.
pub(crate) type Key = Arc<str>;

/// The state, environment and log of a run.
pub(crate) struct Store<V> {
    /// The state that `Get` reads and that `Put` and `Modify` change, by key.
    pub(crate) state: BTreeMap<Key, V>,
    /// The values that `Ask` returns, which are constant.
    pub(crate) environment: BTreeMap<Key, V>,
    /// The messages that `Tell` has appended, oldest first.
    pub(crate) log: Vec<V>,
}

impl<V> Default for Store<V> {
    fn default() -> Self {
        Store { state: BTreeMap::new(), environment: BTreeMap::new(), log: Vec::new() }
    }
}
