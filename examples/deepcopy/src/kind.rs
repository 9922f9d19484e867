//! What kind of object is to be copied: the table `copy._deepcopy_dispatch` as a chain of
//! comparisons with the addresses of CPython's own types, the frequent ones first.
//!
//! It never runs Python code: it looks at the exact type of an object and at nothing else.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple, PyType};

use crate::raw;

/// An object, sorted by the way it is copied.
pub(crate) enum Kind<'a, 'py> {
    /// Is its own copy.
    Atomic,
    List(&'a Bound<'py, PyList>),
    Dict(&'a Bound<'py, PyDict>),
    Tuple(&'a Bound<'py, PyTuple>),
    Set,
    FrozenSet,
    /// A bound method.
    Method,
    /// A class whose metaclass is not `type` itself: its own copy, as any class.
    Class,
    /// Copied by `__deepcopy__` or by the reduce protocol.
    Other,
}

impl<'a, 'py> Kind<'a, 'py> {
    #[inline]
    pub(crate) fn of(object: &'a Bound<'py, PyAny>) -> Self {
        if is_often_atomic(object) {
            return Self::Atomic;
        }
        // Each cast repeats the comparison before it, which the compiler sees; on its own a cast
        // that fails prepares an error that nobody reads.
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

/// Whether `copy._deepcopy_dispatch` says that objects of this type are their own copies.
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
