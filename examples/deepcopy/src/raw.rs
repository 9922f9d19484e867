//! Calls to CPython that PyO3 does not provide, or that are slow or can panic in PyO3.
//!
//! This is the only Rust module that contains `unsafe` code. Its functions are safe: they take and
//! return PyO3's smart pointers and convert CPython's errors to `Err`. PyO3's constructors of
//! dicts, lists, tuples and integers panic when memory runs out, which traps a wasm module. The
//! constructors here raise `MemoryError` instead.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;
use std::vec::Drain;

use pyo3::exceptions::{PyRecursionError, PyRuntimeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple};

/// Runs `python` and returns its exit code. The first argument is the program's name. On return,
/// Python is finalized and its standard output is flushed.
pub(crate) fn python_main(arguments: &[CString]) -> c_int {
    let Ok(count) = c_int::try_from(arguments.len()) else {
        return 2;
    };
    let mut argv: Vec<*mut c_char> = arguments
        .iter()
        .map(|argument| argument.as_ptr().cast_mut())
        .chain([std::ptr::null_mut()])
        .collect();
    // SAFETY: argv contains `count` NUL-terminated strings and a final null pointer, and outlives
    // the call. Py_BytesMain copies the strings and does not write to them.
    unsafe { ffi::Py_BytesMain(count, argv.as_mut_ptr()) }
}

/// One level of C recursion, which ends when this value is dropped.
pub(crate) struct Depth<'py>(PhantomData<Python<'py>>);

impl<'py> Depth<'py> {
    /// Enters a level.
    ///
    /// # Errors
    ///
    /// Returns `RecursionError` if CPython's limit for C recursion is reached, or if the C stack is
    /// nearly exhausted. The limit alone is not enough, because it assumes CPython's own stack and
    /// frame sizes, and a stack overflow may trap or corrupt memory.
    #[inline]
    pub(crate) fn enter(py: Python<'py>) -> PyResult<Self> {
        const WHERE: &CStr = c" while copying an object deeply";
        if is_stack_short() {
            return Err(PyRecursionError::new_err(
                "the C stack is exhausted while copying an object deeply",
            ));
        }
        // SAFETY: `py` proves that a thread state is attached; WHERE is a static C string.
        if unsafe { ffi::Py_EnterRecursiveCall(WHERE.as_ptr()) } == 0 {
            Ok(Self(PhantomData))
        } else {
            Err(PyErr::fetch(py))
        }
    }
}

/// Returns true if less than a quarter of the C stack is left. That quarter is reserved for code
/// that does not check the stack.
#[cfg(target_family = "wasm")]
#[inline]
fn is_stack_short() -> bool {
    // The linker defines the bounds of the stack, which grows downwards.
    unsafe extern "C" {
        static __stack_low: u8;
        static __stack_high: u8;
    }
    let here = 0_u8;
    let low = (&raw const __stack_low).addr();
    let high = (&raw const __stack_high).addr();
    (&raw const here).addr() < low + (high - low) / 4
}

/// Returns false, because the linker defines the bounds of the stack only for wasm. On other
/// platforms, only CPython's limit applies.
#[cfg(not(target_family = "wasm"))]
fn is_stack_short() -> bool {
    false
}

impl Drop for Depth<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: only `enter` creates a Depth, after entering a level of recursion. 'py keeps the
        // Depth from outliving the thread state.
        unsafe { ffi::Py_LeaveRecursiveCall() }
    }
}

/// Returns true if `type(object) is types.MethodType`.
pub(crate) fn is_method(object: &Bound<'_, PyAny>) -> bool {
    // PyO3 has no binding for this type.
    unsafe extern "C" {
        static mut PyMethod_Type: ffi::PyTypeObject;
    }
    object.get_type_ptr() == &raw mut PyMethod_Type
}

/// Returns `id(object)` for the object at an address.
pub(crate) fn id(py: Python<'_>, address: usize) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the pointer is only converted to a number, not dereferenced. The call returns a new
    // reference, or null with an exception set.
    unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromVoidPtr(address as *mut std::ffi::c_void))
    }
}

/// Creates an empty dict.
pub(crate) fn new_dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: the call returns a new reference to an exact dict, or null with an exception set.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, ffi::PyDict_New())?.cast_into_unchecked()) }
}

/// Creates an empty list.
pub(crate) fn new_list(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    // SAFETY: the call returns a new reference to an exact list, or null with an exception set.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, ffi::PyList_New(0))?.cast_into_unchecked()) }
}

/// Returns a shallow copy of a dict.
pub(crate) fn dict_copy<'py>(dict: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    // SAFETY: `dict` is a dict; the call returns a new reference to a dict, or null with an
    // exception set.
    unsafe {
        let copy = ffi::PyDict_Copy(dict.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(dict.py(), copy)?.cast_into_unchecked())
    }
}

