/* The interpreter's main function: CPython's own, or ours when a snapshot is resumed. */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <internal/pycore_initconfig.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_pathconfig.h>
#include <internal/pycore_pylifecycle.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

extern void pywasm_python_resumes(void);

/* The modules that CPython's main function imports for -c (since 3.13) and for -m. */
static const char *const OF_MAIN[] = {"linecache", "runpy"};

/* Initializes Python for a snapshot, like `python` without arguments. */
const char *pywasm_program_start(void) {
    char *args[] = {"python"};
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    PyStatus status = PyConfig_SetBytesArgv(&config, 1, args);
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (!PyStatus_Exception(status)) {
        for (size_t i = 0; i < Py_ARRAY_LENGTH(OF_MAIN); i++) {
            PyObject *module = PyImport_ImportModule(OF_MAIN[i]);
            if (module == NULL) {
                /* The library may lack this module. Only programs that need it fail. */
                PyErr_Clear();
            }
            Py_XDECREF(module);
        }
        return NULL;
    }
    return status.err_msg ? status.err_msg : "Python did not start";
}

/* Returns the rest of the -X option `name` (nothing, or `=` and a value), or NULL if the option is not set. */
static const wchar_t *option(const PyConfig *config, const wchar_t *name) {
    size_t length = wcslen(name);
    for (Py_ssize_t i = config->xoptions.length; i-- > 0;) {
        const wchar_t *given = config->xoptions.items[i];
        if (wcsncmp(given, name, length) == 0 && (given[length] == 0 || given[length] == L'=')) {
            return given + length;
        }
    }
    return NULL;
}

/* Returns an environment variable's value, or NULL if it is unset or empty, or if -E is set. */
static const char *variable(const PyConfig *config, const char *name) {
    const char *value = config->use_environment ? getenv(name) : NULL;
    return value != NULL && *value != 0 ? value : NULL;
}

/* Returns a message on the first option that conflicts with a decision made before the snapshot, or NULL. */
static const char *conflict(const PyConfig *now, const PyConfig *then) {
    if (now->use_hash_seed == 1 && !(then->use_hash_seed == 1 && then->hash_seed == now->hash_seed)) {
        return "PYTHONHASHSEED: the hash seed is that of the snapshot";
    }
    if (now->optimization_level != then->optimization_level) {
        return "-O, PYTHONOPTIMIZE: its modules are already compiled";
    }
    if (now->site_import != then->site_import) {
        return "-S: it has already imported site";
    }
    /* Development mode is part of the preconfiguration, which is not read again. */
    if (!then->dev_mode && (option(now, L"dev") != NULL || variable(now, "PYTHONDEVMODE") != NULL)) {
        return "-X dev, PYTHONDEVMODE: its allocator is already chosen";
    }
    if (now->tracemalloc != then->tracemalloc) {
        return "-X tracemalloc, PYTHONTRACEMALLOC: its memory is already allocated";
    }
    if (now->faulthandler != then->faulthandler) {
        return "-X faulthandler, PYTHONFAULTHANDLER";
    }
    if (now->perf_profiling != then->perf_profiling) {
        return "-X perf, PYTHONPERFSUPPORT";
    }
    if (now->use_frozen_modules != then->use_frozen_modules) {
        return "-X frozen_modules: it has already imported them";
    }
    if (wcscmp(now->check_hash_pycs_mode, then->check_hash_pycs_mode) != 0) {
        return "--check-hash-based-pycs";
    }
    if (variable(now, "PYTHONHOME") != NULL) {
        return "PYTHONHOME: its library is already located";
    }
    if (variable(now, "PYTHONMALLOC") != NULL) {
        return "PYTHONMALLOC: its allocator is already chosen";
    }
    const wchar_t *option_utf8 = option(now, L"utf8");
    const char *utf8 = variable(now, "PYTHONUTF8");
    int is_utf8 = _PyRuntime.preconfig.utf8_mode;
    int utf8_requested = option_utf8 ? wcscmp(option_utf8, L"=0") != 0 : utf8 ? strcmp(utf8, "0") != 0 : is_utf8;
    if (utf8_requested != is_utf8) {
        return "-X utf8, PYTHONUTF8: its file names are already decoded";
    }
    return NULL;
}

