//! Copies objects whose types have no rule of their own, using `__deepcopy__` or the reduce
//! protocol.
//!
//! The reduce protocol, which pickle also uses, is documented at `object.__reduce__`. The
//! result of a reduce method is interpreted as in `copy._reconstruct`, which accepts up to five
//! items, but not the sixth item that pickle supports.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::copier::{Copied, Copier};
use crate::memo::{Key, no_memory};
use crate::raw;

impl<'py> Copier<'py> {
    /// Copies an object whose type has no rule of its own.
    pub(crate) fn other(
        &mut self,
        object: &Bound<'py, PyAny>,
        key: &Key<'py>,
    ) -> PyResult<Copied<'py>> {
        let _depth = raw::Depth::enter(self.py)?;
        if let Some(copier) = attribute(object, intern!(self.py, "__deepcopy__"))? {
            let memo = self.memo.publish(self.py)?;
            return Ok(Copied::not_in_memo(copier.call1((memo,))?));
        }
        let reduced = self.reduce(object)?;
        if reduced.is_instance_of::<PyString>() {
            // A string is the name of a global object, which is its own copy.
            return Ok(Copied::not_in_memo(object.clone()));
        }
        self.reconstruct(key, &Reduced::from_object(&reduced)?)
    }

    /// Returns the reduced form of an object.
    fn reduce(&self, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        let class = object.get_type();
        if let Some(reductor) = self.known.dispatch_table.bind(py).get_item(&class)?
            && reductor.is_truthy()?
        {
            return reductor.call1((object,));
        }
        if let Some(reductor) = attribute(object, intern!(py, "__reduce_ex__"))? {
            return reductor.call1((4,));
        }
        if let Some(reductor) = object.getattr_opt(intern!(py, "__reduce__"))?
            && reductor.is_truthy()?
        {
            return reductor.call0();
        }
        let error = py.import("copy")?.getattr("Error")?;
        let message = intern!(py, "un(deep)copyable object of type %s").rem((class,))?;
        Err(PyErr::from_value(error.call1((message,))?))
    }

    fn reconstruct(&mut self, key: &Key<'py>, reduced: &Reduced<'py>) -> PyResult<Copied<'py>> {
        let copy = self.create(reduced)?;
        self.memo.set(key, &copy)?;
        if let Some(state) = &reduced.state {
            let state = self.copy(state)?;
            set_state(&copy, state)?;
        }
        if let Some(items) = &reduced.list_items {
            for item in items.try_iter()? {
                append(&copy, &self.copy(&item?)?)?;
            }
        }
        if let Some(items) = &reduced.dict_items {
            for pair in items.try_iter()? {
                let (key, value) = unpack_pair(&pair?)?;
                let key = self.copy(&key)?;
                let value = self.copy(&value)?;
                copy.set_item(key, value)?;
            }
        }
        Ok(Copied::in_memo(copy))
    }

    /// Calls the reconstruction function with copies of its arguments.
    fn create(&mut self, reduced: &Reduced<'py>) -> PyResult<Bound<'py, PyAny>> {
        let start = self.items.len();
        let created = self
            .copy_arguments(&reduced.arguments)
            .and_then(|()| self.call(&reduced.function, start));
        self.items.truncate(start);
        created
    }

    /// Pushes copies of the arguments onto `self.items`.
    fn copy_arguments(&mut self, arguments: &Bound<'py, PyAny>) -> PyResult<()> {
        if let Ok(arguments) = arguments.cast_exact::<PyTuple>() {
            self.items.try_reserve(arguments.len()).map_err(no_memory)?;
            for argument in arguments {
                let copy = self.copy(&argument)?;
                self.items.push(copy);
            }
            return Ok(());
        }
        // The iterable may be a generator, so each argument is copied before the next one is
        // requested. If the iterable is falsy but yields arguments, `copy.py` does not copy them.
        let deep = arguments.is_truthy()?;
        for argument in arguments.try_iter()? {
            let argument = argument?;
            let copy = if deep { self.copy(&argument)? } else { argument };
            self.items.try_reserve(1).map_err(no_memory)?;
            self.items.push(copy);
        }
        Ok(())
    }

    /// Calls `function` with the arguments in `self.items[start..]`.
    fn call(&mut self, function: &Bound<'py, PyAny>, start: usize) -> PyResult<Bound<'py, PyAny>> {
        // Inline `copyreg.__newobj__` to avoid a Python frame.
        if function.is(&self.known.newobj)
            && let Some(class) = self.items.get(start)
        {
            let new = class.getattr(intern!(self.py, "__new__"))?;
            if self.items.len() == start + 1 {
                return new.call1((class,));
            }
            return new.call1(raw::new_tuple(self.py, self.items.drain(start..))?);
        }
        function.call1(raw::new_tuple(self.py, self.items.drain(start..))?)
    }
}

/// The result of a reduce method.
struct Reduced<'py> {
    function: Bound<'py, PyAny>,
    arguments: Bound<'py, PyAny>,
    state: Option<Bound<'py, PyAny>>,
    list_items: Option<Bound<'py, PyAny>>,
    dict_items: Option<Bound<'py, PyAny>>,
}