/// Returns `list[:stop]`.
pub(crate) fn list_head<'py>(
    list: &Bound<'py, PyList>,
    stop: usize,
) -> PyResult<Bound<'py, PyList>> {
    let stop = ffi::Py_ssize_t::try_from(stop)?;
    // SAFETY: `list` is a list, and PyList_GetSlice clamps its bounds. The call returns a new
    // reference to a list, or null with an exception set.
    unsafe {
        let head = ffi::PyList_GetSlice(list.as_ptr(), 0, stop);
        Ok(Bound::from_owned_ptr_or_err(list.py(), head)?.cast_into_unchecked())
    }
}

/// Returns `list[index]`, or `None` if the index is out of range.
#[inline]
pub(crate) fn list_item<'py>(list: &Bound<'py, PyList>, index: usize) -> Option<Bound<'py, PyAny>> {
    if index >= list.len() {
        return None;
    }
    // SAFETY: the index is less than the length, which cannot have changed: no Python code has run,
    // and there is only one thread. `Bound` takes its own reference to the item.
    unsafe {
        let item = ffi::PyList_GET_ITEM(list.as_ptr(), index as ffi::Py_ssize_t);
        Some(Bound::from_borrowed_ptr(list.py(), item))
    }
}

/// Returns `list(iterable)`.
pub(crate) fn list_of<'py>(iterable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    // SAFETY: the function accepts any object, and returns a new reference to an exact list, or
    // null with an exception set.
    unsafe {
        let list = ffi::PySequence_List(iterable.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(iterable.py(), list)?.cast_into_unchecked())
    }
}

/// Returns `tuple(iterable)`. If the argument is an exact tuple, returns the argument itself.
pub(crate) fn tuple_of<'py>(iterable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: the function accepts any object, and returns a new reference to an exact tuple, or
    // null with an exception set.
    unsafe {
        let tuple = ffi::PySequence_Tuple(iterable.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(iterable.py(), tuple)?.cast_into_unchecked())
    }
}

/// Creates a tuple of `items`.
pub(crate) fn new_tuple<'py>(
    py: Python<'py>,
    items: Drain<'_, Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let len = ffi::Py_ssize_t::try_from(items.len())?;
    // SAFETY: the call returns a new reference to a tuple with `len` empty slots, or null with an
    // exception set.
    let tuple: Bound<'py, PyTuple> =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyTuple_New(len))?.cast_into_unchecked() };
    for (slot, item) in (0..len).zip(items) {
        // SAFETY: the slot is less than `len` and is empty. It takes ownership of the reference
        // from `into_ptr`. A Drain has an exact length, so every slot is filled, and no Python code
        // runs before that.
        unsafe { ffi::PyTuple_SET_ITEM(tuple.as_ptr(), slot, item.into_ptr()) };
    }
    Ok(tuple)
}

/// Returns `set(list)`.
pub(crate) fn new_set<'py>(list: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PySet>> {
    // SAFETY: the function accepts any object, and returns a new reference to a set, or null with
    // an exception set.
    unsafe {
        let set = ffi::PySet_New(list.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(list.py(), set)?.cast_into_unchecked())
    }
}

/// Returns `frozenset(list)`.
pub(crate) fn new_frozenset<'py>(list: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyFrozenSet>> {
    // SAFETY: the function accepts any object, and returns a new reference to a frozenset, or null
    // with an exception set.
    unsafe {
        let set = ffi::PyFrozenSet_New(list.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(list.py(), set)?.cast_into_unchecked())
    }
}

/// An iterator over a dict. Between its steps, Python code may run and change the dict.
///
/// If the dict changes, the iterator raises the same errors as a `for` loop over `dict.items()`,
/// whereas PyO3's iterator panics.
pub(crate) struct Items<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    position: ffi::Py_ssize_t,
    /// The size of the dict at the start of the iteration.
    size: usize,
    /// The number of remaining items.
    left: usize,
}

impl<'a, 'py> Items<'a, 'py> {
    pub(crate) fn of(dict: &'a Bound<'py, PyDict>) -> Self {
        let size = dict.len();
        Self { dict, position: 0, size, left: size }
    }

    /// Returns the next key and value, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Returns `RuntimeError`, with CPython's message, if the size or the keys of the dict changed.
    #[inline]
    pub(crate) fn step(&mut self) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        if self.dict.len() != self.size {
            return Err(PyRuntimeError::new_err("dictionary changed size during iteration"));
        }
        let mut key = std::ptr::null_mut();
        let mut value = std::ptr::null_mut();
        // SAFETY: `dict` is a dict, and PyDict_Next checks the position against the current table.
        // The references are borrowed, and `Bound` takes its own references before any Python code
        // runs.
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
