//! The calls into CPython that PyO3 does not offer, or offers at a price or with a panic.
//!
//! The only module with `unsafe` code. Each function here is safe to call: it takes and returns
//! PyO3's smart pointers and turns CPython's error returns into `Err`. PyO3's own constructors of
//! dicts, lists, tuples and integers panic when memory runs out, which traps a wasm module; these
//! raise `MemoryError`.
//!
//! It never decides what is copied or how.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;
use std::vec::Drain;

use pyo3::exceptions::{PyRecursionError, PyRuntimeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple};

/// Runs `python` with the given arguments, the first of which is the program's name, and returns
/// its exit code. Python is finalized, so its standard output is flushed, when this returns.
pub(crate) fn python_main(arguments: &[CString]) -> c_int {
    let Ok(count) = c_int::try_from(arguments.len()) else {
        return 2;
    };
    let mut argv: Vec<*mut c_char> = arguments
        .iter()
        .map(|argument| argument.as_ptr().cast_mut())
        .chain([std::ptr::null_mut()])
        .collect();
    // SAFETY: argv holds `count` NUL-terminated strings and a final null, and both outlive the
    // call. Py_BytesMain decodes them into its own memory first and does not write to them.
    unsafe { ffi::Py_BytesMain(count, argv.as_mut_ptr()) }
}

/// One level of C recursion, given back when it is dropped.
pub(crate) struct Depth<'py>(PhantomData<Python<'py>>);

impl<'py> Depth<'py> {
    /// Takes a level.
    ///
    /// # Errors
    ///
    /// `RecursionError`, when as many levels are taken as CPython allows C code, or when the C
    /// stack runs out before that: CPython counts levels as if its own stack size and its own
    /// frame sizes held, and to go past the stack's end is a trap or worse.
    #[inline]
    pub(crate) fn enter(py: Python<'py>) -> PyResult<Self> {
        const WHERE: &CStr = c" while copying an object deeply";
        if is_stack_short() {
            return Err(PyRecursionError::new_err(
                "the C stack is used up while copying an object deeply",
            ));
        }
        // SAFETY: `py` proves an attached thread state; WHERE is NUL-terminated and static.
        if unsafe { ffi::Py_EnterRecursiveCall(WHERE.as_ptr()) } == 0 {
            Ok(Self(PhantomData))
        } else {
            Err(PyErr::fetch(py))
        }
    }
}

/// Whether less than a quarter of the C stack is left, which is for the code that does not ask.
#[cfg(target_family = "wasm")]
#[inline]
fn is_stack_short() -> bool {
    // The linker says where it put the stack; it grows downwards from high to low.
    unsafe extern "C" {
        static __stack_low: u8;
        static __stack_high: u8;
    }
    let here = 0_u8;
    let low = (&raw const __stack_low).addr();
    let high = (&raw const __stack_high).addr();
    (&raw const here).addr() < low + (high - low) / 4
}

/// Only a wasm module knows its stack's bounds this way; elsewhere CPython's count has to do.
#[cfg(not(target_family = "wasm"))]
fn is_stack_short() -> bool {
    false
}

impl Drop for Depth<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: only `enter` makes a Depth, after it took the level that is given back here;
        // 'py keeps it from outliving the thread state.
        unsafe { ffi::Py_LeaveRecursiveCall() }
    }
}

/// Whether `type(object) is types.MethodType`.
pub(crate) fn is_method(object: &Bound<'_, PyAny>) -> bool {
    // PyO3 has no binding for this one.
    unsafe extern "C" {
        static mut PyMethod_Type: ffi::PyTypeObject;
    }
    object.get_type_ptr() == &raw mut PyMethod_Type
}

/// `id(object)`, given the object's address.
pub(crate) fn id(py: Python<'_>, address: usize) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the pointer is only turned into a number, never followed. The result is a new
    // reference or null with an error set.
    unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromVoidPtr(address as *mut std::ffi::c_void))
    }
}

/// An empty dict.
pub(crate) fn new_dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: a new reference to an exact dict, or null with an error set.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, ffi::PyDict_New())?.cast_into_unchecked()) }
}

/// An empty list.
pub(crate) fn new_list(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    // SAFETY: a new reference to an exact list, or null with an error set.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, ffi::PyList_New(0))?.cast_into_unchecked()) }
}

/// `dict.copy(dict)`.
pub(crate) fn dict_copy<'py>(dict: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    // SAFETY: `dict` is a dict; the result is a new reference to one, or null with an error set.
    unsafe {
        let copy = ffi::PyDict_Copy(dict.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(dict.py(), copy)?.cast_into_unchecked())
    }
}

