//! An owned reference to any object.
//!
//! It never lends out the pointer except to the other modules of this crate, and never outlives
//! the interpreter.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use crate::convert::{FromPython, ToArguments, ToPython};
use crate::error::{Error, Result};
use crate::ffi::{self, PyObject};
use crate::interpreter::Python;
use crate::text;
use crate::{Dict, Tuple};

/// An owned reference to a Python object: cloned it is one more, dropped it is given back.
///
/// In memory it is the pointer and nothing else, so an array of pointers can be seen as a slice
/// of these.
#[repr(transparent)]
pub struct Object<'py> {
    pointer: NonNull<PyObject>,
    py: Python<'py>,
}

impl<'py> Object<'py> {
    /// Takes over a new reference; null stands for the exception that is set.
    ///
    /// # Safety
    ///
    /// The pointer is null, or a reference that the caller owns and gives away.
    pub(crate) unsafe fn from_owned(py: Python<'py>, pointer: *mut PyObject) -> Result<'py, Self> {
        match NonNull::new(pointer) {
            Some(pointer) => Ok(Self { pointer, py }),
            None => Err(Error::fetch(py)),
        }
    }

    /// Takes a reference of its own; null stands for the exception that is set.
    ///
    /// # Safety
    ///
    /// The pointer is null, or an object that is alive.
    pub(crate) unsafe fn from_borrowed(
        py: Python<'py>,
        pointer: *mut PyObject,
    ) -> Result<'py, Self> {
        if !pointer.is_null() {
            // SAFETY: the caller's.
            unsafe { ffi::Py_IncRef(pointer) };
        }
        // SAFETY: null, or the reference that was just taken.
        unsafe { Self::from_owned(py, pointer) }
    }

    /// `None`.
    #[must_use]
    pub fn none(py: Python<'py>) -> Self {
        // SAFETY: Python runs. The constant exists and is immortal, so this is never null; NonNull
        // is built without a check because there is no exception to fetch.
        let pointer = unsafe { NonNull::new_unchecked(ffi::Py_GetConstant(ffi::Py_CONSTANT_NONE)) };
        Self { pointer, py }
    }

    /// The module of this name, as `import` finds it. For a dotted name it is the last one.
    ///
    /// # Errors
    ///
    /// `ModuleNotFoundError`, and whatever the module raises.
    pub fn import(py: Python<'py>, name: &str) -> Result<'py, Self> {
        let name = name.to_python(py)?;
        // SAFETY: `name` is alive; a new reference, or null with an exception.
        unsafe { Self::from_owned(py, ffi::PyImport_Import(name.as_ptr())) }
    }

    /// The proof that came with the object.
    #[must_use]
    pub fn python(&self) -> Python<'py> {
        self.py
    }

    pub(crate) fn as_ptr(&self) -> *mut PyObject {
        self.pointer.as_ptr()
    }

    /// The reference, which is now the caller's to give back.
    pub(crate) fn into_ptr(self) -> *mut PyObject {
        ManuallyDrop::new(self).as_ptr()
    }

