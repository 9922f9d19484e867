//! Python tuples.

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
    /// Creates a tuple that contains the objects in `items`.
    ///
    /// # Errors
    ///
    /// Returns `MemoryError` if memory runs out.
    pub fn new(py: Python<'py>, items: &[Object<'py>]) -> Result<'py, Self> {
        // The length of a slice is at most isize::MAX.
        let len = items.len().cast_signed();
        // SAFETY: the call returns a new reference to a tuple with `len` empty slots, or null with
        // an exception set.
        let tuple = Self(unsafe { Object::from_owned(py, ffi::PyTuple_New(len)) }?);
        for (slot, item) in (0..len).zip(items) {
            // SAFETY: the slot exists and is empty. The tuple has no other owner. The call takes
            // ownership of the reference from `into_ptr` even if it fails. No Python code runs
            // before all slots are filled.
            let status =
                unsafe { ffi::PyTuple_SetItem(tuple.as_ptr(), slot, item.clone().into_ptr()) };
            Error::check(py, status)?;
        }
        Ok(tuple)
    }

    /// Converts an object to a tuple without copying it.
    ///
    /// # Errors
    ///
    /// Returns `TypeError` if the object is not a tuple.
    pub fn from_object(object: Object<'py>) -> Result<'py, Self> {
        // SAFETY: the object is alive.
        if unsafe { ffi::capi_is_tuple(object.as_ptr()) } == 0 {
            return Err(Error::unexpected(&object, "tuple"));
        }
        Ok(Self(object))
    }

    /// Returns the number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        // SAFETY: the tuple is alive; the function fails only for objects of other types.
        let size = unsafe { ffi::PyTuple_Size(self.as_ptr()) };
        size.cast_unsigned()
    }

    /// Returns true if the tuple has no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the item at an index, or `None` if the index is out of range.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Object<'py>> {
        if index >= self.len() {
            return None;
        }
        // SAFETY: the tuple is alive, and the index is valid. The item is borrowed from the tuple,
        // and `from_borrowed` takes another reference.
        unsafe {
            let item = ffi::PyTuple_GetItem(self.as_ptr(), index.cast_signed());
            Object::from_borrowed(self.python(), item).ok()
        }
    }

    /// Iterates over the items.
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
