//! The class `Logger`.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::os_error;
use crate::sink::Sink;

/// Text that contains this word triggers the callback.
const ERROR: &str = "ERROR";

/// Writes text to stdout or appends it to a file. Calls `callback` after each text that contains
/// `ERROR`.
///
/// An exception in the callback propagates out of `log`, after the text has been written. The
/// callback may use the logger that called it.
// The class is frozen, because a callback may call methods while another method runs. Locks protect
// the mutable state. No lock is held while Python code runs.
#[pyclass(module = "logger", frozen, weakref)]
#[derive(Debug)]
pub struct Logger {
    sink: Mutex<Sink>,
    callback: Mutex<Option<Py<PyAny>>>,
}

#[pymethods]
impl Logger {
    #[new]
    #[pyo3(signature = (callback = None, *, path = None))]
    fn new(
        py: Python<'_>,
        callback: Option<Bound<'_, PyAny>>,
        path: Option<PathBuf>,
    ) -> PyResult<Self> {
        if let Some(callback) = &callback
            && !callback.is_callable()
        {
            let kind = callback.get_type().name()?;
            return Err(PyTypeError::new_err(format!("callback must be callable, not {kind}")));
        }
        let sink = match path {
            Some(path) => Sink::append(&path).map_err(|error| os_error(py, error, Some(&path)))?,
            None => Sink::stdout(),
        };
        Ok(Self { sink: Mutex::new(sink), callback: Mutex::new(callback.map(Bound::unbind)) })
    }

    /// Writes a text unchanged, without adding a newline.
    fn log(&self, py: Python<'_>, msg: &str) -> PyResult<()> {
        let written = lock(&self.sink).write(msg);
        written
            .ok_or_else(|| PyValueError::new_err("the logger is closed"))?
            .map_err(|error| os_error(py, error, None))?;
        if !msg.contains(ERROR) {
            return Ok(());
        }
        // Clone the callback so that the lock is released before the call.
        let callback = lock(&self.callback).as_ref().map(|callback| callback.clone_ref(py));
        callback.map_or(Ok(()), |callback| callback.call0(py).map(drop))
    }

    /// Writes buffered text to the file or stdout.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        let flushed = lock(&self.sink).flush();
        flushed.map_err(|error| os_error(py, error, None))
    }

    /// Flushes and closes the logger. Does nothing if it is already closed.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let closed = lock(&self.sink).close();
        closed.map_err(|error| os_error(py, error, None))
    }

    /// True if the logger is closed.
    #[getter]
    fn closed(&self) -> bool {
        lock(&self.sink).is_closed()
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Closes the logger. An exception raised in the `with` block propagates.
    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<bool> {
        self.close(py)?;
        Ok(false)
    }

    /// Lets the garbage collector find cycles through the callback.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The lock is always free: garbage collection happens only while Python code runs, when no
        // lock is held.
        match self.callback.try_lock() {
            Ok(callback) => visit.call(&*callback),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        // Drop the callback after the lock is released, because its destructor may run Python code.
        let callback = lock(&self.callback).take();
        drop(callback);
    }
}

impl Drop for Logger {
    /// Flushes the buffer. A failure is passed to `sys.unraisablehook`, like an exception in
    /// `__del__`, because no caller could catch it.
    fn drop(&mut self) {
        let sink = self.sink.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = sink.close() {
            // If the interpreter has been finalized, the failure cannot be reported.
            let _ = Python::try_attach(|py| {
                // The logger may be dropped while another exception is pending. That exception must
                // stay set.
                let pending = PyErr::take(py);
                os_error(py, error, None).write_unraisable(py, None);
                if let Some(pending) = pending {
                    pending.restore(py);
                }
            });
        }
    }
}

/// Locks a mutex, even if it is poisoned, because no method leaves the data half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
