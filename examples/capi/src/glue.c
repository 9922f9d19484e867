/* Functions for the parts of the C API that are not exported: PyConfig, whose layout is long and
   changes with every release; PyStatus, which is returned by value; and macros for type checks.
   Compiling against the headers of the linked Python avoids copies of these definitions.

   The functions keep no state. */

#include <Python.h>

#include <stddef.h>

/* src/ffi.rs asserts the same numbers for its declarations. */
_Static_assert(sizeof(PyModuleDef) == 52, "PyModuleDef in src/ffi.rs");
_Static_assert(offsetof(PyModuleDef, m_name) == 20, "PyModuleDef.m_name in src/ffi.rs");
_Static_assert(offsetof(PyModuleDef, m_slots) == 36, "PyModuleDef.m_slots in src/ffi.rs");
_Static_assert(offsetof(PyModuleDef, m_free) == 48, "PyModuleDef.m_free in src/ffi.rs");
_Static_assert(sizeof(PyMethodDef) == 16, "PyMethodDef in src/ffi.rs");
_Static_assert(offsetof(PyMethodDef, ml_flags) == 8, "PyMethodDef.ml_flags in src/ffi.rs");
_Static_assert(sizeof(PyModuleDef_Slot) == 8, "PyModuleDefSlot in src/ffi.rs");
_Static_assert(sizeof(struct _inittab) == 8, "Inittab in src/ffi.rs");
_Static_assert(sizeof(PyCompilerFlags) == 8, "PyCompilerFlags in src/ffi.rs");
_Static_assert(sizeof(Py_ssize_t) == sizeof(void *), "Py_ssize_t is isize in src/ffi.rs");
_Static_assert(METH_FASTCALL == 0x80, "METH_FASTCALL in src/ffi.rs");
_Static_assert(PY_MINOR_VERSION == 13, "src/ffi.rs declares the C API of CPython 3.13");

/* Starts Python. Returns NULL, or the reason for a failure as a static string. */
const char *capi_start(Py_ssize_t count, char *const *arguments, int isolated) {
    PyPreConfig preconfig;
    PyConfig config;
    if (isolated) {
        PyPreConfig_InitIsolatedConfig(&preconfig);
        PyConfig_InitIsolatedConfig(&config);
    } else {
        PyPreConfig_InitPythonConfig(&preconfig);
        PyConfig_InitPythonConfig(&config);
    }
    /* WASI has no locale, and Rust's strings are UTF-8. */
    preconfig.utf8_mode = 1;
    /* All arguments are for the script, and none is an option of Python. */
    preconfig.parse_argv = 0;
    config.parse_argv = 0;
    /* WASI delivers no signals. */
    config.install_signal_handlers = 0;

    PyStatus status = Py_PreInitialize(&preconfig);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_SetBytesArgv(&config, count, arguments);
    }
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (!PyStatus_Exception(status)) {
        return NULL;
    }
    return status.err_msg != NULL ? status.err_msg : "Python gave no reason";
}

/* These functions check the type itself. Unlike isinstance(), they ignore __class__. */
int capi_is_str(PyObject *object) { return PyUnicode_Check(object); }
int capi_is_bytes(PyObject *object) { return PyBytes_Check(object); }
int capi_is_dict(PyObject *object) { return PyDict_Check(object); }
int capi_is_tuple(PyObject *object) { return PyTuple_Check(object); }
int capi_is_exception(PyObject *object) { return PyExceptionInstance_Check(object); }

/* Returns the name of an object's type. It is valid as long as the type. */
const char *capi_type_name(PyObject *object) { return Py_TYPE(object)->tp_name; }
