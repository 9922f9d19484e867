//! The memo: the copies made so far, and references that keep the originals alive.
//!
//! The memo is private as long as possible. A private memo consists of a native table, whose keys
//! are the addresses of the originals, and a vector of the originals, which keeps the addresses
//! from being reused. The first `__deepcopy__` method needs a mapping that Python code can read,
//! change and keep. At that point, the table is replaced by the dict that `copy.deepcopy` would
//! have filled, with the same entries in the same order. There are never two memos to keep in sync.

use std::cell::OnceCell;
use std::collections::TryReserveError;

use pyo3::exceptions::{PyKeyError, PyMemoryError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::known::Known;
use crate::raw;
use crate::table::Table;

/// The key of an object in the memo: the object's address and, once it is needed, `id(object)`.
pub(crate) struct Key<'py> {
    py: Python<'py>,
    address: usize,
    id: OnceCell<Bound<'py, PyAny>>,
}

impl<'py> Key<'py> {
    #[inline]
    pub(crate) fn of<T>(object: &Bound<'py, T>) -> Self {
        Self { py: object.py(), address: object.as_ptr().addr(), id: OnceCell::new() }
    }

    fn id(&self) -> PyResult<&Bound<'py, PyAny>> {
        if let Some(id) = self.id.get() {
            return Ok(id);
        }
        let id = raw::id(self.py, self.address)?;
        Ok(self.id.get_or_init(|| id))
    }
}

/// The copies made so far.
pub(crate) enum Memo<'py> {
    /// A native memo that no Python code has seen.
    Private(Private<'py>),
    /// A dict that Python code may refer to. It was created from a private memo or passed by the
    /// caller.
    Dict(Bound<'py, PyDict>),
    /// A mapping of another type that the caller passed. Its methods are called as `copy.deepcopy`
    /// would call them.
    Mapping(Bound<'py, PyAny>),
}

/// A memo in native memory.
pub(crate) struct Private<'py> {
    copies: Table<Bound<'py, PyAny>>,
    originals: Vec<Bound<'py, PyAny>>,
    /// The number of copies in the table when the first original was kept. `copy.deepcopy` adds the
    /// list of originals to its dict at this point, so this is the position of the list.
    first_kept: usize,
}

impl<'py> Memo<'py> {
    /// Creates the memo for the argument `memo` of `deepcopy`.
    pub(crate) fn from_argument(memo: Option<Bound<'py, PyAny>>) -> Self {
        match memo {
            None => Self::Private(Private {
                copies: Table::new(),
                originals: Vec::new(),
                first_kept: 0,
            }),
            Some(memo) => match memo.cast_into_exact() {
                Ok(dict) => Self::Dict(dict),
                Err(error) => Self::Mapping(error.into_inner()),
            },
        }
    }

    pub(crate) fn is_private(&self) -> bool {
        matches!(self, Self::Private(_))
    }

    /// Returns the copy of the object with this key, if there is one.
    #[inline]
    pub(crate) fn get(
        &self,
        key: &Key<'py>,
        known: &'py Known,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Private(private) => Ok(private.copies.get(key.address).cloned()),
            Self::Dict(dict) => dict.get_item(key.id()?),
            Self::Mapping(memo) => {
                let missing = known.missing.bind(key.py);
                let copy = memo.call_method1(intern!(key.py, "get"), (key.id()?, missing))?;
                Ok((!copy.is(missing)).then_some(copy))
            }
        }
    }

    /// Like `get`, but looks up `memo[id]` in a mapping that the caller passed, because the `get`
    /// method of that mapping may return something else.
    #[inline]
    pub(crate) fn subscript(
        &self,
        key: &Key<'py>,
        known: &'py Known,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Self::Mapping(memo) = self else {
            return self.get(key, known);
        };
        match memo.get_item(key.id()?) {
            Ok(copy) => Ok(Some(copy)),
            Err(error) if error.is_instance_of::<PyKeyError>(key.py) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds the copy of the object with this key.
    #[inline]
    pub(crate) fn set<T>(&mut self, key: &Key<'py>, copy: &Bound<'py, T>) -> PyResult<()> {
        let copy = copy.as_any();
        match self {
            Self::Private(private) => {
                private.copies.insert(key.address, copy.clone()).map_err(no_memory)
            }
            Self::Dict(dict) => dict.set_item(key.id()?, copy),
            Self::Mapping(memo) => memo.set_item(key.id()?, copy),
        }
    }

    /// Keeps `original` alive as long as the memo, so that its address is not reused.
    #[inline]
    pub(crate) fn keep(&mut self, original: &Bound<'py, PyAny>) -> PyResult<()> {
        match self {
            Self::Private(private) => private.keep(original).map_err(no_memory),
            Self::Dict(dict) => {
                let key = Key::of(dict);
                match dict.get_item(key.id()?)? {
                    Some(kept) => append(&kept, original),
                    None => dict.set_item(key.id()?, new_list_of(original)?),
                }
            }
            Self::Mapping(memo) => {
                let key = Key::of(memo);
                let kept = memo.get_item(key.id()?).and_then(|kept| append(&kept, original));
                match kept {
                    Err(error) if error.is_instance_of::<PyKeyError>(key.py) => {
                        memo.set_item(key.id()?, new_list_of(original)?)
                    }
                    kept => kept,
                }
            }
        }
    }

    /// Returns the memo as a Python object. Converts a private memo to a dict.
    pub(crate) fn publish(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Private(private) => {
                let dict = private.to_dict(py)?;
                *self = Self::Dict(dict.clone());
                Ok(dict.into_any())
            }
            Self::Dict(dict) => Ok(dict.clone().into_any()),
            Self::Mapping(memo) => Ok(memo.clone()),
        }
    }
}

impl<'py> Private<'py> {
    fn keep(&mut self, original: &Bound<'py, PyAny>) -> Result<(), TryReserveError> {
        self.originals.try_reserve(1)?;
        if self.originals.is_empty() {
            self.first_kept = self.copies.len();
        }
        self.originals.push(original.clone());
        Ok(())
    }

    fn to_dict(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = raw::new_dict(py)?;
        for (number, (original, copy)) in self.copies.iter().enumerate() {
            if number == self.first_kept {
                self.put_originals(&dict)?;
            }
            dict.set_item(raw::id(py, original)?, copy)?;
        }
        if self.copies.len() == self.first_kept {
            self.put_originals(&dict)?;
        }
        Ok(dict)
    }

    /// Sets `dict[id(dict)] = originals`, unless there are none.
    fn put_originals(&self, dict: &Bound<'py, PyDict>) -> PyResult<()> {
        if self.originals.is_empty() {
            return Ok(());
        }
        let originals = raw::new_list(dict.py())?;
        for original in &self.originals {
            originals.append(original)?;
        }
        dict.set_item(Key::of(dict).id()?, originals)
    }
}

fn append<'py>(list: &Bound<'py, PyAny>, item: &Bound<'py, PyAny>) -> PyResult<()> {
    if let Ok(list) = list.cast_exact::<PyList>() {
        return list.append(item);
    }
    list.call_method1(intern!(list.py(), "append"), (item,))?;
    Ok(())
}

fn new_list_of<'py>(item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let list = raw::new_list(item.py())?;
    list.append(item)?;
    Ok(list)
}

pub(crate) fn no_memory(_: TryReserveError) -> PyErr {
    PyMemoryError::new_err(())
}