impl<'py> Reduced<'py> {
    fn from_object(reduced: &Bound<'py, PyAny>) -> PyResult<Self> {
        let parts = raw::tuple_of(reduced)?;
        let count = parts.len();
        let mut parts = parts.iter();
        let (Some(function), Some(arguments), 2..=5) = (parts.next(), parts.next(), count) else {
            return Err(PyTypeError::new_err(format!(
                "a reduce method must return a string or 2 to 5 items, not {count}"
            )));
        };
        let mut part = || parts.next().filter(|part| !part.is_none());
        Ok(Self { function, arguments, state: part(), list_items: part(), dict_items: part() })
    }
}

/// Returns an attribute, or Rust's `None` if the attribute is missing or is Python's `None`.
fn attribute<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = object.getattr_opt(name)?;
    Ok(value.filter(|value| !value.is_none()))
}

/// Sets the state of a new object as the reduce protocol requires.
fn set_state<'py>(object: &Bound<'py, PyAny>, state: Bound<'py, PyAny>) -> PyResult<()> {
    let py = object.py();
    if object.getattr_opt(intern!(py, "__setstate__"))?.is_some() {
        object.call_method1(intern!(py, "__setstate__"), (state,))?;
        return Ok(());
    }
    let (state, slots) = if state.is_instance_of::<PyTuple>() && state.len()? == 2 {
        unpack_pair(&state)?
    } else {
        (state, py.None().into_bound(py))
    };
    if !state.is_none() {
        update(&object.getattr(intern!(py, "__dict__"))?, &state)?;
    }
    if !slots.is_none() {
        for pair in slots.call_method0(intern!(py, "items"))?.try_iter()? {
            let (name, value) = unpack_pair(&pair?)?;
            let Ok(name) = name.cast::<PyString>() else {
                return Err(PyTypeError::new_err("attribute name must be string"));
            };
            object.setattr(name, value)?;
        }
    }
    Ok(())
}

/// Calls `attributes.update(state)`.
fn update<'py>(attributes: &Bound<'py, PyAny>, state: &Bound<'py, PyAny>) -> PyResult<()> {
    if let (Ok(attributes), Ok(state)) =
        (attributes.cast_exact::<PyDict>(), state.cast_exact::<PyDict>())
    {
        return attributes.update(state.as_mapping());
    }
    attributes.call_method1(intern!(attributes.py(), "update"), (state,))?;
    Ok(())
}

/// Calls `object.append(item)`.
fn append<'py>(object: &Bound<'py, PyAny>, item: &Bound<'py, PyAny>) -> PyResult<()> {
    if let Ok(list) = object.cast_exact::<PyList>() {
        return list.append(item);
    }
    object.call_method1(intern!(object.py(), "append"), (item,))?;
    Ok(())
}

/// Unpacks `first, second = pair`.
fn unpack_pair<'py>(pair: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let items = raw::tuple_of(pair)?;
    let count = items.len();
    let mut items = items.iter();
    match (items.next(), items.next(), items.next()) {
        (Some(first), Some(second), None) => Ok((first, second)),
        (_, _, Some(_)) => Err(PyValueError::new_err("too many values to unpack (expected 2)")),
        _ => Err(PyValueError::new_err(format!(
            "not enough values to unpack (expected 2, got {count})"
        ))),
    }
}
