//! The class `Logger`.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::os_error;
use crate::sink::Sink;

/// What a line that speaks of an error has in it.
const ERROR: &str = "ERROR";

/// Writes text to stdout, or to the end of a file, and calls `callback` after each text that has
/// `ERROR` in it.
///
/// What the callback raises comes out of `log`; the text is written by then. The callback may use
/// the logger that calls it.
// Frozen: methods may be called while one of them runs, so what changes lies behind locks. No lock
// is held while Python code runs.
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
            return Err(PyTypeError::new_err(format!("callback is a {kind}, not a callable")));
        }
        let sink = match path {
            Some(path) => Sink::append(&path).map_err(|error| os_error(py, error, Some(&path)))?,
            None => Sink::stdout(),
        };
        Ok(Self { sink: Mutex::new(sink), callback: Mutex::new(callback.map(Bound::unbind)) })
    }

    /// Writes a text as it is; a line ends where it has a newline.
    fn log(&self, py: Python<'_>, msg: &str) -> PyResult<()> {
        let written = lock(&self.sink).write(msg);
        written
            .ok_or_else(|| PyValueError::new_err("the logger is closed"))?
            .map_err(|error| os_error(py, error, None))?;
        if !msg.contains(ERROR) {
            return Ok(());
        }
        // The lock is let go before the call.
        let callback = lock(&self.callback).as_ref().map(|callback| callback.clone_ref(py));
        callback.map_or(Ok(()), |callback| callback.call0(py).map(drop))
    }

    /// Hands on what is buffered.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        let flushed = lock(&self.sink).flush();
        flushed.map_err(|error| os_error(py, error, None))
    }

    /// Hands on what is buffered and takes no more. Closing again does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let closed = lock(&self.sink).close();
        closed.map_err(|error| os_error(py, error, None))
    }

    /// Whether it is closed.
    #[getter]
    fn closed(&self) -> bool {
        lock(&self.sink).is_closed()
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Closes; the exception of the block goes on.
    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<bool> {
        self.close(py)?;
        Ok(false)
    }

    /// The garbage collector has to see the callback, which may hold this logger.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Never waits: no lock is held while Python code runs, and only that collects.
        match self.callback.try_lock() {
            Ok(callback) => visit.call(&*callback),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        // Dropped when the lock is let go: what it holds may run Python code.
        let callback = lock(&self.callback).take();
        drop(callback);
    }
}

impl Drop for Logger {
    /// Hands on what is buffered. There is nobody left to raise an exception to, so a failure goes
    /// where Python reports those of `__del__`.
    fn drop(&mut self) {
        let sink = self.sink.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = sink.close() {
            // Not possible when the interpreter is gone, and with it the place to report to.
            let _ = Python::try_attach(|py| {
                // A logger may go while an exception is on its way, which is not this one's to end.
                let pending = PyErr::take(py);
                os_error(py, error, None).write_unraisable(py, None);
                if let Some(pending) = pending {
                    pending.restore(py);
                }
            });
        }
    }
}

/// A lock that a panic has poisoned guards data that is whole: no method leaves it half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