/// `list[:stop]`.
pub(crate) fn list_head<'py>(
    list: &Bound<'py, PyList>,
    stop: usize,
) -> PyResult<Bound<'py, PyList>> {
    let stop = ffi::Py_ssize_t::try_from(stop)?;
    // SAFETY: `list` is a list, and PyList_GetSlice cuts bounds down to its length; the result is
    // a new reference to a list, or null with an error set.
    unsafe {
        let head = ffi::PyList_GetSlice(list.as_ptr(), 0, stop);
        Ok(Bound::from_owned_ptr_or_err(list.py(), head)?.cast_into_unchecked())
    }
}

/// `list[index]`, or None where the list ends.
#[inline]
pub(crate) fn list_item<'py>(list: &Bound<'py, PyList>, index: usize) -> Option<Bound<'py, PyAny>> {
    if index >= list.len() {
        return None;
    }
    // SAFETY: the index is below the length, no Python code ran since the length was read, and
    // there is no second thread; so the slot holds an object, which Bound takes a reference to.
    unsafe {
        let item = ffi::PyList_GET_ITEM(list.as_ptr(), index as ffi::Py_ssize_t);
        Some(Bound::from_borrowed_ptr(list.py(), item))
    }
}

/// `list(iterable)`.
pub(crate) fn list_of<'py>(iterable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    // SAFETY: any object may be given; the result is a new reference to an exact list, or null
    // with an error set.
    unsafe {
        let list = ffi::PySequence_List(iterable.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(iterable.py(), list)?.cast_into_unchecked())
    }
}

/// `tuple(iterable)`; an exact tuple is returned as it is.
pub(crate) fn tuple_of<'py>(iterable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: any object may be given; the result is a new reference to an exact tuple, or null
    // with an error set.
    unsafe {
        let tuple = ffi::PySequence_Tuple(iterable.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(iterable.py(), tuple)?.cast_into_unchecked())
    }
}

/// A tuple of `items`.
pub(crate) fn new_tuple<'py>(
    py: Python<'py>,
    items: Drain<'_, Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let len = ffi::Py_ssize_t::try_from(items.len())?;
    // SAFETY: a new reference to a tuple of `len` empty slots, or null with an error set.
    let tuple: Bound<'py, PyTuple> =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyTuple_New(len))?.cast_into_unchecked() };
    for (slot, item) in (0..len).zip(items) {
        // SAFETY: the slot is below `len` and empty, and takes over the reference that `into_ptr`
        // gives up. A Drain yields as many items as it says, so no slot stays empty; and no Python
        // code runs in between, so nobody sees the tuple before that.
        unsafe { ffi::PyTuple_SET_ITEM(tuple.as_ptr(), slot, item.into_ptr()) };
    }
    Ok(tuple)
}

/// `set(list)`.
pub(crate) fn new_set<'py>(list: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PySet>> {
    // SAFETY: any iterable may be given; a new reference to a set, or null with an error set.
    unsafe {
        let set = ffi::PySet_New(list.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(list.py(), set)?.cast_into_unchecked())
    }
}

/// `frozenset(list)`.
pub(crate) fn new_frozenset<'py>(list: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyFrozenSet>> {
    // SAFETY: any iterable may be given; a new reference to a frozenset, or null with an error set.
    unsafe {
        let set = ffi::PyFrozenSet_New(list.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(list.py(), set)?.cast_into_unchecked())
    }
}

/// A walk over a dict that allows Python code to run, and to change the dict, between two steps.
///
/// It ends with the errors that a `for` over `dict.items()` ends with. PyO3's iterator panics
/// where this one raises.
pub(crate) struct Items<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    position: ffi::Py_ssize_t,
    /// Its size at the start, and how many items are to come.
    size: usize,
    left: usize,
}

impl<'a, 'py> Items<'a, 'py> {
    pub(crate) fn of(dict: &'a Bound<'py, PyDict>) -> Self {
        let size = dict.len();
        Self { dict, position: 0, size, left: size }
    }

    /// The next key and value, or None at the end.
    ///
    /// # Errors
    ///
    /// `RuntimeError`, with CPython's words, when the dict changed its size or its keys.
    #[inline]
    pub(crate) fn step(&mut self) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        if self.dict.len() != self.size {
            return Err(PyRuntimeError::new_err("dictionary changed size during iteration"));
        }
        let mut key = std::ptr::null_mut();
        let mut value = std::ptr::null_mut();
        // SAFETY: `dict` is a dict; PyDict_Next checks the position against the dict as it is now.
        // What it hands out is borrowed from the dict, and no Python code runs before Bound has
        // taken a reference to both.
        let (key, value) = unsafe {
            let dict = self.dict.as_ptr();
            if ffi::PyDict_Next(dict, &raw mut self.position, &raw mut key, &raw mut value) == 0 {
                return Ok(None);
            }
            let py = self.dict.py();
            (Bound::from_borrowed_ptr(py, key), Bound::from_borrowed_ptr(py, value))
        };
        let Some(left) = self.left.checked_sub(1) else {
            return Err(PyRuntimeError::new_err("dictionary keys changed during iteration"));
        };
        self.left = left;
        Ok(Some((key, value)))
    }
}
