//! Running programs, and the store that a run begins with and leaves.
//!
//! Two runs never have one store at the same time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict, PyList};

use super::interpreter::Generators;
use super::program::Program;
use super::value::{Name, Object};
use crate::vm::{self, Key, Vm};

/// What programs get and put, ask and tell. Its state and log stay when the run is over, and the
/// next run that is given it goes on with them.
#[pyclass(module = "effects", frozen)]
pub(super) struct Store {
    /// None while a run has it.
    values: Mutex<Option<vm::Store<Object>>>,
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (state = None, env = None))]
    fn new(state: Option<Bound<'_, PyDict>>, env: Option<Bound<'_, PyDict>>) -> PyResult<Self> {
        let values = vm::Store { state: named(state)?, environment: named(env)?, log: Vec::new() };
        Ok(Store { values: Mutex::new(Some(values)) })
    }

    /// What was put, as a new dict.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.copy(|values| &values.state)?)
    }

    /// What can be asked for, as a new dict.
    #[getter]
    fn env<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dict(py, self.copy(|values| &values.environment)?)
    }

    /// What was told, as a new list.
    #[getter]
    fn log<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.copy(|values| &values.log)?)
    }
}

impl Store {
    fn values(&self) -> MutexGuard<'_, Option<vm::Store<Object>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of a part. To make Python objects of it under the lock could lead back here.
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
        "a run has this store: until it is over, programs yield `Get`, `Put`, `Ask` and `Tell`",
    )
}

fn named(values: Option<Bound<'_, PyDict>>) -> PyResult<BTreeMap<Key, Object>> {
    let mut named = BTreeMap::new();
    for (name, value) in values.iter().flatten() {
        named.insert(name.extract::<Name>()?.0, Object::new(value));
    }
    Ok(named)
}

fn dict<'py>(py: Python<'py>, values: BTreeMap<Key, Object>) -> PyResult<Bound<'py, PyDict>> {
    values.into_iter().map(|(key, value)| (Name(key), value)).into_py_dict(py)
}

/// Runs a program and the tasks that it spawns. Returns what the program returns, or raises what it
/// raises; what is suspended then will never be resumed, and is closed.
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
