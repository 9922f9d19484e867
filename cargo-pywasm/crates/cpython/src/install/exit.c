/* pywasm-build links this into commands: it finalizes Python at exit, which flushes Python's buffers.
   It is registered before main and so runs after the program's own handlers. */
#include <Python.h>

static void finalize(void) {
    if (Py_IsInitialized()) {
        Py_FinalizeEx();
    }
}

__attribute__((constructor)) static void at_exit(void) { atexit(finalize); }
