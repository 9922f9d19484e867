/* Linked into commands by pywasm-build: what Python has buffered is written when the program ends.
   Registered before main, so it runs after every handler that the program registers itself. A
   program that finalizes Python on its own leaves nothing to do here. */
#include <Python.h>

static void finalize(void) {
    if (Py_IsInitialized()) {
        Py_FinalizeEx();
    }
}

__attribute__((constructor)) static void at_exit(void) { atexit(finalize); }
