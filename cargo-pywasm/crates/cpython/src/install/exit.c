/* Finalizes Python at exit, which flushes Python's buffers. pywasm-build links this object into commands.
   The handler is registered before main, so it runs after the program's own handlers. */
#include <Python.h>

static void finalize(void) {
    if (Py_IsInitialized()) {
        Py_FinalizeEx();
    }
}

__attribute__((constructor)) static void at_exit(void) { atexit(finalize); }
