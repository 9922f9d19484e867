//! The memo: which objects were copied already, and what keeps them alive.
//!
//! It is private as long as it can be: a native table, and a vector of the originals, whose
//! addresses are the table's keys and must not be given to new objects meanwhile. The first
//! `__deepcopy__` method must be handed a mapping that it, and whatever it calls, may read, change
//! and keep. At that moment the table becomes the dict that `copy.deepcopy` would have filled,
//! entry for entry, and is gone: from then on the dict is the memo.
//!
//! There are never two memos that would have to be kept equal.

use std::cell::OnceCell;
use std::collections::TryReserveError;

use pyo3::exceptions::{PyKeyError, PyMemoryError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::known::Known;
use crate::raw;
use crate::table::Table;

/// What the memo knows an object by: its address, and `id(object)` once that is asked for.
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

/// Where a copy finds the copies made before it.
pub(crate) enum Memo<'py> {
    /// Seen by nobody else: no Python code can have read or changed it.
    Private(Private<'py>),
    /// A dict that Python code may hold, made from a private memo or given by the caller.
    Dict(Bound<'py, PyDict>),
    /// What else a caller gave as memo; asked with the very calls that `copy.deepcopy` makes.
    Mapping(Bound<'py, PyAny>),
}

/// A memo in Rust's memory.
pub(crate) struct Private<'py> {
    copies: Table<Bound<'py, PyAny>>,
    originals: Vec<Bound<'py, PyAny>>,
    /// How many copies there were when the first original was kept: there stands the list of
    /// originals in the dict that this may become.
    first_kept: usize,
}

impl<'py> Memo<'py> {
    /// The memo of a call to `deepcopy` with this argument.
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

    /// The copy of the object with this key, if it was copied before.
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

    /// The same asked as `memo[id]`, which for an arbitrary mapping is another question.
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

    /// Notes that `copy` is the copy of the object with this key.
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

    /// Keeps `original` alive as long as the memo, so that its address stays its own.
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

    /// The memo as Python code may have it.
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

    /// `dict[id(dict)] = originals`, unless there are none.
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
