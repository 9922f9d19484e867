//! Starts and finalizes Python, and defines the token that proves that Python is running.
//!
//! There is one interpreter at a time, on the thread that started it. The thread state is never
//! detached (the GIL is never released), and there are no subinterpreters.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::ffi;
use crate::inittab::Entry;
use crate::module::Module;

const STOPPED: u8 = 0;
const RUNNING: u8 = 1;
/// The state after Python failed to start. Starting it again would have undefined results.
const BROKEN: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(STOPPED);

/// The configuration of an interpreter.
#[derive(Debug, Default)]
pub struct Config {
    arguments: Vec<String>,
    isolated: bool,
    modules: Vec<Entry>,
}

impl Config {
    /// Creates the configuration that `python` uses when it is run without arguments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an argument to `sys.argv`. The first argument is the program's name.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Ignores `PYTHON*` environment variables and the user's site directory, as `python -I` does.
    #[must_use]
    pub fn isolated(mut self) -> Self {
        self.isolated = true;
        self
    }

    /// Makes a native module importable in this interpreter and all later interpreters.
    #[must_use]
    pub fn module<M: Module>(mut self) -> Self {
        self.modules.push(Entry::of::<M>());
        self
    }
}

/// A running Python interpreter. All objects borrow it. Dropping it finalizes Python.
#[derive(Debug)]
pub struct Interpreter {
    /// A marker that makes the type neither `Send` nor `Sync`: the thread state belongs to the
    /// current thread.
    _thread: PhantomData<*mut ()>,
}

impl Interpreter {
    /// Starts Python. Another interpreter can be started after this one is finalized.
    ///
    /// # Errors
    ///
    /// If an interpreter is already running, even one that this crate did not start, or if Python
    /// fails to start, usually because it does not find the standard library. After such a failure,
    /// every later call fails.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let arguments: Result<Vec<CString>, _> =
            config.arguments.iter().map(|argument| CString::new(argument.as_str())).collect();
        let arguments = arguments.map_err(|error| StartError::Argument(error.into_vec()))?;
        let pointers: Vec<*mut c_char> =
            arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();

        STATE.compare_exchange(STOPPED, RUNNING, Ordering::AcqRel, Ordering::Acquire).map_err(
            |state| if state == RUNNING { StartError::Running } else { StartError::Broken },
        )?;
        // SAFETY: this function can be called at any time.
        if unsafe { ffi::Py_IsInitialized() } != 0 {
            STATE.store(STOPPED, Ordering::Release);
            return Err(StartError::Running);
        }
        for module in &config.modules {
            // SAFETY: Python is not running, and STATE keeps other threads from starting it.
            if let Err(error) = unsafe { module.add() } {
                STATE.store(STOPPED, Ordering::Release);
                return Err(error);
            }
        }
        // The length of a Vec is at most isize::MAX.
        let count = pointers.len().cast_signed();
        // SAFETY: `pointers` contains `count` pointers to NUL-terminated strings, which outlive the
        // call. Python copies the strings and does not write to them. Python is not running, and
        // STATE keeps other threads from starting it.
        let message =
            unsafe { ffi::capi_start(count, pointers.as_ptr(), c_int::from(config.isolated)) };
        if message.is_null() {
            return Ok(Self { _thread: PhantomData });
        }
        STATE.store(BROKEN, Ordering::Release);
        // SAFETY: the message is a static NUL-terminated string.
        let message = unsafe { CStr::from_ptr(message) };
        Err(StartError::Python(message.to_string_lossy().into_owned()))
    }

    /// Returns the token that proves that Python is running.
    #[must_use]
    pub fn python(&self) -> Python<'_> {
        Python { _running: PhantomData }
    }

    /// Finalizes Python: runs `atexit` functions and the `__del__` of remaining objects, and
    /// flushes `sys.stdout`.
    ///
    /// # Errors
    ///
    /// If buffered output cannot be written. Python is finalized anyway.
    pub fn finalize(self) -> Result<(), FinalizeError> {
        let result = finalize();
        std::mem::forget(self);
        result
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        // `drop` cannot report a failure. `Interpreter::finalize` can.
        let _ = finalize();
    }
}

fn finalize() -> Result<(), FinalizeError> {
    // SAFETY: this function is called once for each Interpreter, on the thread that started Python.
    // Nothing borrows the Interpreter any more, so no object of this crate is left, and no Python
    // code is calling this function. If an exit handler calls Py_FinalizeEx later, Python is no
    // longer initialized and the call does nothing.
    let status = unsafe { ffi::Py_FinalizeEx() };
    STATE.store(STOPPED, Ordering::Release);
    if status == 0 { Ok(()) } else { Err(FinalizeError) }
}

/// A token that proves that Python is running on the current thread for the lifetime `'py`.
#[derive(Clone, Copy)]
pub struct Python<'py> {
    _running: PhantomData<(&'py Interpreter, *mut ())>,
}

impl Python<'_> {
    /// Creates a token inside a function that Python calls.
    ///
    /// # Safety
    ///
    /// Python must be running on the current thread for the lifetime of the token.
    pub(crate) unsafe fn assume() -> Self {
        Self { _running: PhantomData }
    }
}

impl fmt::Debug for Python<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Python")
    }
}

/// The reason why Python did not start.
#[derive(Debug)]
pub enum StartError {
    /// An interpreter is running.
    Running,
    /// Python failed to start earlier in this process.
    Broken,
    /// An argument contains a NUL byte.
    Argument(Vec<u8>),
    /// Another built-in module has the same name.
    NameTaken(&'static CStr),
    /// Memory ran out.
    Memory,
    /// Python's own message.
    Python(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("an interpreter is already running"),
            Self::Broken => f.write_str("Python failed to start earlier in this process"),
            Self::Argument(bytes) => {
                write!(f, "an argument contains a NUL byte: {:?}", String::from_utf8_lossy(bytes))
            }
            Self::NameTaken(name) => {
                write!(f, "a built-in module `{}` already exists", name.to_string_lossy())
            }
            Self::Memory => f.write_str("not enough memory to start Python"),
            Self::Python(message) => write!(f, "Python did not start: {message}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A failure to write buffered output when Python was finalized.
#[derive(Debug)]
pub struct FinalizeError;

impl fmt::Display for FinalizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Python could not write all of its output")
    }
}

impl std::error::Error for FinalizeError {}
