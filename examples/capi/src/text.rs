//! Text and bytes, from Python to Rust.
//!
//! A `str` of Python's may have lone surrogates, which UTF-8 has no form for: they are exceptions
//! here, or escapes where a message has to be shown. It never replaces a character silently.

#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::{ptr, slice};

use crate::convert::ToPython;
use crate::error::{Error, Kind, Result};
use crate::ffi;
use crate::interpreter::Python;
use crate::object::Object;

/// The text of a `str`.
pub(crate) fn utf8<'a, 'py>(object: &'a Object<'py>) -> Result<'py, &'a str> {
    let py = object.python();
    // SAFETY: the object is alive.
    if unsafe { ffi::capi_is_str(object.as_ptr()) } == 0 {
        return Err(Error::unexpected(object, "str"));
    }
    let mut size = 0;
    // SAFETY: a str that is alive; null comes with an exception.
    let start = unsafe { ffi::PyUnicode_AsUTF8AndSize(object.as_ptr(), &raw mut size) };
    if start.is_null() {
        return Err(Error::fetch(py));
    }
    // SAFETY: `size` bytes that belong to the str, do not change and live as long as it, which
    // `object` keeps alive for 'a. They are UTF-8: a surrogate would have been an exception.
    Ok(unsafe { std::str::from_utf8_unchecked(bytes_at(start, size)) })
}

/// The bytes of a `bytes`.
pub(crate) fn bytes<'a, 'py>(object: &'a Object<'py>) -> Result<'py, &'a [u8]> {
    // SAFETY: the object is alive.
    if unsafe { ffi::capi_is_bytes(object.as_ptr()) } == 0 {
        return Err(Error::unexpected(object, "bytes"));
    }
    let mut start = ptr::null_mut();
    let mut size = 0;
    // SAFETY: a bytes object that is alive; -1 comes with an exception.
    let status =
        unsafe { ffi::PyBytes_AsStringAndSize(object.as_ptr(), &raw mut start, &raw mut size) };
    Error::check(object.python(), status)?;
    // SAFETY: `size` bytes that belong to the object, do not change and live as long as it.
    Ok(unsafe { bytes_at(start, size) })
}

/// A `str` with `\udcXX` for each lone surrogate. For what is shown, not for what is kept.
pub(crate) fn escaped<'py>(text: &Object<'py>) -> Result<'py, String> {
    let (encoding, errors) = (c"utf-8".as_ptr(), c"backslashreplace".as_ptr());
    // SAFETY: the object is alive, and anything but a str is an exception; both names are
    // NUL-terminated. A new reference to a bytes object, or null with an exception.
    let encoded = unsafe {
        let encoded = ffi::PyUnicode_AsEncodedString(text.as_ptr(), encoding, errors);
        Object::from_owned(text.python(), encoded)
    }?;
    Ok(String::from_utf8_lossy(bytes(&encoded)?).into_owned())
}

/// A name of an attribute: the one `str` of this text that Python itself uses for names.
///
/// The cache of what types have is asked by the address of a name. A fresh string for each call
/// would never be found there, and would be kept in it for nothing.
pub(crate) fn name<'py>(py: Python<'py>, text: &str) -> Result<'py, Object<'py>> {
    let mut name = text.to_python(py)?.into_ptr();
    // SAFETY: a str, not of a subclass, whose reference goes in and that of the interned one comes
    // out; the same one when memory runs out.
    unsafe {
        ffi::PyUnicode_InternInPlace(&raw mut name);
        Object::from_owned(py, name)
    }
}

/// A copy. Rust would trap where memory runs out; this is `MemoryError`.
pub(crate) fn copy<'py>(object: &Object<'py>, bytes: &[u8]) -> Result<'py, Vec<u8>> {
    let mut copy = Vec::new();
    if copy.try_reserve_exact(bytes.len()).is_err() {
        return Err(Error::new(object.python(), Kind::Memory, "no memory for a copy"));
    }
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// Source code for the parser, which reads to the first NUL.
pub(crate) fn source<'py>(py: Python<'py>, code: &str) -> Result<'py, CString> {
    // The words of CPython's own compile().
    const NUL: &str = "source code string cannot contain null bytes";
    CString::new(code).map_err(|_| Error::new(py, Kind::Syntax, NUL))
}

/// # Safety
///
/// `size` bytes are at `start`, which is not null, and stay there unchanged for 'a.
unsafe fn bytes_at<'a>(start: *const c_char, size: isize) -> &'a [u8] {
    // SAFETY: the caller's. CPython's sizes are not negative.
    unsafe { slice::from_raw_parts(start.cast(), size.cast_unsigned()) }
}
