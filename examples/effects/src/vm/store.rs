//! The store: state, environment and log of a run.
//!
//! All tasks of a run share one store.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A key in the store. The reference count is atomic, because Python objects hold keys.
pub(crate) type Key = Arc<str>;

/// State, environment and log.
pub(crate) struct Store<V> {
    /// The values of `Get`, `Put` and `Modify`.
    pub(crate) state: BTreeMap<Key, V>,
    /// The values of `Ask`, which are constant.
    pub(crate) environment: BTreeMap<Key, V>,
    /// The messages of `Tell`, oldest first.
    pub(crate) log: Vec<V>,
}

impl<V> Default for Store<V> {
    fn default() -> Self {
        Store { state: BTreeMap::new(), environment: BTreeMap::new(), log: Vec::new() }
    }
}
