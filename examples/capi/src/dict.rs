//! Python dicts.
//!
//! Methods that a subclass of `dict` overrides are not called: the functions `PyDict_*` access the
//! hash table directly.

#![allow(unsafe_code)]

use std::ops::Deref;
use std::ptr;

use crate::convert::ToPython;
use crate::error::{Error, Kind, Result};
use crate::ffi;
use crate::interpreter::Python;
use crate::object::Object;

/// A `dict`, or an instance of a subclass.
#[derive(Clone, Debug)]
pub struct Dict<'py>(Object<'py>);

impl<'py> Dict<'py> {
    /// Creates an empty dict.
    ///
    /// # Errors
    ///
    /// Returns `MemoryError` if memory runs out.
    pub fn new(py: Python<'py>) -> Result<'py, Self> {
        // SAFETY: the call returns a new reference to a dict, or null with an exception set.
        unsafe { Object::from_owned(py, ffi::PyDict_New()) }.map(Self)
    }

    /// Converts an object to a dict without copying it.
    ///
    /// # Errors
    ///
    /// Returns `TypeError` if the object is not a dict.
    pub fn from_object(object: Object<'py>) -> Result<'py, Self> {
        // SAFETY: the object is alive.
        if unsafe { ffi::capi_is_dict(object.as_ptr()) } == 0 {
            return Err(Error::unexpected(&object, "dict"));
        }
        Ok(Self(object))
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        // SAFETY: the dict is alive; the function fails only for objects of other types.
        let size = unsafe { ffi::PyDict_Size(self.as_ptr()) };
        size.cast_unsigned()
    }

    /// Returns true if the dict has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the value of a key, or `None` if the dict does not contain the key.
    ///
    /// # Errors
    ///
    /// Returns `TypeError` if the key is unhashable, or any exception that hashing or comparing the
    /// key raises.
    pub fn get(&self, key: impl ToPython<'py>) -> Result<'py, Option<Object<'py>>> {
        let key = key.to_python(self.python())?;
        let mut value = ptr::null_mut();
        // SAFETY: the dict and the key are alive. The call returns -1 with an exception set, 0 with
        // a null value, or 1 with a new reference.
        let status = unsafe { ffi::PyDict_GetItemRef(self.as_ptr(), key.as_ptr(), &raw mut value) };
        let found = Error::check(self.python(), status)?;
        // SAFETY: the value is a new reference if the key was found.
        found.then(|| unsafe { Object::from_owned(self.python(), value) }).transpose()
    }

    /// Returns true if the dict contains the key.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Dict::get`].
    pub fn contains(&self, key: impl ToPython<'py>) -> Result<'py, bool> {
        let key = key.to_python(self.python())?;
        // SAFETY: the dict and the key are alive; -1 means that an exception is set.
        let status = unsafe { ffi::PyDict_Contains(self.as_ptr(), key.as_ptr()) };
        Error::check(self.python(), status)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Dict::get`], or `MemoryError` if memory runs out.
    pub fn set(&self, key: impl ToPython<'py>, value: impl ToPython<'py>) -> Result<'py, ()> {
        let key = key.to_python(self.python())?;
        let value = value.to_python(self.python())?;
        // SAFETY: the dict, key and value are alive. The dict takes its own references to the key
        // and the value; -1 means that an exception is set.
        let status = unsafe { ffi::PyDict_SetItem(self.as_ptr(), key.as_ptr(), value.as_ptr()) };
        Error::check(self.python(), status).map(drop)
    }

    /// Removes a key and returns its value, or `None` if the dict does not contain the key.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Dict::get`].
    pub fn remove(&self, key: impl ToPython<'py>) -> Result<'py, Option<Object<'py>>> {
        let key = key.to_python(self.python())?;
        let mut value = ptr::null_mut();
        // SAFETY: as in `get`; the dict gives its reference to the caller.
        let status = unsafe { ffi::PyDict_Pop(self.as_ptr(), key.as_ptr(), &raw mut value) };
        let found = Error::check(self.python(), status)?;
        // SAFETY: the value is an owned reference if the key was found.
        found.then(|| unsafe { Object::from_owned(self.python(), value) }).transpose()
    }

    /// Iterates over keys and values in insertion order. If Python code adds or removes keys during
    /// the iteration, the iterator ends with the same `RuntimeError` as in Python.
    #[must_use]
    pub fn items(&self) -> Items<'_, 'py> {
        let size = self.len();
        Items { dict: self, position: 0, size, left: Some(size) }
    }
}

impl<'py> Deref for Dict<'py> {
    type Target = Object<'py>;

    fn deref(&self) -> &Object<'py> {
        &self.0
    }
}

impl<'py> From<Dict<'py>> for Object<'py> {
    fn from(dict: Dict<'py>) -> Self {
        dict.0
    }
}

/// An iterator over the items of a dict.
#[derive(Debug)]
pub struct Items<'a, 'py> {
    dict: &'a Dict<'py>,
    position: isize,
    /// The size of the dict at the start of the iteration.
    size: usize,
    /// The number of remaining items, or `None` at the end and after an exception.
    left: Option<usize>,
}

impl<'py> Iterator for Items<'_, 'py> {
    type Item = Result<'py, (Object<'py>, Object<'py>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.take()?;
        let py = self.dict.python();
        let changed = |message| Some(Err(Error::new(py, Kind::Runtime, message)));
        if self.dict.len() != self.size {
            return changed("dictionary changed size during iteration");
        }
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the dict is alive. `PyDict_Next` checks the position against the current table,
        // so any change since the previous step is harmless.
        let found = unsafe {
            let position = &raw mut self.position;
            ffi::PyDict_Next(self.dict.as_ptr(), position, &raw mut key, &raw mut value)
        };
        if found == 0 {
            return None;
        }
        let Some(left) = left.checked_sub(1) else {
            return changed("dictionary keys changed during iteration");
        };
        self.left = Some(left);
        // SAFETY: the key and the value are borrowed from the dict. They are alive, because no
        // Python code has run since `PyDict_Next`.
        let (key, value) =
            unsafe { (Object::from_borrowed(py, key), Object::from_borrowed(py, value)) };
        Some(key.and_then(|key| Ok((key, value?))))
    }
}
