//! Python's exceptions as errors of Rust's.
//!
//! An [`Error`] is the exception object itself, taken out of the interpreter: while Rust code
//! runs, no exception is set. It never prints anything and never ends the process, not for
//! `SystemExit` either.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::fmt;
use std::ptr::NonNull;

use crate::convert::ToPython;
use crate::ffi::{self, PyObject};
use crate::interpreter::Python;
use crate::object::Object;
use crate::text;

/// What Python gave, or the exception that it raised.
pub type Result<'py, T> = std::result::Result<T, Error<'py>>;

/// An exception that was raised.
#[derive(Clone)]
pub struct Error<'py> {
    exception: Object<'py>,
}

/// The built-in exceptions that Rust code raises and asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Exception`, the base of all that are caught as a rule.
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
    /// The class, borrowed.
    fn class(self, _running: Python<'_>) -> *mut PyObject {
        // SAFETY: these variables are set when Python starts, and not changed while it runs, which
        // `_running` proves that it does.
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
    /// A new exception of a built-in kind.
    #[must_use]
    pub fn new(py: Python<'py>, kind: Kind, message: &str) -> Self {
        match message.to_python(py) {
            Ok(message) => {
                // SAFETY: the class and the message are alive. It sets this exception, or the one
                // that making it raised.
                unsafe { ffi::PyErr_SetObject(kind.class(py), message.as_ptr()) };
                Self::fetch(py)
            }
            // No memory for the message.
            Err(error) => error,
        }
    }

    /// An exception that is an object already; `TypeError` when the object is none.
    #[must_use]
    pub fn from_exception(exception: Object<'py>) -> Self {
        // SAFETY: the object is alive.
        if unsafe { ffi::capi_is_exception(exception.as_ptr()) } == 0 {
            return Self::unexpected(&exception, "an exception");
        }
        Self { exception }
    }

    /// `TypeError`, for an object that is not what was expected.
    pub(crate) fn unexpected(object: &Object<'py>, expected: &str) -> Self {
        let message = format!("expected {expected}, got {}", object.type_name());
        Self::new(object.python(), Kind::Type, &message)
    }

    /// The exception that is set, which then is set no more.
    pub(crate) fn take(py: Python<'py>) -> Option<Self> {
        // SAFETY: Python runs; a new reference, or null where no exception is set.
        let exception = NonNull::new(unsafe { ffi::PyErr_GetRaisedException() })?;
        // SAFETY: the new reference, which is not null.
        unsafe { Object::from_owned(py, exception.as_ptr()) }
            .ok()
            .map(|exception| Self { exception })
    }

    /// The exception that is set, after a function said that it failed.
    pub(crate) fn fetch(py: Python<'py>) -> Self {
        loop {
            if let Some(error) = Self::take(py) {
                return error;
            }
            // A C function broke its promise: in CPython that is SystemError, too. The second
            // round finds it, for to set an exception always sets one.
            // SAFETY: Python runs; the class is alive and the message NUL-terminated.
            unsafe {
                let message = c"error return without exception set".as_ptr();
                ffi::PyErr_SetString(Kind::System.class(py), message);
            }
        }
    }

    /// For functions that answer 1, 0, or -1 with an exception.
    pub(crate) fn check(py: Python<'py>, status: c_int) -> Result<'py, bool> {
        if status < 0 { Err(Self::fetch(py)) } else { Ok(status != 0) }
    }

    /// For functions whose -1 may also be a value.
    pub(crate) fn check_value<T>(py: Python<'py>, value: T, may_be_error: bool) -> Result<'py, T> {
        // SAFETY: Python runs; what it returns is only compared with null.
        if may_be_error && !unsafe { ffi::PyErr_Occurred() }.is_null() {
            return Err(Self::fetch(py));
        }
        Ok(value)
    }

    /// Sets the exception, for the Python code that called Rust.
    pub(crate) fn restore(self) {
        // SAFETY: the reference is given away with `into_ptr`, and an Error always holds an
        // exception.
        unsafe { ffi::PyErr_SetRaisedException(self.exception.into_ptr()) };
    }

    /// Whether `except kind:` would catch it.
    #[must_use]
    pub fn is(&self, kind: Kind) -> bool {
        let class = kind.class(self.exception.python());
        // SAFETY: both are alive, and the class is a built-in one, for which no Python code runs.
        unsafe { ffi::PyErr_GivenExceptionMatches(self.exception.as_ptr(), class) != 0 }
    }

    /// The exception object.
    #[must_use]
    pub fn exception(&self) -> &Object<'py> {
        &self.exception
    }

    /// The name of its class: `ValueError`.
    #[must_use]
    pub fn type_name(&self) -> String {
        self.exception.type_name()
    }

    /// What `str` says of it, with escapes for lone surrogates.
    ///
    /// # Errors
    ///
    /// What its `__str__` raises.
    pub fn message(&self) -> Result<'py, String> {
        let py = self.exception.python();
        // SAFETY: the object is alive; a new reference to a str, or null with an exception.
        let text = unsafe { Object::from_owned(py, ffi::PyObject_Str(self.exception.as_ptr())) }?;
        text::escaped(&text)
    }

    /// What Python would print: the traceback, the exception, and those that it came from. Ends
    /// with a newline.
    ///
    /// # Errors
    ///
    /// When the standard library's module `traceback` can't be imported or fails.
    pub fn traceback(&self) -> Result<'py, String> {
        let py = self.exception.python();
        let lines = Object::import(py, "traceback")?
            .call_method("format_exception", (self.exception.clone(),))?;
        text::escaped(&"".to_python(py)?.call_method("join", (lines,))?)
    }

    /// For `SystemExit`, what a process should exit with: its code, 0 for `None`, and 1 for
    /// anything else, which Python would print.
    #[must_use]
    pub fn exit_code(&self) -> Option<i64> {
        if !self.is(Kind::SystemExit) {
            return None;
        }
        let code = self.exception.get_attr("code").ok()?;
        Some(if code.is_none() { 0 } else { code.extract().unwrap_or(1) })
    }
}

/// `ValueError: the message`, or the class alone where there is no message, or none to be had.
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

/// As Python would print it.
impl fmt::Debug for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.traceback() {
            Ok(text) => f.write_str(&text),
            Err(_) => fmt::Display::fmt(self, f),
        }
    }
}

impl std::error::Error for Error<'_> {}
