//! The rule for copying an object, chosen by its exact type, as in `copy._deepcopy_dispatch`.
//!
//! The type is compared with the addresses of CPython's types, the most frequent types first. No
//! Python code runs.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple, PyType};

use crate::raw;

/// An object, classified by the rule for copying it.
pub(crate) enum Kind<'a, 'py> {
    /// The object is its own copy.
    Atomic,
    List(&'a Bound<'py, PyList>),
    Dict(&'a Bound<'py, PyDict>),
    Tuple(&'a Bound<'py, PyTuple>),
    Set,
    FrozenSet,
    /// A bound method.
    Method,
    /// A class whose metaclass is not `type`. It is its own copy, like every class.
    Class,
    /// An object that is copied by `__deepcopy__` or by the reduce protocol.
    Other,
}

impl<'a, 'py> Kind<'a, 'py> {
    #[inline]
    pub(crate) fn of(object: &'a Bound<'py, PyAny>) -> Self {
        if is_often_atomic(object) {
            return Self::Atomic;
        }
        // Check the type before the cast, because a failed cast creates an error value. The
        // compiler merges this check with the one in the cast.
        if object.is_exact_instance_of::<PyDict>()
            && let Ok(dict) = object.cast_exact()
        {
            return Self::Dict(dict);
        }
        if object.is_exact_instance_of::<PyList>()
            && let Ok(list) = object.cast_exact()
        {
            return Self::List(list);
        }
        if object.is_exact_instance_of::<PyTuple>()
            && let Ok(tuple) = object.cast_exact()
        {
            return Self::Tuple(tuple);
        }
        if is_rarely_atomic(object) {
            return Self::Atomic;
        }
        if object.is_exact_instance_of::<PySet>() {
            return Self::Set;
        }
        if object.is_exact_instance_of::<PyFrozenSet>() {
            return Self::FrozenSet;
        }
        if raw::is_method(object) {
            return Self::Method;
        }
        if object.is_instance_of::<PyType>() {
            return Self::Class;
        }
        Self::Other
    }
}

/// Returns true if `copy._deepcopy_dispatch` treats objects of this type as their own copies.
#[inline]
pub(crate) fn is_atomic(object: &Bound<'_, PyAny>) -> bool {
    is_often_atomic(object) || is_rarely_atomic(object)
}

#[inline]
fn is_often_atomic(object: &Bound<'_, PyAny>) -> bool {
    let class = object.get_type_ptr();
    class == &raw mut ffi::PyUnicode_Type
        || class == &raw mut ffi::PyLong_Type
        || object.is_none()
        || class == &raw mut ffi::PyFloat_Type
        || class == &raw mut ffi::PyBool_Type
}

fn is_rarely_atomic(object: &Bound<'_, PyAny>) -> bool {
    let py = object.py();
    let class = object.get_type_ptr();
    class == &raw mut ffi::PyBytes_Type
        || class == &raw mut ffi::PyType_Type
        || class == &raw mut ffi::PyFunction_Type
        || class == &raw mut ffi::PyCFunction_Type
        || class == &raw mut ffi::PyComplex_Type
        || class == &raw mut ffi::PyRange_Type
        || class == &raw mut ffi::PyCode_Type
        || class == &raw mut ffi::PyProperty_Type
        || class == &raw mut ffi::_PyWeakref_RefType
        || object.is(py.Ellipsis())
        || object.is(py.NotImplemented())
}
