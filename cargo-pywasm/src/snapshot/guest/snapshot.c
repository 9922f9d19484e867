/* Linked into the interpreter, and into modules of which a snapshot is made: `cargo pywasm snapshot` runs
   the first three exports when it makes one, and the last becomes the beginning of what it makes. */
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

/* snapshot.py as a string. */
#include "pywasm-snapshot.h"

#define EXPORT(name) __attribute__((export_name(#name)))

/* Of the linker and of libc. */
extern void __wasm_call_ctors(void);
extern void __wasm_call_dtors(void);
extern char **environ;
/* The end that the C stack grows to. */
extern unsigned char __stack_low;
/* In both libcs that modules are linked with; no header of theirs declares it. */
extern void __wasilibc_reset_preopens(void);
/* Reactors have none. */
extern int __main_void(void) __attribute__((weak));
/* Younger libcs have it, and call it before the constructors: libc-bottom-half/crt/crt1-command.c. */
extern void __wasi_init_tp(void) __attribute__((weak));
/* How Python starts: as the interpreter's own main (python.c) has it, or as pywasm_start does, where the
   program calls that; else as most embedders do. */
extern const char *pywasm_program_start(void) __attribute__((weak));
extern const char *pywasm_start(unsigned int hash_seed) __attribute__((weak));

static char *names;
static PyObject *resume;
/* Who starts Python isolated and with a seed of its own, as pywasm_start does, wants equal runs. */
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

/* What a call gave, which is not to fail. */
static PyObject *sure(PyObject *object) {
    if (object == NULL) {
        fail(NULL);
    }
    return object;
}

/* The constructors of a command, whose start file runs them with all the rest; reactors export theirs. That
   they are called here keeps the linker from calling them around every export. */
EXPORT(pywasm_snapshot_begin) void pywasm_snapshot_begin(void) {
    if (__main_void) {
        if (__wasi_init_tp) {
            __wasi_init_tp();
        }
        __wasm_call_ctors();
    }
}

/* Room for the names of what is imported, with commas between them. */
EXPORT(pywasm_snapshot_names) char *pywasm_snapshot_names(size_t length) {
    names = calloc(1, length + 1);
    if (names == NULL) {
        fail("no memory for the names of what is imported");
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

/* What calls left behind on the C stack. It is most of the distance between the first and the last byte that is
   kept: engines map a dense memory, and copy any other at each start. */
__attribute__((noinline)) static void clear_stack(void) {
    unsigned char *top = __builtin_frame_address(0);
    if (top > &__stack_low) {
        memset(&__stack_low, 0, (size_t)(top - &__stack_low));
    }
}

/* Python as the program wants it: initialized, unless that was done before, with what is asked for imported. */
EXPORT(pywasm_snapshot_end) void pywasm_snapshot_end(unsigned int hash_seed) {
    int was_there = Py_IsInitialized();
    PyGILState_STATE held = PyGILState_LOCKED;
    if (was_there) {
        held = PyGILState_Ensure();
    } else {
        start(hash_seed);
    }
    const PyConfig *config = _Py_GetConfig();
    is_fixed = config->isolated && config->use_hash_seed == 1;
    PyObject *code = sure(Py_CompileString(PYWASM_SNAPSHOT_PY, "<pywasm snapshot>", Py_file_input));
    PyObject *globals = sure(PyDict_New());
    if (PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) < 0) {
        fail(NULL);
    }
    Py_DECREF(sure(PyEval_EvalCode(code, globals, globals)));
    Py_DECREF(code);
    resume = Py_NewRef(sure(PyDict_GetItemString(globals, "resume")));
    PyObject *before = sure(PyDict_GetItemString(globals, "before"));
    PyObject *wanted = sure(PyUnicode_FromString(names == NULL ? "" : names));
    Py_DECREF(sure(PyObject_CallOneArg(before, wanted)));
    Py_DECREF(wanted);
    Py_DECREF(globals);
    free(names);
    names = NULL;
    /* What was made by now stays: the collector need not look at it, now or ever (gc.freeze). */
    PyGC_Collect();
    _PyGC_Freeze(_PyInterpreterState_GET());
    fflush(NULL);
    /* Directories of this run: the next one asks its host, as a canister does that opens its files later. */
    __wasilibc_reset_preopens();
    if (was_there) {
        PyGILState_Release(held);
    }
    clear_stack();
}

/* As posix.environ is made: bytes, and of a name that comes twice the first. */
static PyObject *variables(void) {
    PyObject *all = sure(PyDict_New());
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        if (equals == NULL) {
            continue;
        }
        PyObject *name = sure(PyBytes_FromStringAndSize(*at, equals - *at));
        PyObject *value = sure(PyBytes_FromString(equals + 1));
        if (PyDict_SetDefault(all, name, value) == NULL) {
            fail(NULL);
        }
        Py_DECREF(name);
        Py_DECREF(value);
    }
    return all;
}

/* Makes right in Python what was true of the build only; snapshot.py says what. Called again by the
   interpreter's main, when it has read its arguments. */
void pywasm_python_resumes(void) {
    PyGILState_STATE held = PyGILState_Ensure();
    const PyConfig *config = _Py_GetConfig();
    PyObject *environment = variables();
    PyObject *result = PyObject_CallFunction(resume, "OuuOO", environment, config->stdio_encoding, config->stdio_errors,
                                             config->buffered_stdio ? Py_True : Py_False,
                                             is_fixed ? Py_False : Py_True);
    Py_DECREF(sure(result));
    Py_DECREF(environment);
    PyGILState_Release(held);
}

/* What a snapshot begins with: `_start` of a command, `_initialize` of a reactor. Source of what libc
   keeps: libc-bottom-half/sources/preopens.c and __wasilibc_initialize_environ.c. */
EXPORT(pywasm_resume) void pywasm_resume(void) {
    __wasilibc_deinitialize_environ();
    __wasilibc_initialize_environ();
    if (!pywasm_program_start) {
        pywasm_python_resumes();
    }
    if (!__main_void) {
        return;
    }
    /* The rest of crt1-command.c. */
    int code = __main_void();
    __wasm_call_dtors();
    if (code != 0) {
        _Exit(code);
    }
}
