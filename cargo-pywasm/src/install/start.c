/* An archive of one member, linked into modules that call it. */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_runtime.h>
#include <unistd.h>

/* What a status has to say; static texts of CPython. */
static const char *text(PyStatus status) {
    return status.err_msg ? status.err_msg : "Python did not start, and does not say why";
}

/* A line at a time: a host that shows each write as a message (ic0.debug_print) shows lines then, and
   nothing stays behind in a buffer when a call ends. */
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

/* Starts Python, in full, so that it depends on nothing but what is linked: no environment variable, no
   file, no locale, no entropy, no argument. Equal modules are in equal states afterwards, with the same
   hashes for the same `hash_seed`. Returns NULL, or what is the matter; where Python runs already, it
   does nothing. Source of each setting: the documentation of PyConfig (PEP 587). */
const char *pywasm_start(unsigned int hash_seed) {
    if (Py_IsInitialized()) {
        return NULL;
    }
    /* There is no input: sys.stdin is None, as the documentation has it for such programs. */
    close(0);
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status)) {
        return text(status);
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
    /* Empty, and said to be so: nothing is looked for. */
    config.module_search_paths_set = 1;
    wchar_t *none = L"";
    wchar_t **places[] = {&config.prefix, &config.exec_prefix, &config.base_prefix, &config.base_exec_prefix,
                          &config.executable, &config.base_executable, &config.program_name};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(places) && !PyStatus_Exception(status); i++) {
        status = PyConfig_SetString(&config, places[i], none);
    }
    if (!PyStatus_Exception(status)) {
        /* Nothing that is made from here on is garbage. PyGC_Disable wants an interpreter to be there. */
        _PyRuntime._main_interpreter.gc.enabled = 0;
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        return text(status);
    }
    const char *problem = NULL;
    if (write_lines("stdout") < 0 || write_lines("stderr") < 0) {
        PyErr_Clear();
        problem = "the streams of Python can't be set to write lines";
    }
    /* What was made at the start stays: the collector need not look at it, now or ever (gc.freeze). */
    _PyGC_Freeze(_PyInterpreterState_GET());
    PyGC_Enable();
    return problem;
}