/* Copies the hash seed and the paths. Options do not change these paths, so getpath.py need not run again. */
static PyStatus keep(PyConfig *now, const PyConfig *then) {
    wchar_t *const *texts[] = {&then->prefix, &then->exec_prefix, &then->base_prefix, &then->base_exec_prefix,
                               &then->executable, &then->base_executable, &then->platlibdir, &then->stdlib_dir};
    wchar_t **places[] = {&now->prefix, &now->exec_prefix, &now->base_prefix, &now->base_exec_prefix,
                          &now->executable, &now->base_executable, &now->platlibdir, &now->stdlib_dir};
    PyStatus status = PyStatus_Ok();
    for (size_t i = 0; i < Py_ARRAY_LENGTH(places) && !PyStatus_Exception(status); i++) {
        status = PyConfig_SetString(now, places[i], *texts[i]);
    }
    now->use_hash_seed = then->use_hash_seed;
    now->hash_seed = then->hash_seed;
    now->module_search_paths_set = 1;
    /* Like getpath.py: first the entries of PYTHONPATH (an empty one is the current directory), then the others. */
    const wchar_t *at = now->pythonpath_env;
    while (at != NULL && *at != 0 && !PyStatus_Exception(status)) {
        size_t length = wcscspn(at, L":");
        wchar_t *path = PyMem_RawMalloc((length + 1) * sizeof(wchar_t));
        if (path == NULL) {
            return PyStatus_NoMemory();
        }
        wmemcpy(path, at, length);
        path[length] = 0;
        status = PyWideStringList_Append(&now->module_search_paths, path);
        PyMem_RawFree(path);
        at += length;
        if (*at != 0 && *++at == 0 && !PyStatus_Exception(status)) {
            status = PyWideStringList_Append(&now->module_search_paths, L"");
        }
    }
    for (Py_ssize_t i = 0; i < then->module_search_paths.length && !PyStatus_Exception(status); i++) {
        status = PyWideStringList_Append(&now->module_search_paths, then->module_search_paths.items[i]);
    }
    return status;
}

/* Appends to `sys.path` the entries that the configuration lacks: those that `site` and imports had added. */
static int restore_path(PyObject *before) {
    PyObject *path = PySys_GetObject("path");
    if (before == NULL || path == NULL || !PyList_Check(before) || !PyList_Check(path)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(before); i++) {
        PyObject *place = PyList_GET_ITEM(before, i);
        int is_listed = PySequence_Contains(path, place);
        if (is_listed < 0 || (!is_listed && PyList_Append(path, place) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* Updates `sys` and the warning filters from the configuration. */
static int update_sys(PyInterpreterState *interp) {
    PyThreadState *thread = _PyThreadState_GET();
    PyObject *before = Py_XNewRef(PySys_GetObject("path"));
    interp->long_state.max_str_digits = interp->config.int_max_str_digits;
    if (_PySys_UpdateConfig(thread) < 0 || restore_path(before) < 0) {
        return -1;
    }
    Py_XDECREF(before);
    if (interp->config.warnoptions.length == 0) {
        return 0;
    }
    /* If `warnings` is imported only now, it reads the options itself. */
    PyObject *imported = PyDict_GetItemString(PyImport_GetModuleDict(), "warnings");
    PyObject *warnings = PyImport_ImportModule("warnings");
    PyObject *done = NULL;
    if (warnings != NULL && imported != NULL) {
        done = PyObject_CallMethod(warnings, "_processoptions", "O", PySys_GetObject("warnoptions"));
    }
    int failed = warnings == NULL || (imported != NULL && done == NULL);
    Py_XDECREF(warnings);
    Py_XDECREF(done);
    return failed ? -1 : 0;
}

static int resume(int argc, char **argv) {
    PyInterpreterState *interp = _PyInterpreterState_GET();
    const PyConfig *then = &interp->config;
    PyConfig now;
    PyConfig_InitPythonConfig(&now);
    PyStatus status = PyConfig_SetBytesArgv(&now, argc, argv);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_Read(&now);
    }
    if (!PyStatus_Exception(status)) {
        const char *problem = conflict(&now, then);
        if (problem != NULL) {
            fprintf(stderr, "python: this interpreter is a snapshot and does not support %s\n", problem);
            exit(2);
        }
        status = keep(&now, then);
    }
    if (!PyStatus_Exception(status)) {
        status = _PyConfig_Copy(&interp->config, &now);
    }
    if (!PyStatus_Exception(status)) {
        status = _PyConfig_Write(&interp->config, interp->runtime);
    }
    if (!PyStatus_Exception(status)) {
        status = _PyPathConfig_UpdateGlobal(&interp->config);
    }
    PyConfig_Clear(&now);
    if (PyStatus_Exception(status)) {
        if (PyStatus_IsExit(status)) {
            exit(status.exitcode);
        }
        Py_ExitStatusException(status);
    }
    pywasm_python_resumes();
    if (update_sys(interp) < 0) {
        PyErr_Print();
        return 1;
    }
    return Py_RunMain();
}

int main(int argc, char **argv) { return Py_IsInitialized() ? resume(argc, argv) : Py_BytesMain(argc, argv); }
