/* Linked into the interpreter, and into wasm modules that become snapshots. `cargo pywasm snapshot` calls the first
   three exports; the last one becomes the entry point of the snapshot. */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_pystate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/libc-environ.h>
#include <wasi/libc.h>

/* Defines PYWASM_SNAPSHOT_PY: snapshot.py as a string. */
#include "pywasm-snapshot.h"

#define EXPORT(name) __attribute__((export_name(#name)))

/* Defined by the linker and libc. */
extern void __wasm_call_ctors(void);
extern void __wasm_call_dtors(void);
extern char **environ;
/* The lowest address of the C stack. */
extern unsigned char __stack_low;
/* Defined by all supported versions of wasi-libc, but not declared in a header. */
extern void __wasilibc_reset_preopens(void);
/* Calls main; undefined in reactors. */
extern int __main_void(void) __attribute__((weak));
/* Newer versions of libc define this and call it before the constructors: libc-bottom-half/crt/crt1-command.c. */
extern void __wasi_init_tp(void) __attribute__((weak));
/* The functions that initialize Python: the interpreter's own (python.c), or pywasm_start if the program links it.
   If neither is linked, Py_InitializeEx is called. */
extern const char *pywasm_program_start(void) __attribute__((weak));
extern const char *pywasm_start(unsigned int hash_seed) __attribute__((weak));

static char *names;
static PyObject *resume;
/* True if Python is isolated and has a fixed hash seed, as after pywasm_start. All runs must then be equal, so the
   random numbers are not reseeded. */
static int is_fixed;

__attribute__((noreturn)) static void fail(const char *problem) {
    if (problem != NULL) {
        fprintf(stderr, "%s\n", problem);
    } else if (PyErr_Occurred()) {
        PyErr_Print();
    }
    fflush(NULL);
    _Exit(1);
}

/* Ends the program if `object` is NULL, which means that a call failed. */
static PyObject *checked(PyObject *object) {
    if (object == NULL) {
        fail(NULL);
    }
    return object;
}

/* Runs the constructors of a command, which `_start` would run. (A reactor exports its constructors.) The reference
   to __wasm_call_ctors also keeps the linker from wrapping every export in constructor calls. */
EXPORT(pywasm_snapshot_begin) void pywasm_snapshot_begin(void) {
    if (__main_void) {
        if (__wasi_init_tp) {
            __wasi_init_tp();
        }
        __wasm_call_ctors();
    }
}

/* Allocates memory for the names of the modules to import, separated by commas. */
EXPORT(pywasm_snapshot_names) char *pywasm_snapshot_names(size_t length) {
    names = calloc(1, length + 1);
    if (names == NULL) {
        fail("out of memory for the names of the modules to import");
    }
    return names;
}

static void start(unsigned int hash_seed) {
    const char *problem = NULL;
    if (pywasm_program_start) {
        problem = pywasm_program_start();
    } else if (pywasm_start) {
        problem = pywasm_start(hash_seed);
    } else {
        Py_InitializeEx(0);
    }
    if (problem != NULL) {
        fail(problem);
    }
}

/* Clears the unused part of the C stack, which lies between the data and the heap. Engines map a memory image
   that has few gaps, and copy any other image at each start. */
__attribute__((noinline)) static void clear_stack(void) {
    unsigned char *top = __builtin_frame_address(0);
    if (top > &__stack_low) {
        memset(&__stack_low, 0, (size_t)(top - &__stack_low));
    }
}

/* Initializes Python if the program has not done so, and imports the requested modules. */
EXPORT(pywasm_snapshot_end) void pywasm_snapshot_end(unsigned int hash_seed) {
    int was_initialized = Py_IsInitialized();
    PyGILState_STATE held = PyGILState_LOCKED;
    if (was_initialized) {
        held = PyGILState_Ensure();
    } else {
        start(hash_seed);
    }
    const PyConfig *config = _Py_GetConfig();
    is_fixed = config->isolated && config->use_hash_seed == 1;
    PyObject *code = checked(Py_CompileString(PYWASM_SNAPSHOT_PY, "<pywasm snapshot>", Py_file_input));
    PyObject *globals = checked(PyDict_New());
    if (PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) < 0) {
        fail(NULL);
    }
    Py_DECREF(checked(PyEval_EvalCode(code, globals, globals)));
    Py_DECREF(code);
    resume = Py_NewRef(checked(PyDict_GetItemString(globals, "resume")));
    PyObject *before = checked(PyDict_GetItemString(globals, "before"));
    PyObject *requested = checked(PyUnicode_FromString(names == NULL ? "" : names));
    Py_DECREF(checked(PyObject_CallOneArg(before, requested)));
    Py_DECREF(requested);
    Py_DECREF(globals);
    free(names);
    names = NULL;
    /* Exempts all objects from garbage collection permanently (gc.freeze). */
    PyGC_Collect();
    _PyGC_Freeze(_PyInterpreterState_GET());
    fflush(NULL);
    /* The preopened directories belong to this run; a resumed program gets new ones from its host. */
    __wasilibc_reset_preopens();
    if (was_initialized) {
        PyGILState_Release(held);
    }
    clear_stack();
}

/* Returns the environment like posix.environ: a dictionary of bytes, with the first of duplicate names. */
static PyObject *variables(void) {
    PyObject *all = checked(PyDict_New());
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        if (equals == NULL) {
            continue;
        }
        PyObject *name = checked(PyBytes_FromStringAndSize(*at, equals - *at));
        PyObject *value = checked(PyBytes_FromString(equals + 1));
        if (PyDict_SetDefault(all, name, value) == NULL) {
            fail(NULL);
        }
        Py_DECREF(name);
        Py_DECREF(value);
    }
    return all;
}

/* Updates the state of Python that was valid only during the build (see snapshot.py). The interpreter's main calls
   this after reading its arguments. */
void pywasm_python_resumes(void) {
    PyGILState_STATE held = PyGILState_Ensure();
    const PyConfig *config = _Py_GetConfig();
    PyObject *environment = variables();
    PyObject *result = PyObject_CallFunction(resume, "OuuOO", environment, config->stdio_encoding, config->stdio_errors,
                                             config->buffered_stdio ? Py_True : Py_False,
                                             is_fixed ? Py_False : Py_True);
    Py_DECREF(checked(result));
    Py_DECREF(environment);
    PyGILState_Release(held);
}

/* The entry point of a snapshot: `_start` of a command, `_initialize` of a reactor. For libc's state see
   libc-bottom-half/sources/preopens.c and __wasilibc_initialize_environ.c. */
EXPORT(pywasm_resume) void pywasm_resume(void) {
    __wasilibc_deinitialize_environ();
    __wasilibc_initialize_environ();
    if (!pywasm_program_start) {
        pywasm_python_resumes();
    }
    if (!__main_void) {
        return;
    }
    /* The rest does the same as crt1-command.c. */
    int code = __main_void();
    __wasm_call_dtors();
    if (code != 0) {
        _Exit(code);
    }
}
