//! Starting and ending Python, and the proof that it runs.
//!
//! One interpreter at a time, on the thread that started it. It never makes a subinterpreter, and
//! never gives up the thread state (which others call releasing the GIL).

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
/// Python came up in part. What a second attempt finds then is not defined.
const BROKEN: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(STOPPED);

/// How Python is to be started.
#[derive(Debug, Default)]
pub struct Config {
    arguments: Vec<String>,
    isolated: bool,
    modules: Vec<Entry>,
}

impl Config {
    /// As `python` starts, with no arguments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends to `sys.argv`, whose first item is the program's name.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Ignores `PYTHON*` variables of the environment and the user's site directory, as
    /// `python -I` does.
    #[must_use]
    pub fn isolated(mut self) -> Self {
        self.isolated = true;
        self
    }

    /// Lets Python import this native module, as every Python that is started later.
    #[must_use]
    pub fn module<M: Module>(mut self) -> Self {
        self.modules.push(Entry::of::<M>());
        self
    }
}

/// A running Python. Dropping it finalizes Python; until then everything of Python's borrows it.
#[derive(Debug)]
pub struct Interpreter {
    /// Neither Send nor Sync: the thread state belongs to the thread that started Python.
    _thread: PhantomData<*mut ()>,
}

impl Interpreter {
    /// Starts Python. After the end of one interpreter another can be started.
    ///
    /// # Errors
    ///
    /// When one runs already, whoever started it, when Python itself fails to start (mostly
    /// because it does not find its standard library), and ever after that.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let arguments: Result<Vec<CString>, _> =
            config.arguments.iter().map(|argument| CString::new(argument.as_str())).collect();
        let arguments = arguments.map_err(|error| StartError::Argument(error.into_vec()))?;
        let pointers: Vec<*mut c_char> =
            arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();

        STATE.compare_exchange(STOPPED, RUNNING, Ordering::AcqRel, Ordering::Acquire).map_err(
            |state| if state == RUNNING { StartError::Running } else { StartError::Broken },
        )?;
        // SAFETY: may be called at any time.
        if unsafe { ffi::Py_IsInitialized() } != 0 {
            STATE.store(STOPPED, Ordering::Release);
            return Err(StartError::Running);
        }
        for module in &config.modules {
            // SAFETY: Python does not run, and STATE keeps other threads from starting it.
            if let Err(error) = unsafe { module.add() } {
                STATE.store(STOPPED, Ordering::Release);
                return Err(error);
            }
        }
        // A Vec is never longer than isize::MAX.
        let count = pointers.len().cast_signed();
        // SAFETY: `pointers` has `count` NUL-terminated strings, which outlive the call; Python
        // copies them and does not write to them. It does not run, and no other thread is here.
        let failure =
            unsafe { ffi::capi_start(count, pointers.as_ptr(), c_int::from(config.isolated)) };
        if failure.is_null() {
            return Ok(Self { _thread: PhantomData });
        }
        STATE.store(BROKEN, Ordering::Release);
        // SAFETY: not null, so a NUL-terminated string in static memory.
        let reason = unsafe { CStr::from_ptr(failure) };
        Err(StartError::Python(reason.to_string_lossy().into_owned()))
    }

    /// The proof that Python runs, which every function of this crate wants.
    #[must_use]
    pub fn python(&self) -> Python<'_> {
        Python { _running: PhantomData }
    }

    /// Ends Python: `atexit` functions, `__del__` of what is left, and what `sys.stdout` has
    /// buffered.
    ///
    /// # Errors
    ///
    /// When what was buffered can't be written. Python has ended all the same.
    pub fn finalize(self) -> Result<(), FinalizeError> {
        let ended = finalize();
        std::mem::forget(self);
        ended
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        // Whoever wants to know calls `finalize`.
        let _ = finalize();
    }
}

fn finalize() -> Result<(), FinalizeError> {
    // SAFETY: called once for an Interpreter, when nothing borrows it: no object of this crate is
    // left, and no Python code runs below this frame, for what runs Python code borrows it. The
    // thread is the one that started Python. (Without an Interpreter left, a second call, as that
    // of an exit handler, finds Python not initialized and does nothing.)
    let status = unsafe { ffi::Py_FinalizeEx() };
    STATE.store(STOPPED, Ordering::Release);
    if status == 0 { Ok(()) } else { Err(FinalizeError) }
}

/// Python runs, and this is its thread, as long as `'py`.
#[derive(Clone, Copy)]
pub struct Python<'py> {
    _running: PhantomData<(&'py Interpreter, *mut ())>,
}

impl Python<'_> {
    /// The proof in a function that Python itself calls.
    ///
    /// # Safety
    ///
    /// Python runs as long as the lifetime, and the thread is its own.
    pub(crate) unsafe fn assume() -> Self {
        Self { _running: PhantomData }
    }
}

impl fmt::Debug for Python<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Python")
    }
}

/// Why Python did not start.
#[derive(Debug)]
pub enum StartError {
    /// One runs already.
    Running,
    /// It failed to start earlier in this process.
    Broken,
    /// This argument has a NUL byte.
    Argument(Vec<u8>),
    /// There is another built-in module of this name.
    NameTaken(&'static CStr),
    /// Memory ran out.
    Memory,
    /// Python's own reason.
    Python(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("an interpreter runs already"),
            Self::Broken => f.write_str("Python failed to start earlier in this process"),
            Self::Argument(bytes) => {
                write!(f, "an argument has a NUL byte: {:?}", String::from_utf8_lossy(bytes))
            }
            Self::NameTaken(name) => {
                write!(f, "there is a built-in module {} already", name.to_string_lossy())
            }
            Self::Memory => f.write_str("no memory to start Python"),
            Self::Python(reason) => write!(f, "Python did not start: {reason}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Python ended, but something that it had buffered could not be written.
#[derive(Debug)]
pub struct FinalizeError;

impl fmt::Display for FinalizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Python could not write all of its output")
    }
}

impl std::error::Error for FinalizeError {}
