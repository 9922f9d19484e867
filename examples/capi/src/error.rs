//! Python's exceptions as Rust errors.
//!
//! An [`Error`] owns an exception object that was taken out of the interpreter, so no exception is
//! set while Rust code runs. Errors are never printed, and `SystemExit` does not exit the process.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::fmt;
use std::ptr::NonNull;

use crate::convert::ToPython;
use crate::ffi::{self, PyObject};
use crate::interpreter::Python;
use crate::object::Object;
use crate::text;

/// A value, or the exception that Python raised instead.
pub type Result<'py, T> = std::result::Result<T, Error<'py>>;

/// An exception that was raised.
#[derive(Clone)]
pub struct Error<'py> {
    exception: Object<'py>,
}

/// A built-in exception class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Exception`, the base of all exceptions that programs usually catch
    Any,
    /// `ImportError`
    Import,
    /// `IndexError`
    Index,
    /// `KeyError`
    Key,
    /// `MemoryError`
    Memory,
    /// `OSError`
    Os,
    /// `OverflowError`
    Overflow,
    /// `RecursionError`
    Recursion,
    /// `RuntimeError`
    Runtime,
    /// `SyntaxError`
    Syntax,
    /// `SystemError`
    System,
    /// `SystemExit`
    SystemExit,
    /// `TypeError`
    Type,
    /// `UnicodeError`
    Unicode,
    /// `ValueError`
    Value,
}

impl Kind {
    /// Returns a borrowed reference to the class.
    fn class(self, _running: Python<'_>) -> *mut PyObject {
        // SAFETY: these variables are set when Python starts and do not change while Python is
        // running. `_running` proves that it is.
        unsafe {
            match self {
                Self::Any => ffi::PyExc_Exception,
                Self::Import => ffi::PyExc_ImportError,
                Self::Index => ffi::PyExc_IndexError,
                Self::Key => ffi::PyExc_KeyError,
                Self::Memory => ffi::PyExc_MemoryError,
                Self::Os => ffi::PyExc_OSError,
                Self::Overflow => ffi::PyExc_OverflowError,
                Self::Recursion => ffi::PyExc_RecursionError,
                Self::Runtime => ffi::PyExc_RuntimeError,
                Self::Syntax => ffi::PyExc_SyntaxError,
                Self::System => ffi::PyExc_SystemError,
                Self::SystemExit => ffi::PyExc_SystemExit,
                Self::Type => ffi::PyExc_TypeError,
                Self::Unicode => ffi::PyExc_UnicodeError,
                Self::Value => ffi::PyExc_ValueError,
            }
        }
    }
}

impl<'py> Error<'py> {
    /// Creates an exception of a built-in class.
    #[must_use]
    pub fn new(py: Python<'py>, kind: Kind, message: &str) -> Self {
        match message.to_python(py) {
            Ok(message) => {
                // SAFETY: the class and the message are alive. The call sets the new exception, or
                // the exception that its constructor raised.
                unsafe { ffi::PyErr_SetObject(kind.class(py), message.as_ptr()) };
                Self::fetch(py)
            }
            // There was not enough memory for the message.
            Err(error) => error,
        }
    }

    /// Wraps an exception object. If the object is not an exception, the error is a `TypeError`.
    #[must_use]
    pub fn from_exception(exception: Object<'py>) -> Self {
        // SAFETY: the object is alive.
        if unsafe { ffi::capi_is_exception(exception.as_ptr()) } == 0 {
            return Self::unexpected(&exception, "an exception");
        }
        Self { exception }
    }

    /// Creates a `TypeError` for an object of an unexpected type.
    pub(crate) fn unexpected(object: &Object<'py>, expected: &str) -> Self {
        let message = format!("expected {expected}, got {}", object.type_name());
        Self::new(object.python(), Kind::Type, &message)
    }

    /// Takes the exception that is set, if any, and clears it.
    pub(crate) fn take(py: Python<'py>) -> Option<Self> {
        // SAFETY: Python is running, and the call returns a new reference, or null if no exception
        // is set.
        let exception = NonNull::new(unsafe { ffi::PyErr_GetRaisedException() })?;
        // SAFETY: the pointer is the new reference, which is not null.
        unsafe { Object::from_owned(py, exception.as_ptr()) }
            .ok()
            .map(|exception| Self { exception })
    }

