//! Converts text and bytes from Python to Rust.
//!
//! A Python `str` may contain lone surrogates, which UTF-8 cannot encode. In messages, lone
//! surrogates are escaped. Elsewhere, they raise an exception. No character is replaced silently.

#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::{ptr, slice};

use crate::convert::ToPython;
use crate::error::{Error, Kind, Result};
use crate::ffi;
use crate::interpreter::Python;
use crate::object::Object;

/// Returns the text of a `str`.
pub(crate) fn utf8<'a, 'py>(object: &'a Object<'py>) -> Result<'py, &'a str> {
    let py = object.python();
    // SAFETY: the object is alive.
    if unsafe { ffi::capi_is_str(object.as_ptr()) } == 0 {
        return Err(Error::unexpected(object, "str"));
    }
    let mut size = 0;
    // SAFETY: the str is alive; null means that an exception is set.
    let start = unsafe { ffi::PyUnicode_AsUTF8AndSize(object.as_ptr(), &raw mut size) };
    if start.is_null() {
        return Err(Error::fetch(py));
    }
    // SAFETY: the `size` bytes belong to the str, which is immutable and which `object` keeps alive
    // for 'a. The bytes are valid UTF-8, because a surrogate would have raised an exception.
    Ok(unsafe { std::str::from_utf8_unchecked(bytes_at(start, size)) })
}

/// Returns the content of a `bytes` object.
pub(crate) fn bytes<'a, 'py>(object: &'a Object<'py>) -> Result<'py, &'a [u8]> {
    // SAFETY: the object is alive.
    if unsafe { ffi::capi_is_bytes(object.as_ptr()) } == 0 {
        return Err(Error::unexpected(object, "bytes"));
    }
    let mut start = ptr::null_mut();
    let mut size = 0;
    // SAFETY: the bytes object is alive; -1 means that an exception is set.
    let status =
        unsafe { ffi::PyBytes_AsStringAndSize(object.as_ptr(), &raw mut start, &raw mut size) };
    Error::check(object.python(), status)?;
    // SAFETY: the `size` bytes belong to the object, which is immutable and outlives 'a.
    Ok(unsafe { bytes_at(start, size) })
}

/// Returns the text of a `str` for display, with an escape such as `\udc80` for each lone
/// surrogate.
pub(crate) fn escaped<'py>(text: &Object<'py>) -> Result<'py, String> {
    let (encoding, errors) = (c"utf-8".as_ptr(), c"backslashreplace".as_ptr());
    // SAFETY: the object is alive. If it is not a str, the call raises an exception. Both names are
    // NUL-terminated. The call returns a new reference to a bytes object, or null with an exception
    // set.
    let encoded = unsafe {
        let encoded = ffi::PyUnicode_AsEncodedString(text.as_ptr(), encoding, errors);
        Object::from_owned(text.python(), encoded)
    }?;
    Ok(String::from_utf8_lossy(bytes(&encoded)?).into_owned())
}

/// Returns the interned `str` of an attribute name.
///
/// CPython's type attribute cache is indexed by the address of the attribute name. If each call
/// used a new string, lookups would always miss and would fill the cache with useless entries.
pub(crate) fn interned<'py>(py: Python<'py>, text: &str) -> Result<'py, Object<'py>> {
    let mut name = text.to_python(py)?.into_ptr();
    // SAFETY: `name` is an exact str, and we own the reference. The function replaces it with an
    // owned reference to the interned str, or leaves it unchanged if memory runs out.
    unsafe {
        ffi::PyUnicode_InternInPlace(&raw mut name);
        Object::from_owned(py, name)
    }
}

/// Copies bytes. If memory runs out, returns `MemoryError`, whereas Rust's allocator would trap.
pub(crate) fn copy<'py>(object: &Object<'py>, bytes: &[u8]) -> Result<'py, Vec<u8>> {
    let mut copy = Vec::new();
    if copy.try_reserve_exact(bytes.len()).is_err() {
        return Err(Error::new(object.python(), Kind::Memory, "not enough memory for a copy"));
    }
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// Returns source code as a C string. Code that contains NUL is an error, because the parser would
/// stop at the NUL.
pub(crate) fn source<'py>(py: Python<'py>, code: &str) -> Result<'py, CString> {
    // CPython's compile() reports the same message.
    const NUL: &str = "source code string cannot contain null bytes";
    CString::new(code).map_err(|_| Error::new(py, Kind::Syntax, NUL))
}

/// # Safety
///
/// `start` must point to `size` bytes that are valid and unchanged for 'a.
unsafe fn bytes_at<'a>(start: *const c_char, size: isize) -> &'a [u8] {
    // SAFETY: the caller guarantees that the bytes are valid. Sizes from CPython are not negative.
    unsafe { slice::from_raw_parts(start.cast(), size.cast_unsigned()) }
}
