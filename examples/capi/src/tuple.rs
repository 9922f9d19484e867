//! Tuples.
//!
//! It never changes a tuple that anyone else can see.

#![allow(unsafe_code)]

use std::ops::Deref;

use crate::error::{Error, Result};
use crate::ffi;
use crate::interpreter::Python;
use crate::object::Object;

/// A `tuple`, or an instance of a subclass.
#[derive(Clone, Debug)]
pub struct Tuple<'py>(Object<'py>);

impl<'py> Tuple<'py> {
    /// A tuple of these objects.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    pub fn new(py: Python<'py>, items: &[Object<'py>]) -> Result<'py, Self> {
        // A slice is never longer than isize::MAX.
        let len = items.len().cast_signed();
        // SAFETY: a new reference to a tuple of `len` empty slots, or null with an exception.
        let tuple = Self(unsafe { Object::from_owned(py, ffi::PyTuple_New(len)) }?);
        for (slot, item) in (0..len).zip(items) {
            // SAFETY: the slot exists and is empty, the tuple has no other owner, and it takes over
            // the reference that `into_ptr` gives away, even where it fails. No Python code runs
            // before the last slot is filled, so nobody sees an empty one.
            let status =
                unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), slot, item.clone().into_ptr()) };
            Error::check(py, status)?;
        }
        Ok(tuple)
    }

    /// The object as a tuple.
    ///
    /// # Errors
    ///
    /// `TypeError` when it is none.
    pub fn from_object(object: Object<'py>) -> Result<'py, Self> {
        // SAFETY: the object is alive.
        if unsafe { ffi::capi_is_tuple(object.as_ptr()) } == 0 {
            return Err(Error::unexpected(&object, "tuple"));
        }
        Ok(Self(object))
    }

    /// How many items it has.
    #[must_use]
    pub fn len(&self) -> usize {
        // SAFETY: a tuple that is alive. Only for anything else is it -1 with an exception.
        let size = unsafe { ffi::PyTuple_Size(self.as_ptr()) };
        size.cast_unsigned()
    }

    /// Whether it has no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at an index, if there is one.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Object<'py>> {
        if index >= self.len() {
            return None;
        }
        // SAFETY: a tuple that is alive, and an index that it has; the item is borrowed from the
        // tuple, and from_borrowed takes a reference of its own.
        unsafe {
            let item = ffi::PyTuple_GetItem(self.as_ptr(), index.cast_signed());
            Object::from_borrowed(self.python(), item).ok()
        }
    }

    /// Its items.
    pub fn items(&self) -> impl Iterator<Item = Object<'py>> + '_ {
        (0..self.len()).map_while(|index| self.get(index))
    }
}

impl<'py> Deref for Tuple<'py> {
    type Target = Object<'py>;

    fn deref(&self) -> &Object<'py> {
        &self.0
    }
}

impl<'py> From<Tuple<'py>> for Object<'py> {
    fn from(tuple: Tuple<'py>) -> Self {
        tuple.0
    }
}
