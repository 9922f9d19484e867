//! Declarations of the part of CPython 3.13's C API that this crate calls.
//!
//! Names and signatures are the same as in CPython's headers. For a macro, this module declares the
//! function to which the macro expands, or a function in `glue.c`. The layouts of structures that
//! Rust fills in are asserted here and in `glue.c`.

#![allow(unsafe_code)]
#![allow(non_snake_case, non_upper_case_globals, reason = "the names are C's")]

use std::ffi::{c_char, c_double, c_int, c_long, c_longlong, c_void};
use std::mem::{offset_of, size_of};

/// An opaque object.
#[repr(C)]
pub(crate) struct PyObject {
    _private: [u8; 0],
}

/// A `METH_FASTCALL` function in a module. The parameters are the module, the arguments, and the
/// number of arguments.
///
/// In WebAssembly, an indirect call with a wrong signature traps. Other platforms usually ignore an
/// extra or missing parameter.
pub(crate) type PyCFunctionFast =
    unsafe extern "C" fn(*mut PyObject, *const *mut PyObject, isize) -> *mut PyObject;

/// The function `PyInit_NAME` of a module.
pub(crate) type InitFunction = unsafe extern "C" fn() -> *mut PyObject;

#[repr(C)]
pub(crate) struct PyMethodDef {
    pub(crate) ml_name: *const c_char,
    pub(crate) ml_meth: Option<PyCFunctionFast>,
    pub(crate) ml_flags: c_int,
    pub(crate) ml_doc: *const c_char,
}

#[repr(C)]
pub(crate) struct PyModuleDefBase {
    pub(crate) ob_refcnt: isize,
    pub(crate) ob_type: *mut PyObject,
    pub(crate) m_init: Option<InitFunction>,
    pub(crate) m_index: isize,
    pub(crate) m_copy: *mut PyObject,
}

#[repr(C)]
pub(crate) struct PyModuleDefSlot {
    pub(crate) slot: c_int,
    pub(crate) value: *mut c_void,
}