    /// Whether it is the very same object, as `is` says.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.pointer == other.pointer
    }

    /// Whether it is `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.is(&Self::none(self.py))
    }

    /// The name of its type, without the module's where the type is written in Python.
    #[must_use]
    pub fn type_name(&self) -> String {
        // SAFETY: the object is alive, and so is its type, to whose name this points while it is
        // copied; no Python code runs.
        let name = unsafe { CStr::from_ptr(ffi::capi_type_name(self.as_ptr())) };
        name.to_string_lossy().into_owned()
    }

    /// `getattr(self, name)`.
    ///
    /// # Errors
    ///
    /// `AttributeError`, and whatever a descriptor raises.
    pub fn get_attr(&self, name: &str) -> Result<'py, Self> {
        let name = text::name(self.py, name)?;
        // SAFETY: both are alive; a new reference, or null with an exception.
        unsafe { Self::from_owned(self.py, ffi::PyObject_GetAttr(self.as_ptr(), name.as_ptr())) }
    }

    /// `setattr(self, name, value)`.
    ///
    /// # Errors
    ///
    /// `AttributeError`, and whatever a descriptor raises.
    pub fn set_attr(&self, name: &str, value: impl ToPython<'py>) -> Result<'py, ()> {
        let name = text::name(self.py, name)?;
        let value = value.to_python(self.py)?;
        // SAFETY: all three are alive; -1 comes with an exception.
        let status = unsafe { ffi::PyObject_SetAttr(self.as_ptr(), name.as_ptr(), value.as_ptr()) };
        Error::check(self.py, status).map(drop)
    }

    /// `self[key]`.
    ///
    /// # Errors
    ///
    /// `TypeError` for what has no items; `KeyError` and `IndexError` for what is not in it.
    pub fn get_item(&self, key: impl ToPython<'py>) -> Result<'py, Self> {
        let key = key.to_python(self.py)?;
        // SAFETY: both are alive; a new reference, or null with an exception.
        unsafe { Self::from_owned(self.py, ffi::PyObject_GetItem(self.as_ptr(), key.as_ptr())) }
    }

    /// `self(*arguments)`.
    ///
    /// # Errors
    ///
    /// `TypeError` for what can't be called, and whatever it raises.
    pub fn call(&self, arguments: impl ToArguments<'py>) -> Result<'py, Self> {
        let arguments = arguments.to_arguments(self.py)?;
        self.call_tuple(&arguments, None)
    }

    /// `self(*arguments, **keywords)`.
    ///
    /// # Errors
    ///
    /// As for [`Object::call`].
    pub fn call_with(
        &self,
        arguments: impl ToArguments<'py>,
        keywords: &Dict<'py>,
    ) -> Result<'py, Self> {
        let arguments = arguments.to_arguments(self.py)?;
        self.call_tuple(&arguments, Some(keywords))
    }

    fn call_tuple(
        &self,
        arguments: &Tuple<'py>,
        keywords: Option<&Dict<'py>>,
    ) -> Result<'py, Self> {
        let keywords = keywords.map_or(ptr::null_mut(), |keywords| keywords.as_ptr());
        // SAFETY: the callable, the tuple and the dict (or null) are alive, and are of these types;
        // a new reference, or null with an exception.
        unsafe {
            let result = ffi::PyObject_Call(self.as_ptr(), arguments.as_ptr(), keywords);
            Self::from_owned(self.py, result)
        }
    }

    /// `self.name(*arguments)`.
    ///
    /// # Errors
    ///
    /// As for [`Object::get_attr`] and [`Object::call`].
    pub fn call_method(&self, name: &str, arguments: impl ToArguments<'py>) -> Result<'py, Self> {
        self.get_attr(name)?.call(arguments)
    }

    /// `bool(self)`.
    ///
    /// # Errors
    ///
    /// Whatever `__bool__` or `__len__` raises.
    pub fn is_true(&self) -> Result<'py, bool> {
        // SAFETY: the object is alive; -1 comes with an exception.
        let status = unsafe { ffi::PyObject_IsTrue(self.as_ptr()) };
        Error::check(self.py, status)
    }

    /// `str(self)`.
    ///
    /// # Errors
    ///
    /// Whatever `__str__` raises, and `UnicodeEncodeError` for a lone surrogate.
    pub fn str(&self) -> Result<'py, String> {
        // SAFETY: the object is alive; a new reference to a str, or null with an exception.
        unsafe { Self::from_owned(self.py, ffi::PyObject_Str(self.as_ptr())) }?.extract()
    }

    /// `repr(self)`.
    ///
    /// # Errors
    ///
    /// Whatever `__repr__` raises, and `UnicodeEncodeError` for a lone surrogate.
    pub fn repr(&self) -> Result<'py, String> {
        // SAFETY: the object is alive; a new reference to a str, or null with an exception.
        unsafe { Self::from_owned(self.py, ffi::PyObject_Repr(self.as_ptr())) }?.extract()
    }

    /// The text of a `str`, which Python keeps in UTF-8 beside the object from then on.
    ///
    /// # Errors
    ///
    /// `TypeError` for anything but a `str`, and `UnicodeEncodeError` for a lone surrogate.
    pub fn as_str(&self) -> Result<'py, &str> {
        text::utf8(self)
    }

    /// `iter(self)`.
    ///
    /// # Errors
    ///
    /// `TypeError` for what can't be iterated over.
    pub fn iter(&self) -> Result<'py, Iter<'py>> {
        // SAFETY: the object is alive; a new reference to an iterator, or null with an exception.
        let iterator = unsafe { Self::from_owned(self.py, ffi::PyObject_GetIter(self.as_ptr())) }?;
        Ok(Iter { iterator: Some(iterator) })
    }

    /// As a type of Rust's.
    ///
    /// # Errors
    ///
    /// `TypeError` and `OverflowError`, as the type says.
    pub fn extract<T: FromPython<'py>>(&self) -> Result<'py, T> {
        T::from_python(self)
    }
}

impl Clone for Object<'_> {
    fn clone(&self) -> Self {
        // SAFETY: the object is alive, for `self` owns a reference; the new one is the clone's.
        unsafe { ffi::Py_IncRef(self.as_ptr()) };
        Self { pointer: self.pointer, py: self.py }
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference is owned, and given back once; 'py keeps Python running.
        unsafe { ffi::Py_DecRef(self.as_ptr()) };
    }
}

/// What `repr` says; a failure to say something is shown as the type's name alone.
impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repr() {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "<{}>", self.type_name()),
        }
    }
}

/// The items of an iterator, up to its end or its first exception.
#[derive(Debug)]
pub struct Iter<'py> {
    iterator: Option<Object<'py>>,
}

impl<'py> Iterator for Iter<'py> {
    type Item = Result<'py, Object<'py>>;

    fn next(&mut self) -> Option<Self::Item> {
        let iterator = self.iterator.as_ref()?;
        let py = iterator.python();
        // SAFETY: made by PyObject_GetIter, so it is an iterator; a new reference, or null: at the
        // end without an exception, else with one.
        let item = unsafe { ffi::PyIter_Next(iterator.as_ptr()) };
        if item.is_null() {
            self.iterator = None;
            return Error::take(py).map(Err);
        }
        // SAFETY: the new reference, which is not null.
        Some(unsafe { Object::from_owned(py, item) })
    }
}
