//! An owned reference to any Python object.
//!
//! Only code in this crate can access the pointer.

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

/// An owned reference to a Python object. Cloning takes another reference, and dropping releases
/// the reference.
///
/// The layout is that of a pointer, so an array of pointers can be used as a slice of objects.
#[repr(transparent)]
pub struct Object<'py> {
    pointer: NonNull<PyObject>,
    py: Python<'py>,
}

impl<'py> Object<'py> {
    /// Takes ownership of a new reference. If the pointer is null, returns the exception that is
    /// set.
    ///
    /// # Safety
    ///
    /// The pointer must be null or a reference that the caller owns and gives up.
    pub(crate) unsafe fn from_owned(py: Python<'py>, pointer: *mut PyObject) -> Result<'py, Self> {
        match NonNull::new(pointer) {
            Some(pointer) => Ok(Self { pointer, py }),
            None => Err(Error::fetch(py)),
        }
    }

    /// Takes another reference to an object. If the pointer is null, returns the exception that is
    /// set.
    ///
    /// # Safety
    ///
    /// The pointer must be null or point to a live object.
    pub(crate) unsafe fn from_borrowed(
        py: Python<'py>,
        pointer: *mut PyObject,
    ) -> Result<'py, Self> {
        if !pointer.is_null() {
            // SAFETY: the caller guarantees that the object is alive.
            unsafe { ffi::Py_IncRef(pointer) };
        }
        // SAFETY: the pointer is null, or the call above has made it an owned reference.
        unsafe { Self::from_owned(py, pointer) }
    }

    /// Returns Python's `None`.
    #[must_use]
    pub fn none(py: Python<'py>) -> Self {
        // SAFETY: Python is running. The constant is immortal and never null, so there is no
        // exception to fetch.
        let pointer = unsafe { NonNull::new_unchecked(ffi::Py_GetConstant(ffi::Py_CONSTANT_NONE)) };
        Self { pointer, py }
    }

    /// Imports a Python module. For a dotted name such as `a.b`, returns `a.b`, not `a`.
    ///
    /// # Errors
    ///
    /// Returns `ModuleNotFoundError` if there is no such module, or any exception that the module
    /// raises.
    pub fn import(py: Python<'py>, name: &str) -> Result<'py, Self> {
        let name = name.to_python(py)?;
        // SAFETY: `name` is alive; the call returns a new reference, or null with an exception set.
        unsafe { Self::from_owned(py, ffi::PyImport_Import(name.as_ptr())) }
    }

    /// Returns the token of the running Python.
    #[must_use]
    pub fn python(&self) -> Python<'py> {
        self.py
    }

    pub(crate) fn as_ptr(&self) -> *mut PyObject {
        self.pointer.as_ptr()
    }

    /// Returns the reference, which the caller must release.
    pub(crate) fn into_ptr(self) -> *mut PyObject {
        ManuallyDrop::new(self).as_ptr()
    }

