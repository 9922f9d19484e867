/* <dlfcn.h> for a system without shared libraries: every call fails, and dlerror returns the message of
   the last failure once, as in POSIX.1-2017. The definitions are weak, so that libc's take precedence. */

#define WEAK __attribute__((weak))

static const char *last_error;

WEAK void *dlopen(const char *file, int mode) {
    (void)file;
    (void)mode;
    last_error = "dlopen: WASI has no shared libraries";
    return 0;
}

WEAK void *dlsym(void *restrict handle, const char *restrict name) {
    (void)handle;
    (void)name;
    last_error = "dlsym: WASI has no shared libraries";
    return 0;
}

WEAK int dlclose(void *handle) {
    (void)handle;
    last_error = "dlclose: WASI has no shared libraries";
    return -1;
}

WEAK char *dlerror(void) {
    const char *error = last_error;
    last_error = 0;
    return (char *)error;
}

/* No address belongs to a shared library. */
WEAK int dladdr(const void *restrict address, void *restrict info) {
    (void)address;
    (void)info;
    return 0;
}

/* There is no shared library to call back for. */
WEAK int dl_iterate_phdr(int (*callback)(void *, unsigned long, void *), void *data) {
    (void)callback;
    (void)data;
    return 0;
}