    /// Takes the exception that is set, after a C function failed.
    pub(crate) fn fetch(py: Python<'py>) -> Self {
        loop {
            if let Some(error) = Self::take(py) {
                return error;
            }
            // The C function set no exception. CPython reports this as SystemError. The next
            // iteration takes that exception, because PyErr_SetString always sets one.
            // SAFETY: Python is running, the class is alive, and the message is NUL-terminated.
            unsafe {
                let message = c"error return without exception set".as_ptr();
                ffi::PyErr_SetString(Kind::System.class(py), message);
            }
        }
    }

    /// Checks the status of a function that returns 1, 0, or -1 with an exception set.
    pub(crate) fn check(py: Python<'py>, status: c_int) -> Result<'py, bool> {
        if status < 0 { Err(Self::fetch(py)) } else { Ok(status != 0) }
    }

    /// Checks the result of a function for which -1 is either a value or a failure.
    pub(crate) fn check_value<T>(py: Python<'py>, value: T, may_be_error: bool) -> Result<'py, T> {
        // SAFETY: Python is running. The result is only compared with null.
        if may_be_error && !unsafe { ffi::PyErr_Occurred() }.is_null() {
            return Err(Self::fetch(py));
        }
        Ok(value)
    }

    /// Sets the exception for the Python code that called Rust.
    pub(crate) fn restore(self) {
        // SAFETY: `into_ptr` gives up ownership of the reference, and the object is always an
        // exception.
        unsafe { ffi::PyErr_SetRaisedException(self.exception.into_ptr()) };
    }

    /// Returns true if `except kind:` would catch the exception.
    #[must_use]
    pub fn is(&self, kind: Kind) -> bool {
        let class = kind.class(self.exception.python());
        // SAFETY: the exception and the class are alive. No Python code runs, because the class is
        // built in.
        unsafe { ffi::PyErr_GivenExceptionMatches(self.exception.as_ptr(), class) != 0 }
    }

    /// Returns the exception object.
    #[must_use]
    pub fn exception(&self) -> &Object<'py> {
        &self.exception
    }

    /// Returns the name of the exception's class, such as `ValueError`.
    #[must_use]
    pub fn type_name(&self) -> String {
        self.exception.type_name()
    }

    /// Returns `str(exception)`, with escapes for lone surrogates.
    ///
    /// # Errors
    ///
    /// Returns any exception that the method `__str__` raises.
    pub fn message(&self) -> Result<'py, String> {
        let py = self.exception.python();
        // SAFETY: the object is alive; the call returns a new reference to a str, or null with an
        // exception set.
        let text = unsafe { Object::from_owned(py, ffi::PyObject_Str(self.exception.as_ptr())) }?;
        text::escaped(&text)
    }

    /// Returns the traceback that Python would print, including the causes of the exception. The
    /// text ends with a newline.
    ///
    /// # Errors
    ///
    /// If the standard library module `traceback` cannot be imported or fails.
    pub fn traceback(&self) -> Result<'py, String> {
        let py = self.exception.python();
        let lines = Object::import(py, "traceback")?
            .call_method("format_exception", (self.exception.clone(),))?;
        text::escaped(&"".to_python(py)?.call_method("join", (lines,))?)
    }

    /// Returns the exit code of a `SystemExit`: 0 if its `code` is Python's `None`, the `code`
    /// itself if it is an integer, or 1 otherwise. Returns `None` for other exceptions.
    #[must_use]
    pub fn exit_code(&self) -> Option<i64> {
        if !self.is(Kind::SystemExit) {
            return None;
        }
        let code = self.exception.get_attr("code").ok()?;
        Some(if code.is_none() { 0 } else { code.extract().unwrap_or(1) })
    }
}

/// Formats the exception as `ValueError: message`, or as the class alone if the message is empty.
impl fmt::Display for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name())?;
        match self.message() {
            Ok(message) if message.is_empty() => Ok(()),
            Ok(message) => write!(f, ": {message}"),
            Err(_) => f.write_str(": <its __str__ failed>"),
        }
    }
}

/// Formats the traceback.
impl fmt::Debug for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.traceback() {
            Ok(text) => f.write_str(&text),
            Err(_) => fmt::Display::fmt(self, f),
        }
    }
}

impl std::error::Error for Error<'_> {}
