//! Copies an object graph, and defines the rules for built-in containers.
//!
//! The code follows CPython 3.13's `copy.py` step by step. Python code that runs during the copy
//! (`__deepcopy__`, `__reduce_ex__`, `__eq__` of keys, …) therefore sees the same partial copies
//! and the same memo as with `copy.py`. Steps are merged only where no Python code can run between
//! them.
//!
//! No borrowed reference is held while Python code runs, and no container is assumed to be
//! unchanged afterwards.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::kind::{Kind, is_atomic};
use crate::known::Known;
use crate::memo::{Key, Memo, no_memory};
use crate::raw;

/// The state of one call of `deepcopy`.
pub(crate) struct Copier<'py> {
    pub(crate) py: Python<'py>,
    pub(crate) known: &'py Known,
    pub(crate) memo: Memo<'py>,
    /// A stack that contains the copied items of all tuples that are being copied. A tuple cannot
    /// be created until all its items have been copied.
    pub(crate) items: Vec<Bound<'py, PyAny>>,
}

/// A finished copy.
pub(crate) struct Copied<'py> {
    pub(crate) copy: Bound<'py, PyAny>,
    /// True if the copy was added to the memo before it was complete.
    pub(crate) in_memo: bool,
}

impl<'py> Copier<'py> {
    pub(crate) fn new(py: Python<'py>, memo: Option<Bound<'py, PyAny>>) -> PyResult<Self> {
        Ok(Self { py, known: Known::get(py)?, memo: Memo::from_argument(memo), items: Vec::new() })
    }

    /// Returns the copy of `object` from the memo, or creates it.
    ///
    /// # Errors
    ///
    /// Returns any exception that Python code raises, `RecursionError` if the objects are nested
    /// too deeply, or `copy.Error` if an object cannot be copied.
    pub(crate) fn copy(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let kind = Kind::of(object);
        if matches!(kind, Kind::Atomic) && self.memo.is_private() {
            // No lookup is needed, because a private memo contains no atomic objects.
            return Ok(object.clone());
        }
        let key = Key::of(object);
        if let Some(copy) = self.memo.get(&key, self.known)? {
            return Ok(copy);
        }
        let copied = match kind {
            Kind::Atomic | Kind::Class => return Ok(object.clone()),
            Kind::List(list) => self.list(list, &key)?,
            Kind::Dict(dict) => self.dict(dict, &key)?,
            Kind::Tuple(tuple) => self.tuple(tuple, &key)?,
            Kind::Set => self.set(object, &key, |items| raw::new_set(items))?,
            Kind::FrozenSet => self.set(object, &key, |items| raw::new_frozenset(items))?,
            Kind::Method => self.method(object)?,
            Kind::Other => self.other(object, &key)?,
        };
        if copied.copy.is(object) {
            return Ok(copied.copy);
        }
        // `copy.deepcopy` always adds the finished copy. This can be skipped only if the copy is
        // already in a private memo, which Python code cannot have changed.
        if !(copied.in_memo && self.memo.is_private()) {
            self.memo.set(&key, &copied.copy)?;
        }
        self.memo.keep(object)?;
        Ok(copied.copy)
    }

