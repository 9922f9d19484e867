/* Linked into libpython: the limits of recursion. Calls use the stack of the host, and a program can neither read its
   size nor catch the trap at its end. Python therefore counts nested calls, and raises an exception at these limits.
   The patches of CPython (recipes/patches) call the functions. */
#define _POSIX_C_SOURCE 200809L /* unsetenv */
#include <stdlib.h>

/* The size of the host's stack in bytes. This is the recipe's; pywasm-build links another definition if the crate has
   its own. */
__attribute__((weak)) unsigned int pywasm_host_stack = PYWASM_HOST_STACK;

/* Replaces pywasm_host_stack when an interpreter starts, but not when a snapshot resumes. */
#define VARIABLE "PYWASM_HOST_STACK"

/* The bytes for everything that is not counted: the calls from the start of the program to Python's first function,
   and 50 more calls after the limit, in which Python handles the exception. */
#define UNCOUNTED (96 * 1024)

/* The bytes of the most expensive recursion, per counted call and per level of the parser and of marshal, as wasmtime
   compiles them for x86-64. `cargo xtask e2e` runs tests/src/recursion.py. */
#define PER_CALL 560
#define PER_LEVEL 300
#define PER_MARSHAL_LEVEL 800

/* CPython 3.13's own limits on WASI, which protect the part of the stack in linear memory. */
#define MAX_CALLS 5000
#define MAX_LEVELS 4000
#define MAX_MARSHAL_LEVELS 1500

static int limited(unsigned int value, int limit) {
    return value > (unsigned int)limit ? limit : (int)value;
}

/* Returns the limit of nested calls. */
int pywasm_recursion_limit(void) {
    static int limit;
    if (limit == 0) {
        unsigned long size = pywasm_host_stack;
        const char *text = getenv(VARIABLE);
        if (text != NULL) {
            char *end;
            unsigned long value = strtoul(text, &end, 10);
            if (end != text && *end == '\0') {
                size = value;
            }
            /* Python programs do not see the variable. */
            unsetenv(VARIABLE);
        }
        limit = size > UNCOUNTED ? limited((size - UNCOUNTED) / PER_CALL, MAX_CALLS) : 1;
    }
    return limit;
}

/* Returns the limit of nested objects that the module marshal reads and writes. */
int pywasm_marshal_levels(void) {
    return limited((unsigned int)pywasm_recursion_limit() * PER_CALL / PER_MARSHAL_LEVEL, MAX_MARSHAL_LEVELS);
}

/* Returns the limit of the parser's levels if `calls` more calls are allowed. */
int pywasm_parser_levels(int calls) {
    return calls > 0 ? limited((unsigned int)calls * PER_CALL / PER_LEVEL, MAX_LEVELS) : 0;
}