#[repr(C)]
pub(crate) struct PyModuleDef {
    pub(crate) m_base: PyModuleDefBase,
    pub(crate) m_name: *const c_char,
    pub(crate) m_doc: *const c_char,
    pub(crate) m_size: isize,
    pub(crate) m_methods: *mut PyMethodDef,
    pub(crate) m_slots: *mut PyModuleDefSlot,
    pub(crate) m_traverse: Option<unsafe extern "C" fn()>,
    pub(crate) m_clear: Option<unsafe extern "C" fn()>,
    pub(crate) m_free: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// An entry in `PyImport_Inittab`: `struct _inittab`.
#[repr(C)]
pub(crate) struct Inittab {
    pub(crate) name: *const c_char,
    pub(crate) init: Option<InitFunction>,
}

#[repr(C)]
pub(crate) struct PyCompilerFlags {
    pub(crate) cf_flags: c_int,
    pub(crate) cf_feature_version: c_int,
}

// glue.c asserts the same numbers for the structures in the C headers.
const _: () = {
    assert!(size_of::<PyModuleDef>() == 52);
    assert!(offset_of!(PyModuleDef, m_name) == 20);
    assert!(offset_of!(PyModuleDef, m_slots) == 36);
    assert!(offset_of!(PyModuleDef, m_free) == 48);
    assert!(size_of::<PyMethodDef>() == 16);
    assert!(offset_of!(PyMethodDef, ml_flags) == 8);
    assert!(size_of::<PyModuleDefSlot>() == 8);
    assert!(size_of::<Inittab>() == 8);
    assert!(size_of::<PyCompilerFlags>() == 8);
};

pub(crate) const METH_FASTCALL: c_int = 0x80;

pub(crate) const Py_mod_exec: c_int = 2;
pub(crate) const Py_mod_multiple_interpreters: c_int = 3;
pub(crate) const MULTIPLE_INTERPRETERS_NOT_SUPPORTED: *mut c_void = std::ptr::null_mut();

pub(crate) const Py_file_input: c_int = 257;
pub(crate) const Py_eval_input: c_int = 258;
pub(crate) const PyCF_IGNORE_COOKIE: c_int = 0x0800;

/// The argument of `Py_GetConstant` for `None`.
pub(crate) const Py_CONSTANT_NONE: u32 = 0;

unsafe extern "C" {
    pub(crate) fn Py_IsInitialized() -> c_int;
    pub(crate) fn Py_FinalizeEx() -> c_int;
    pub(crate) fn PyImport_AppendInittab(name: *const c_char, init: InitFunction) -> c_int;

    pub(crate) fn Py_IncRef(object: *mut PyObject);
    pub(crate) fn Py_DecRef(object: *mut PyObject);
    pub(crate) fn Py_GetConstant(which: u32) -> *mut PyObject;

    pub(crate) fn PyObject_GetAttr(object: *mut PyObject, name: *mut PyObject) -> *mut PyObject;
    pub(crate) fn PyObject_SetAttr(
        object: *mut PyObject,
        name: *mut PyObject,
        value: *mut PyObject,
    ) -> c_int;
    pub(crate) fn PyObject_GetItem(object: *mut PyObject, key: *mut PyObject) -> *mut PyObject;
    pub(crate) fn PyObject_Call(
        callable: *mut PyObject,
        arguments: *mut PyObject,
        keywords: *mut PyObject,
    ) -> *mut PyObject;
    pub(crate) fn PyObject_IsTrue(object: *mut PyObject) -> c_int;
    pub(crate) fn PyObject_Str(object: *mut PyObject) -> *mut PyObject;
    pub(crate) fn PyObject_Repr(object: *mut PyObject) -> *mut PyObject;
    pub(crate) fn PyObject_GetIter(object: *mut PyObject) -> *mut PyObject;
    pub(crate) fn PyIter_Next(iterator: *mut PyObject) -> *mut PyObject;

    pub(crate) fn PyBool_FromLong(value: c_long) -> *mut PyObject;
    pub(crate) fn PyLong_FromLongLong(value: c_longlong) -> *mut PyObject;
    pub(crate) fn PyLong_AsLongLong(object: *mut PyObject) -> c_longlong;
    pub(crate) fn PyFloat_FromDouble(value: c_double) -> *mut PyObject;
    pub(crate) fn PyFloat_AsDouble(object: *mut PyObject) -> c_double;
    pub(crate) fn PyUnicode_FromStringAndSize(text: *const c_char, size: isize) -> *mut PyObject;
    pub(crate) fn PyUnicode_InternInPlace(text: *mut *mut PyObject);
    pub(crate) fn PyUnicode_AsUTF8AndSize(object: *mut PyObject, size: *mut isize)
    -> *const c_char;
    pub(crate) fn PyUnicode_AsEncodedString(
        object: *mut PyObject,
        encoding: *const c_char,
        errors: *const c_char,
    ) -> *mut PyObject;
    pub(crate) fn PyBytes_FromStringAndSize(bytes: *const c_char, size: isize) -> *mut PyObject;
    pub(crate) fn PyBytes_AsStringAndSize(
        object: *mut PyObject,
        bytes: *mut *mut c_char,
        size: *mut isize,
    ) -> c_int;

    pub(crate) fn PyDict_New() -> *mut PyObject;
    pub(crate) fn PyDict_Size(dict: *mut PyObject) -> isize;
    pub(crate) fn PyDict_Contains(dict: *mut PyObject, key: *mut PyObject) -> c_int;
    pub(crate) fn PyDict_GetItemRef(
        dict: *mut PyObject,
        key: *mut PyObject,
        result: *mut *mut PyObject,
    ) -> c_int;
    pub(crate) fn PyDict_SetItem(
        dict: *mut PyObject,
        key: *mut PyObject,
        value: *mut PyObject,
    ) -> c_int;
    pub(crate) fn PyDict_Pop(
        dict: *mut PyObject,
        key: *mut PyObject,
        result: *mut *mut PyObject,
    ) -> c_int;
    pub(crate) fn PyDict_Next(
        dict: *mut PyObject,
        position: *mut isize,
        key: *mut *mut PyObject,
        value: *mut *mut PyObject,
    ) -> c_int;

    pub(crate) fn PyTuple_New(size: isize) -> *mut PyObject;
    pub(crate) fn PyTuple_Size(tuple: *mut PyObject) -> isize;
    pub(crate) fn PyTuple_GetItem(tuple: *mut PyObject, index: isize) -> *mut PyObject;
    pub(crate) fn PyTuple_SetItem(tuple: *mut PyObject, index: isize, item: *mut PyObject)
    -> c_int;

    pub(crate) fn Py_CompileStringObject(
        source: *const c_char,
        filename: *mut PyObject,
        start: c_int,
        flags: *mut PyCompilerFlags,
        optimize: c_int,
    ) -> *mut PyObject;
    pub(crate) fn PyEval_EvalCode(
        code: *mut PyObject,
        globals: *mut PyObject,
        locals: *mut PyObject,
    ) -> *mut PyObject;
    pub(crate) fn PyEval_GetBuiltins() -> *mut PyObject;

    pub(crate) fn PyImport_Import(name: *mut PyObject) -> *mut PyObject;
    pub(crate) fn PyModuleDef_Init(definition: *mut PyModuleDef) -> *mut PyObject;

    pub(crate) fn PyErr_Occurred() -> *mut PyObject;
    pub(crate) fn PyErr_GetRaisedException() -> *mut PyObject;
    pub(crate) fn PyErr_SetRaisedException(exception: *mut PyObject);
    pub(crate) fn PyErr_SetObject(kind: *mut PyObject, value: *mut PyObject);
    pub(crate) fn PyErr_SetString(kind: *mut PyObject, message: *const c_char);
    pub(crate) fn PyErr_GivenExceptionMatches(
        exception: *mut PyObject,
        kind: *mut PyObject,
    ) -> c_int;
}

unsafe extern "C" {
    pub(crate) static mut PyImport_Inittab: *mut Inittab;
    pub(crate) static PyExc_Exception: *mut PyObject;
    pub(crate) static PyExc_ImportError: *mut PyObject;
    pub(crate) static PyExc_IndexError: *mut PyObject;
    pub(crate) static PyExc_KeyError: *mut PyObject;
    pub(crate) static PyExc_MemoryError: *mut PyObject;
    pub(crate) static PyExc_OSError: *mut PyObject;
    pub(crate) static PyExc_OverflowError: *mut PyObject;
    pub(crate) static PyExc_RecursionError: *mut PyObject;
    pub(crate) static PyExc_RuntimeError: *mut PyObject;
    pub(crate) static PyExc_SyntaxError: *mut PyObject;
    pub(crate) static PyExc_SystemError: *mut PyObject;
    pub(crate) static PyExc_SystemExit: *mut PyObject;
    pub(crate) static PyExc_TypeError: *mut PyObject;
    pub(crate) static PyExc_UnicodeError: *mut PyObject;
    pub(crate) static PyExc_ValueError: *mut PyObject;
}

// Defined in glue.c.
unsafe extern "C" {
    pub(crate) fn capi_start(
        count: isize,
        arguments: *const *mut c_char,
        isolated: c_int,
    ) -> *const c_char;
    pub(crate) fn capi_is_str(object: *mut PyObject) -> c_int;
    pub(crate) fn capi_is_bytes(object: *mut PyObject) -> c_int;
    pub(crate) fn capi_is_dict(object: *mut PyObject) -> c_int;
    pub(crate) fn capi_is_tuple(object: *mut PyObject) -> c_int;
    pub(crate) fn capi_is_exception(object: *mut PyObject) -> c_int;
    pub(crate) fn capi_type_name(object: *mut PyObject) -> *const c_char;
}
