//! The store: what programs get and put, ask, and tell.
//!
//! One store serves one run, all its tasks together. It never calls a program: `Modify` asks the
//! VM to, and puts the result.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of a value in the store. Atomic, because Python objects hold it.
pub(crate) type Key = Arc<str>;

/// State, environment and log.
pub(crate) struct Store<V> {
    /// What `Get`, `Put` and `Modify` are about.
    pub(crate) state: BTreeMap<Key, V>,
    /// What `Ask` is about; no effect changes it.
    pub(crate) environment: BTreeMap<Key, V>,
    /// What was told, the oldest first.
    pub(crate) log: Vec<V>,
}

impl<V> Default for Store<V> {
    fn default() -> Self {
        Store { state: BTreeMap::new(), environment: BTreeMap::new(), log: Vec::new() }
    }
}
