//! One deep copy: the walk over the objects, and the built-in containers.
//!
//! It does step by step what `copy.py` of CPython 3.13 does, in the same order, so that Python
//! code that runs on the way (`__deepcopy__`, `__reduce_ex__`, `__eq__` of keys …) finds the same
//! half-made copies and the same memo. Where no Python code can run in between, several steps are
//! done as one.
//!
//! It never holds a borrowed reference while Python code runs, and never assumes that a container
//! is what it was before.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::kind::{Kind, is_atomic};
use crate::known::Known;
use crate::memo::{Key, Memo, no_memory};
use crate::raw;

/// What one call to `deepcopy` works with.
pub(crate) struct Copier<'py> {
    pub(crate) py: Python<'py>,
    pub(crate) known: &'py Known,
    pub(crate) memo: Memo<'py>,
    /// The copied items of the tuples that are being copied, one after the other. A tuple can't be
    /// made before all its items are there.
    pub(crate) items: Vec<Bound<'py, PyAny>>,
}

/// A copy that was made, and whether the memo was told so when it was begun.
pub(crate) struct Made<'py> {
    pub(crate) copy: Bound<'py, PyAny>,
    pub(crate) noted: bool,
}

impl<'py> Copier<'py> {
    pub(crate) fn new(py: Python<'py>, memo: Option<Bound<'py, PyAny>>) -> PyResult<Self> {
        Ok(Self { py, known: Known::get(py)?, memo: Memo::from_argument(memo), items: Vec::new() })
    }

    /// The copy of `object`: the one in the memo, or a new one.
    ///
    /// # Errors
    ///
    /// Whatever Python code raises on the way; `RecursionError` when the objects are nested too
    /// deeply; `copy.Error` when there is no way to copy one of them.
    pub(crate) fn copy(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let kind = Kind::of(object);
        if matches!(kind, Kind::Atomic) && self.memo.is_private() {
            // Only Python code puts atomic objects into a memo.
            return Ok(object.clone());
        }
        let key = Key::of(object);
        if let Some(copy) = self.memo.get(&key, self.known)? {
            return Ok(copy);
        }
        let made = match kind {
            Kind::Atomic | Kind::Class => return Ok(object.clone()),
            Kind::List(list) => self.list(list, &key)?,
            Kind::Dict(dict) => self.dict(dict, &key)?,
            Kind::Tuple(tuple) => self.tuple(tuple, &key)?,
            Kind::Set => self.set(object, &key, |items| raw::new_set(items))?,
            Kind::FrozenSet => self.set(object, &key, |items| raw::new_frozenset(items))?,
            Kind::Method => self.method(object)?,
            Kind::Other => self.other(object, &key)?,
        };
        if made.copy.is(object) {
            return Ok(made.copy);
        }
        // What was noted in a private memo is still there. Another one Python code may have
        // changed since, and `copy.deepcopy` notes every copy when it is finished.
        if !(made.noted && self.memo.is_private()) {
            self.memo.set(&key, &made.copy)?;
        }
        self.memo.keep(object)?;
        Ok(made.copy)
    }

    fn list(&mut self, list: &Bound<'py, PyList>, key: &Key<'py>) -> PyResult<Made<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        let mut next = if self.memo.is_private() { leading_atoms(list) } else { 0 };
        let copy = raw::list_head(list, next)?;
        self.memo.set(key, &copy)?;
        while let Some(item) = raw::list_item(list, next) {
            copy.append(self.copy(&item)?)?;
            next += 1;
        }
        Ok(Made::noted(copy))
    }

    fn dict(&mut self, dict: &Bound<'py, PyDict>, key: &Key<'py>) -> PyResult<Made<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        if self.memo.is_private() && all_atoms(dict)? {
            let copy = raw::dict_copy(dict)?;
            self.memo.set(key, &copy)?;
            return Ok(Made::noted(copy));
        }
        let copy = raw::new_dict(self.py)?;
        self.memo.set(key, &copy)?;
        let mut items = raw::Items::of(dict);
        while let Some((key, value)) = items.step()? {
            // In `y[deepcopy(key)] = deepcopy(value)` the value comes first.
            let value = self.copy(&value)?;
            copy.set_item(self.copy(&key)?, value)?;
        }
        Ok(Made::noted(copy))
    }

    fn tuple(&mut self, tuple: &Bound<'py, PyTuple>, key: &Key<'py>) -> PyResult<Made<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        let start = self.items.len();
        let made = self.tuple_from(tuple, key, start);
        self.items.truncate(start);
        made
    }

    /// Copies a tuple with the space of `items` past `start`, and leaves there what it likes.
    fn tuple_from(
        &mut self,
        tuple: &Bound<'py, PyTuple>,
        key: &Key<'py>,
        start: usize,
    ) -> PyResult<Made<'py>> {
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
        // An item may have led back here, and the tuple was copied meanwhile.
        if let Some(copy) = self.memo.subscript(key, self.known)? {
            return Ok(Made::unnoted(copy));
        }
        if !changed {
            return Ok(Made::unnoted(tuple.as_any().clone()));
        }
        let copy = raw::new_tuple(self.py, self.items.drain(start..))?;
        Ok(Made::unnoted(copy.into_any()))
    }

    /// A set or frozenset, copied as its `__reduce__` says: made from a list of its items.
    fn set<T>(
        &mut self,
        set: &Bound<'py, PyAny>,
        key: &Key<'py>,
        from_list: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<Bound<'py, T>>,
    ) -> PyResult<Made<'py>> {
        let table = self.known.dispatch_table.bind(self.py);
        if table.contains(set.get_type())? {
            return self.other(set, key);
        }
        let _depth = raw::Depth::enter(self.py)?;
        let items = self.copy(raw::list_of(set)?.as_any())?;
        Ok(Made::unnoted(from_list(&items)?))
    }

    fn method(&mut self, method: &Bound<'py, PyAny>) -> PyResult<Made<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        let function = method.getattr(intern!(self.py, "__func__"))?;
        let receiver = self.copy(&method.getattr(intern!(self.py, "__self__"))?)?;
        let copy = method.get_type().call1((function, receiver))?;
        Ok(Made::unnoted(copy))
    }
}

impl<'py> Made<'py> {
    pub(crate) fn noted<T>(copy: Bound<'py, T>) -> Self {
        Self { copy: copy.into_any(), noted: true }
    }

    pub(crate) fn unnoted<T>(copy: Bound<'py, T>) -> Self {
        Self { copy: copy.into_any(), noted: false }
    }
}

/// How many items at the head of a list are atomic.
fn leading_atoms(list: &Bound<'_, PyList>) -> usize {
    let mut count = 0;
    while raw::list_item(list, count).is_some_and(|item| is_atomic(&item)) {
        count += 1;
    }
    count
}

/// Whether all keys and values of a dict are atomic.
fn all_atoms(dict: &Bound<'_, PyDict>) -> PyResult<bool> {
    let mut items = raw::Items::of(dict);
    while let Some((key, value)) = items.step()? {
        if !(is_atomic(&value) && is_atomic(&key)) {
            return Ok(false);
        }
    }
    Ok(true)
}
