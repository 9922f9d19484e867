/* The only member of libpywasm_start.a, which is linked into wasm modules that call pywasm_start. */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_runtime.h>
#include <unistd.h>

/* The directory of the standard library, if it is part of the module. */
extern const char pywasm_library_path[] __attribute__((weak));

/* Makes Python import the standard library from the files of the module, if they contain it. */
static PyStatus search_library(PyConfig *config) {
    if (!pywasm_library_path) {
        return PyStatus_Ok();
    }
    /* Copied to another type only, because the path is ASCII. */
    wchar_t path[64];
    size_t size = 0;
    while (size < Py_ARRAY_LENGTH(path) - 1 && pywasm_library_path[size]) {
        path[size] = (wchar_t)pywasm_library_path[size];
        size++;
    }
    path[size] = L'\0';
    PyStatus status = PyConfig_SetString(config, &config->stdlib_dir, path);
    return PyStatus_Exception(status) ? status : PyWideStringList_Append(&config->module_search_paths, path);
}

/* Returns the message of a status, a static string of CPython. */
static const char *message_of(PyStatus status) {
    return status.err_msg ? status.err_msg : "Python did not start and gave no reason";
}

/* Makes a stream line-buffered: hosts that show each write as a message (ic0.debug_print) then show lines, and
   no text remains in a buffer when a call ends. */
static int write_lines(const char *name) {
    PyObject *stream = PySys_GetObject(name);
    if (stream == NULL || stream == Py_None) {
        return 0;
    }
    PyObject *method = PyObject_GetAttrString(stream, "reconfigure");
    PyObject *args = PyTuple_New(0);
    PyObject *words = Py_BuildValue("{s:O}", "line_buffering", Py_True);
    PyObject *result = NULL;
    if (method != NULL && args != NULL && words != NULL) {
        result = PyObject_Call(method, args, words);
    }
    Py_XDECREF(method);
    Py_XDECREF(args);
    Py_XDECREF(words);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Starts Python without any input from the host: no environment variables, files, locale, entropy or arguments.
   Afterwards, all instances of a wasm module that passed the same `hash_seed` are in the same state. Returns NULL
   or an error message. Does nothing if Python is already running. PEP 587 documents the settings (PyConfig). */
const char *pywasm_start(unsigned int hash_seed) {
    if (Py_IsInitialized()) {
        return NULL;
    }
    /* Without file descriptor 0, Python sets sys.stdin to None. */
    close(0);
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status)) {
        return message_of(status);
    }
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.use_hash_seed = 1;
    config.hash_seed = hash_seed;
    config.site_import = 0;
    config.write_bytecode = 0;
    config.pathconfig_warnings = 0;
    config.install_signal_handlers = 0;
    config.use_frozen_modules = 1;
    /* Marked as set, so that Python does not compute the paths. */
    config.module_search_paths_set = 1;
    status = search_library(&config);
    wchar_t *none = L"";
    wchar_t **places[] = {&config.prefix, &config.exec_prefix, &config.base_prefix, &config.base_exec_prefix,
                          &config.executable, &config.base_executable, &config.program_name};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(places) && !PyStatus_Exception(status); i++) {
        status = PyConfig_SetString(&config, places[i], none);
    }
    if (!PyStatus_Exception(status)) {
        /* Disables garbage collection, because the objects created from here on stay alive. PyGC_Disable would need
           an interpreter, which does not exist yet. */
        _PyRuntime._main_interpreter.gc.enabled = 0;
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        return message_of(status);
    }
    const char *problem = NULL;
    if (write_lines("stdout") < 0 || write_lines("stderr") < 0) {
        PyErr_Clear();
        problem = "cannot make stdout and stderr line-buffered";
    }
    /* Exempts these objects from garbage collection permanently (gc.freeze). */
    _PyGC_Freeze(_PyInterpreterState_GET());
    PyGC_Enable();
    return problem;
}