    /// Returns true if `self` and `other` are the same object, like Python's `is`.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.pointer == other.pointer
    }

    /// Returns true if the object is `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.is(&Self::none(self.py))
    }

    /// Returns the name of the type, without its module if the type is defined in Python.
    #[must_use]
    pub fn type_name(&self) -> String {
        // SAFETY: the object and its type are alive. The type's name stays alive while it is
        // copied, because no Python code runs.
        let name = unsafe { CStr::from_ptr(ffi::capi_type_name(self.as_ptr())) };
        name.to_string_lossy().into_owned()
    }

    /// Returns `getattr(self, name)`.
    ///
    /// # Errors
    ///
    /// Returns `AttributeError` or any exception that a descriptor raises.
    pub fn get_attr(&self, name: &str) -> Result<'py, Self> {
        let name = text::interned(self.py, name)?;
        // SAFETY: both objects are alive; the call returns a new reference, or null with an
        // exception set.
        unsafe { Self::from_owned(self.py, ffi::PyObject_GetAttr(self.as_ptr(), name.as_ptr())) }
    }

    /// Calls `setattr(self, name, value)`.
    ///
    /// # Errors
    ///
    /// Returns `AttributeError` or any exception that a descriptor raises.
    pub fn set_attr(&self, name: &str, value: impl ToPython<'py>) -> Result<'py, ()> {
        let name = text::interned(self.py, name)?;
        let value = value.to_python(self.py)?;
        // SAFETY: all three objects are alive; -1 means that an exception is set.
        let status = unsafe { ffi::PyObject_SetAttr(self.as_ptr(), name.as_ptr(), value.as_ptr()) };
        Error::check(self.py, status).map(drop)
    }

    /// Returns `self[key]`.
    ///
    /// # Errors
    ///
    /// Returns `TypeError` if the object does not support indexing, or `KeyError` or `IndexError`
    /// if there is no such item.
    pub fn get_item(&self, key: impl ToPython<'py>) -> Result<'py, Self> {
        let key = key.to_python(self.py)?;
        // SAFETY: both objects are alive; the call returns a new reference, or null with an
        // exception set.
        unsafe { Self::from_owned(self.py, ffi::PyObject_GetItem(self.as_ptr(), key.as_ptr())) }
    }

    /// Calls `self(*arguments)`.
    ///
    /// # Errors
    ///
    /// Returns `TypeError` if the object is not callable, or any exception that the call raises.
    pub fn call(&self, arguments: impl ToArguments<'py>) -> Result<'py, Self> {
        let arguments = arguments.to_arguments(self.py)?;
        self.call_tuple(&arguments, None)
    }

    /// Calls `self(*arguments, **keywords)`.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Object::call`].
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
        // SAFETY: the callable, the tuple and the dict (or null) are alive; the call returns a new
        // reference, or null with an exception set.
        unsafe {
            let result = ffi::PyObject_Call(self.as_ptr(), arguments.as_ptr(), keywords);
            Self::from_owned(self.py, result)
        }
    }

    /// Calls `self.name(*arguments)`.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Object::get_attr`] and [`Object::call`].
    pub fn call_method(&self, name: &str, arguments: impl ToArguments<'py>) -> Result<'py, Self> {
        self.get_attr(name)?.call(arguments)
    }

    /// Returns `bool(self)`.
    ///
    /// # Errors
    ///
    /// Returns any exception that `__bool__` or `__len__` raises.
    pub fn is_true(&self) -> Result<'py, bool> {
        // SAFETY: the object is alive; -1 means that an exception is set.
        let status = unsafe { ffi::PyObject_IsTrue(self.as_ptr()) };
        Error::check(self.py, status)
    }

    /// Returns `str(self)`.
    ///
    /// # Errors
    ///
    /// Returns any exception that `__str__` raises, or `UnicodeEncodeError` if the result contains
    /// a lone surrogate.
    pub fn str(&self) -> Result<'py, String> {
        // SAFETY: the object is alive; the call returns a new reference to a str, or null with an
        // exception set.
        unsafe { Self::from_owned(self.py, ffi::PyObject_Str(self.as_ptr())) }?.extract()
    }

    /// Returns `repr(self)`.
    ///
    /// # Errors
    ///
    /// Returns any exception that `__repr__` raises, or `UnicodeEncodeError` if the result contains
    /// a lone surrogate.
    pub fn repr(&self) -> Result<'py, String> {
        // SAFETY: the object is alive; the call returns a new reference to a str, or null with an
        // exception set.
        unsafe { Self::from_owned(self.py, ffi::PyObject_Repr(self.as_ptr())) }?.extract()
    }

    /// Returns the text of a `str`. Python caches its UTF-8 form in the object.
    ///
    /// # Errors
    ///
    /// Returns `TypeError` if the object is not a `str`, or `UnicodeEncodeError` if it contains a
    /// lone surrogate.
    pub fn as_str(&self) -> Result<'py, &str> {
        text::utf8(self)
    }

    /// Returns `iter(self)`.
    ///
    /// # Errors
    ///
    /// Returns `TypeError` if the object is not iterable.
    pub fn iter(&self) -> Result<'py, Iter<'py>> {
        // SAFETY: the object is alive; the call returns a new reference, or null with an exception
        // set.
        let iterator = unsafe { Self::from_owned(self.py, ffi::PyObject_GetIter(self.as_ptr())) }?;
        Ok(Iter { iterator: Some(iterator) })
    }

    /// Converts the object to a Rust type.
    ///
    /// # Errors
    ///
    /// Returns `TypeError`, `OverflowError` or another exception, depending on the type.
    pub fn extract<T: FromPython<'py>>(&self) -> Result<'py, T> {
        T::from_python(self)
    }
}

impl Clone for Object<'_> {
    fn clone(&self) -> Self {
        // SAFETY: `self` owns a reference, so the object is alive. The clone owns the new
        // reference.
        unsafe { ffi::Py_IncRef(self.as_ptr()) };
        Self { pointer: self.pointer, py: self.py }
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        // SAFETY: the reference is owned and released only once. `'py` guarantees that Python is
        // running.
        unsafe { ffi::Py_DecRef(self.as_ptr()) };
    }
}

/// Formats `repr(object)`, or the name of the type if `__repr__` fails.
impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repr() {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "<{}>", self.type_name()),
        }
    }
}

/// An iterator over the items of a Python iterator. It ends after the first exception.
#[derive(Debug)]
pub struct Iter<'py> {
    iterator: Option<Object<'py>>,
}

impl<'py> Iterator for Iter<'py> {
    type Item = Result<'py, Object<'py>>;

    fn next(&mut self) -> Option<Self::Item> {
        let iterator = self.iterator.as_ref()?;
        let py = iterator.python();
        // SAFETY: PyObject_GetIter returned this iterator. The call returns a new reference, null
        // without an exception at the end, or null with an exception set.
        let item = unsafe { ffi::PyIter_Next(iterator.as_ptr()) };
        if item.is_null() {
            self.iterator = None;
            return Error::take(py).map(Err);
        }
        // SAFETY: the pointer is a new reference and not null.
        Some(unsafe { Object::from_owned(py, item) })
    }
}