    fn list(&mut self, list: &Bound<'py, PyList>, key: &Key<'py>) -> PyResult<Copied<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        let mut next = if self.memo.is_private() { leading_atoms(list) } else { 0 };
        let copy = raw::list_head(list, next)?;
        self.memo.set(key, &copy)?;
        while let Some(item) = raw::list_item(list, next) {
            copy.append(self.copy(&item)?)?;
            next += 1;
        }
        Ok(Copied::in_memo(copy))
    }

    fn dict(&mut self, dict: &Bound<'py, PyDict>, key: &Key<'py>) -> PyResult<Copied<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        if self.memo.is_private() && all_atoms(dict)? {
            let copy = raw::dict_copy(dict)?;
            self.memo.set(key, &copy)?;
            return Ok(Copied::in_memo(copy));
        }
        let copy = raw::new_dict(self.py)?;
        self.memo.set(key, &copy)?;
        let mut items = raw::Items::of(dict);
        while let Some((key, value)) = items.step()? {
            // Copy the value first, as `y[deepcopy(key)] = deepcopy(value)` does.
            let value = self.copy(&value)?;
            copy.set_item(self.copy(&key)?, value)?;
        }
        Ok(Copied::in_memo(copy))
    }

    fn tuple(&mut self, tuple: &Bound<'py, PyTuple>, key: &Key<'py>) -> PyResult<Copied<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        let start = self.items.len();
        let copied = self.copy_tuple(tuple, key, start);
        self.items.truncate(start);
        copied
    }

    /// Copies a tuple. Pushes the copied items onto `self.items`, which the caller truncates to
    /// `start` afterwards.
    fn copy_tuple(
        &mut self,
        tuple: &Bound<'py, PyTuple>,
        key: &Key<'py>,
        start: usize,
    ) -> PyResult<Copied<'py>> {
        let mut changed = false;
        for (number, item) in tuple.iter().enumerate() {
            let copy = self.copy(&item)?;
            if !changed && !copy.is(&item) {
                changed = true;
                self.items.try_reserve(tuple.len()).map_err(no_memory)?;
                self.items.extend(tuple.iter().take(number));
            }
            if changed {
                self.items.push(copy);
            }
        }
        // Copying an item may have led back to this tuple and copied it.
        if let Some(copy) = self.memo.subscript(key, self.known)? {
            return Ok(Copied::not_in_memo(copy));
        }
        if !changed {
            return Ok(Copied::not_in_memo(tuple.as_any().clone()));
        }
        let copy = raw::new_tuple(self.py, self.items.drain(start..))?;
        Ok(Copied::not_in_memo(copy.into_any()))
    }

    /// Copies a set or frozenset from a list of its items, as the reduce protocol does.
    fn set<T>(
        &mut self,
        set: &Bound<'py, PyAny>,
        key: &Key<'py>,
        from_list: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<Bound<'py, T>>,
    ) -> PyResult<Copied<'py>> {
        let table = self.known.dispatch_table.bind(self.py);
        if table.contains(set.get_type())? {
            return self.other(set, key);
        }
        let _depth = raw::Depth::enter(self.py)?;
        let items = self.copy(raw::list_of(set)?.as_any())?;
        Ok(Copied::not_in_memo(from_list(&items)?))
    }

    fn method(&mut self, method: &Bound<'py, PyAny>) -> PyResult<Copied<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        let function = method.getattr(intern!(self.py, "__func__"))?;
        let receiver = self.copy(&method.getattr(intern!(self.py, "__self__"))?)?;
        let copy = method.get_type().call1((function, receiver))?;
        Ok(Copied::not_in_memo(copy))
    }
}

impl<'py> Copied<'py> {
    pub(crate) fn in_memo<T>(copy: Bound<'py, T>) -> Self {
        Self { copy: copy.into_any(), in_memo: true }
    }

    pub(crate) fn not_in_memo<T>(copy: Bound<'py, T>) -> Self {
        Self { copy: copy.into_any(), in_memo: false }
    }
}

/// Returns the number of atomic items at the start of a list.
fn leading_atoms(list: &Bound<'_, PyList>) -> usize {
    let mut count = 0;
    while raw::list_item(list, count).is_some_and(|item| is_atomic(&item)) {
        count += 1;
    }
    count
}

/// Returns true if all keys and values of a dict are atomic.
fn all_atoms(dict: &Bound<'_, PyDict>) -> PyResult<bool> {
    let mut items = raw::Items::of(dict);
    while let Some((key, value)) = items.step()? {
        if !(is_atomic(&value) && is_atomic(&key)) {
            return Ok(false);
        }
    }
    Ok(true)
}
