/* <dlfcn.h> of a system without shared libraries: nothing is ever opened, and dlerror says so, once, as
   POSIX.1-2017 has it. Weak: a libc that has them goes before. */

#define WEAK __attribute__((weak))

static const char *said;

WEAK void *dlopen(const char *file, int mode) {
    (void)file;
    (void)mode;
    said = "dlopen: WASI has no shared libraries";
    return 0;
}

WEAK void *dlsym(void *restrict handle, const char *restrict name) {
    (void)handle;
    (void)name;
    said = "dlsym: WASI has no shared libraries";
    return 0;
}

WEAK int dlclose(void *handle) {
    (void)handle;
    said = "dlclose: WASI has no shared libraries";
    return -1;
}

WEAK char *dlerror(void) {
    const char *last = said;
    said = 0;
    return (char *)last;
}

/* No address is of a shared library: 0, and nothing is told. */
WEAK int dladdr(const void *restrict address, void *restrict info) {
    (void)address;
    (void)info;
    return 0;
}

/* There is nothing to call back for. */
WEAK int dl_iterate_phdr(int (*callback)(void *, unsigned long, void *), void *data) {
    (void)callback;
    (void)data;
    return 0;
}
