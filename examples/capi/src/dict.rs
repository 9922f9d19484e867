//! Dicts.
//!
//! It never calls what a subclass of dict overrides: `PyDict_*` functions see the table itself.

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
    /// An empty one.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    pub fn new(py: Python<'py>) -> Result<'py, Self> {
        // SAFETY: a new reference to a dict, or null with an exception.
        unsafe { Object::from_owned(py, ffi::PyDict_New()) }.map(Self)
    }

    /// The object as a dict.
    ///
    /// # Errors
    ///
    /// `TypeError` when it is none.
    pub fn from_object(object: Object<'py>) -> Result<'py, Self> {
        // SAFETY: the object is alive.
        if unsafe { ffi::capi_is_dict(object.as_ptr()) } == 0 {
            return Err(Error::unexpected(&object, "dict"));
        }
        Ok(Self(object))
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        // SAFETY: a dict that is alive. Only for anything else is it -1 with an exception.
        let size = unsafe { ffi::PyDict_Size(self.as_ptr()) };
        size.cast_unsigned()
    }

    /// Whether it has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key, if the key is there.
    ///
    /// # Errors
    ///
    /// What hashing or comparing the key raises; `TypeError` for a key that has no hash.
    pub fn get(&self, key: impl ToPython<'py>) -> Result<'py, Option<Object<'py>>> {
        let key = key.to_python(self.python())?;
        let mut value = ptr::null_mut();
        // SAFETY: a dict and a key that are alive; -1 comes with an exception, 0 with a null value
        // and 1 with a new reference.
        let status = unsafe { ffi::PyDict_GetItemRef(self.as_ptr(), key.as_ptr(), &raw mut value) };
        let found = Error::check(self.python(), status)?;
        // SAFETY: not null where it is looked at, and the new reference.
        found.then(|| unsafe { Object::from_owned(self.python(), value) }).transpose()
    }

    /// Whether the key is there.
    ///
    /// # Errors
    ///
    /// As for [`Dict::get`].
    pub fn contains(&self, key: impl ToPython<'py>) -> Result<'py, bool> {
        let key = key.to_python(self.python())?;
        // SAFETY: a dict and a key that are alive; -1 comes with an exception.
        let status = unsafe { ffi::PyDict_Contains(self.as_ptr(), key.as_ptr()) };
        Error::check(self.python(), status)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// As for [`Dict::get`], and `MemoryError`.
    pub fn set(&self, key: impl ToPython<'py>, value: impl ToPython<'py>) -> Result<'py, ()> {
        let key = key.to_python(self.python())?;
        let value = value.to_python(self.python())?;
        // SAFETY: a dict, a key and a value that are alive, and to which the dict takes references
        // of its own; -1 comes with an exception.
        let status = unsafe { ffi::PyDict_SetItem(self.as_ptr(), key.as_ptr(), value.as_ptr()) };
        Error::check(self.python(), status).map(drop)
    }

    /// Takes a key out and returns its value, if the key was there.
    ///
    /// # Errors
    ///
    /// As for [`Dict::get`].
    pub fn remove(&self, key: impl ToPython<'py>) -> Result<'py, Option<Object<'py>>> {
        let key = key.to_python(self.python())?;
        let mut value = ptr::null_mut();
        // SAFETY: as in `get`, the reference being the one that the dict had.
        let status = unsafe { ffi::PyDict_Pop(self.as_ptr(), key.as_ptr(), &raw mut value) };
        let found = Error::check(self.python(), status)?;
        // SAFETY: not null where it is looked at, and a reference that is ours.
        found.then(|| unsafe { Object::from_owned(self.python(), value) }).transpose()
    }

    /// Keys and values, in the order in which the keys were set. Between two steps Python code may
    /// run; when it adds or removes keys, the walk ends with the exception of Python's own.
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

/// A walk over a dict.
#[derive(Debug)]
pub struct Items<'a, 'py> {
    dict: &'a Dict<'py>,
    position: isize,
    /// Its size at the start.
    size: usize,
    /// How many items are to come. None at the end and after an exception.
    left: Option<usize>,
}

impl<'py> Iterator for Items<'_, 'py> {
    type Item = Result<'py, (Object<'py>, Object<'py>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.take()?;
        let py = self.dict.python();
        let changed = |what| Some(Err(Error::new(py, Kind::Runtime, what)));
        if self.dict.len() != self.size {
            return changed("dictionary changed size during iteration");
        }
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: a dict that is alive. PyDict_Next checks the position against the dict as it is
        // now, so what happened to it since the last step does not matter.
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
        // SAFETY: both are borrowed from the dict, and alive: no Python code ran since.
        let (key, value) =
            unsafe { (Object::from_borrowed(py, key), Object::from_borrowed(py, value)) };
        Some(key.and_then(|key| Ok((key, value?))))
    }
}
