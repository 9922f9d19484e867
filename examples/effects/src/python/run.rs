//! The function `run`, and the store that a run uses.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict, PyList};

use super::interpreter::Generators;
use super::program::Program;
use super::value::{Name, Object};
use crate::vm::{self, Key, Vm};

/// The state, environment and log of a run. The state and the log can be read after the run.
/// If another run uses the same store, it continues with this state and log.
#[pyclass(module = "effects", frozen)]
pub(super) struct Store {
    /// The values, or `None` while a run uses the store.
    values: Mutex<Option<vm::Store<Object>>>,
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (state = None, env = None))]
    fn new(state: Option<Bound<'_, PyDict>>, env: Option<Bound<'_, PyDict>>) -> PyResult<Self> {
        let values =
            vm::Store { state: by_key(state)?, environment: by_key(env)?, log: Vec::new() };
        Ok(Store { values: Mutex::new(Some(values)) })
    }

    /// The state, as a new dict.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.copy(|values| &values.state)?)
    }

    /// The environment, as a new dict.
    #[getter]
    fn env<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.copy(|values| &values.environment)?)
    }

    /// The log, as a new list.
    #[getter]
    fn log<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.copy(|values| &values.log)?)
    }
}

impl Store {
    fn values(&self) -> MutexGuard<'_, Option<vm::Store<Object>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies a part of the store, so that Python objects are created after the lock is released.
    fn copy<T: Clone>(&self, part: impl FnOnce(&vm::Store<Object>) -> &T) -> PyResult<T> {
        self.values().as_ref().map(|values| part(values).clone()).ok_or_else(in_use)
    }

    fn take(&self) -> PyResult<vm::Store<Object>> {
        self.values().take().ok_or_else(in_use)
    }

    fn put_back(&self, values: vm::Store<Object>) {
        *self.values() = Some(values);
    }
}

fn in_use() -> PyErr {
    PyRuntimeError::new_err(
        "this store is in use by a run: programs must use `Get`, `Put`, `Ask` and `Tell`",
    )
}

fn by_key(values: Option<Bound<'_, PyDict>>) -> PyResult<BTreeMap<Key, Object>> {
    let mut map = BTreeMap::new();
    for (name, value) in values.iter().flatten() {
        map.insert(name.extract::<Name>()?.0, Object::new(value));
    }
    Ok(map)
}

fn dict<'py>(py: Python<'py>, values: BTreeMap<Key, Object>) -> PyResult<Bound<'py, PyDict>> {
    values.into_iter().map(|(key, value)| (Name(key), value)).into_py_dict(py)
}

/// Runs a program and the tasks that it spawns. Returns the result of the program or raises its
/// exception. Programs that are still suspended at the end are closed.
#[pyfunction]
#[pyo3(signature = (program, store = None))]
pub(super) fn run<'py>(
    py: Python<'py>,
    program: Program,
    store: Option<Bound<'py, Store>>,
) -> PyResult<Bound<'py, PyAny>> {
    let store = store.as_ref().map(Bound::get);
    let values = store.map_or_else(|| Ok(vm::Store::default()), Store::take)?;
    let mut generators = Generators(py);
    let (outcome, values) = Vm::new(values).run(program, &mut generators);
    if let Some(store) = store {
        store.put_back(values);
    }
    generators.result(outcome)
}
