//! Converts values between Rust and Python.
//!
//! Conversion to Rust is strict: only `True` and `False` become a `bool`, only a `str` becomes a
//! `String`, and no value is truncated.

#![allow(unsafe_code)]

use std::ffi::{c_char, c_long};

use crate::error::{Error, Result};
use crate::interpreter::Python;
use crate::object::Object;
use crate::{Dict, Tuple, ffi, text};

/// A Rust value that can be converted to a Python object.
pub trait ToPython<'py> {
    /// Converts the value.
    ///
    /// # Errors
    ///
    /// Returns `MemoryError` if memory runs out.
    fn to_python(self, py: Python<'py>) -> Result<'py, Object<'py>>;
}

/// A Rust type that Python objects can be converted to.
pub trait FromPython<'py>: Sized {
    /// Converts an object.
    ///
    /// # Errors
    ///
    /// Returns `TypeError` if the object has the wrong type, or `OverflowError` if a number is out
    /// of range.
    fn from_python(object: &Object<'py>) -> Result<'py, Self>;
}

/// The positional arguments of a call: a [`Tuple`] or a Rust tuple.
pub trait ToArguments<'py> {
    /// Converts the arguments.
    ///
    /// # Errors
    ///
    /// Returns `MemoryError` if memory runs out.
    fn to_arguments(self, py: Python<'py>) -> Result<'py, Tuple<'py>>;
}

impl<'py> ToPython<'py> for Object<'py> {
    fn to_python(self, _: Python<'py>) -> Result<'py, Object<'py>> {
        Ok(self)
    }
}

impl<'py> ToPython<'py> for &Object<'py> {
    fn to_python(self, _: Python<'py>) -> Result<'py, Object<'py>> {
        Ok(self.clone())
    }
}

impl<'py> ToPython<'py> for Dict<'py> {
    fn to_python(self, _: Python<'py>) -> Result<'py, Object<'py>> {
        Ok(self.into())
    }
}

impl<'py> ToPython<'py> for Tuple<'py> {
    fn to_python(self, _: Python<'py>) -> Result<'py, Object<'py>> {
        Ok(self.into())
    }
}

impl<'py> ToPython<'py> for bool {
    fn to_python(self, py: Python<'py>) -> Result<'py, Object<'py>> {
        // SAFETY: Python is running, and the call returns a new reference, or null with an
        // exception set.
        unsafe { Object::from_owned(py, ffi::PyBool_FromLong(c_long::from(self))) }
    }
}

impl<'py> ToPython<'py> for i64 {
    fn to_python(self, py: Python<'py>) -> Result<'py, Object<'py>> {
        // SAFETY: Python is running, and the call returns a new reference, or null with an
        // exception set.
        unsafe { Object::from_owned(py, ffi::PyLong_FromLongLong(self)) }
    }
}

impl<'py> ToPython<'py> for f64 {
    fn to_python(self, py: Python<'py>) -> Result<'py, Object<'py>> {
        // SAFETY: Python is running, and the call returns a new reference, or null with an
        // exception set.
        unsafe { Object::from_owned(py, ffi::PyFloat_FromDouble(self)) }
    }
}

impl<'py> ToPython<'py> for &str {
    fn to_python(self, py: Python<'py>) -> Result<'py, Object<'py>> {
        let (start, size) = (self.as_ptr().cast::<c_char>(), self.len().cast_signed());
        // SAFETY: `start` points to `size` bytes of UTF-8, which may contain NUL. Python copies the
        // bytes. The call returns a new reference, or null with an exception set.
        unsafe { Object::from_owned(py, ffi::PyUnicode_FromStringAndSize(start, size)) }
    }
}

impl<'py> ToPython<'py> for &[u8] {
    fn to_python(self, py: Python<'py>) -> Result<'py, Object<'py>> {
        let (start, size) = (self.as_ptr().cast::<c_char>(), self.len().cast_signed());
        // SAFETY: `start` points to `size` bytes, which Python copies. The call returns a new
        // reference, or null with an exception set.
        unsafe { Object::from_owned(py, ffi::PyBytes_FromStringAndSize(start, size)) }
    }
}

impl<'py, T: ToPython<'py>> ToPython<'py> for Option<T> {
    fn to_python(self, py: Python<'py>) -> Result<'py, Object<'py>> {
        self.map_or_else(|| Ok(Object::none(py)), |value| value.to_python(py))
    }
}

impl<'py> FromPython<'py> for Object<'py> {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        Ok(object.clone())
    }
}

impl<'py> FromPython<'py> for Dict<'py> {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        Self::from_object(object.clone())
    }
}

impl<'py> FromPython<'py> for Tuple<'py> {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        Self::from_object(object.clone())
    }
}

impl<'py> FromPython<'py> for bool {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        let py = object.python();
        for value in [false, true] {
            // `True` and `False` are singletons.
            if value.to_python(py)?.is(object) {
                return Ok(value);
            }
        }
        Err(Error::unexpected(object, "bool"))
    }
}

/// Converts an `int`, or an object with `__index__`.
impl<'py> FromPython<'py> for i64 {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        // SAFETY: the object is alive; -1 may mean that an exception is set.
        let value = unsafe { ffi::PyLong_AsLongLong(object.as_ptr()) };
        Error::check_value(object.python(), value, value == -1)
    }
}

/// Converts a `float`, or an object with `__float__` or `__index__`.
impl<'py> FromPython<'py> for f64 {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        // SAFETY: the object is alive; -1 may mean that an exception is set.
        let value = unsafe { ffi::PyFloat_AsDouble(object.as_ptr()) };
        Error::check_value(object.python(), value, value == -1.0)
    }
}

/// Converts a `str`. A lone surrogate raises `UnicodeEncodeError`.
impl<'py> FromPython<'py> for String {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        let copy = text::copy(object, text::utf8(object)?.as_bytes())?;
        // SAFETY: the bytes are a copy of a `&str`.
        Ok(unsafe { Self::from_utf8_unchecked(copy) })
    }
}

/// Converts a `bytes`.
impl<'py> FromPython<'py> for Vec<u8> {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        text::copy(object, text::bytes(object)?)
    }
}

/// Converts Python's `None` to Rust's `None`.
impl<'py, T: FromPython<'py>> FromPython<'py> for Option<T> {
    fn from_python(object: &Object<'py>) -> Result<'py, Self> {
        if object.is_none() { Ok(None) } else { T::from_python(object).map(Some) }
    }
}

impl<'py> ToArguments<'py> for &Tuple<'py> {
    fn to_arguments(self, _: Python<'py>) -> Result<'py, Tuple<'py>> {
        Ok(self.clone())
    }
}

macro_rules! arguments {
    ($($type:ident $value:ident),*) => {
        impl<'py, $($type: ToPython<'py>),*> ToArguments<'py> for ($($type,)*) {
            fn to_arguments(self, py: Python<'py>) -> Result<'py, Tuple<'py>> {
                let ($($value,)*) = self;
                Tuple::new(py, &[$($value.to_python(py)?),*])
            }
        }
    };
}

arguments!();
arguments!(A a);
arguments!(A a, B b);
arguments!(A a, B b, C c);
arguments!(A a, B b, C c, D d);
