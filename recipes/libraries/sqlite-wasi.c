/* Locks for SQLite on WASI, which has no locks on files.

   SQLite's VFS `unix` locks files with fcntl, which always fails on WASI. SQLite's default VFS there,
   `unix-dotfile`, locks with directories instead: `x.db.lock` exists while a connection uses `x.db`.
   That protects a database from other programs, but connections of one program exclude each other,
   too, even while they only read.

   Here, the fcntl of the VFS `unix` locks with the same directories, once per program and file. SQLite's
   own records of the locks in a program then let its connections read at the same time, as on other
   platforms. This VFS becomes the default. Programs that use one or the other VFS exclude each other.

   A program that is killed leaves its directory, because WASI does not tell whether the program that
   has created it still runs. */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite3.h"

/* wasi-libc does not define these names. The numbers are those of SQLite's os_unix.c. */
#ifndef F_RDLCK
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 12
#define F_SETLK 13
#define F_SETLKW 14
#endif

/* The lock of a file that this program has opened. */
typedef struct Lock {
    struct Lock *next;
    int descriptors;
    /* 1 if this program holds the lock. */
    int held;
    /* 1 if this program has created the directory. */
    int created;
    char directory[];
} Lock;

/* An open file descriptor. */
typedef struct Descriptor {
    struct Descriptor *next;
    int fd;
    Lock *lock;
} Descriptor;

static Lock *locks;
static Descriptor *descriptors;

static void release(Lock *lock) {
    if (lock->created)
        rmdir(lock->directory);
    lock->held = lock->created = 0;
}

static void release_all(void) {
    for (Lock *lock = locks; lock != NULL; lock = lock->next)
        release(lock);
}

/* Returns 0, or -1 with errno EAGAIN if another program holds the lock. */
static int acquire(Lock *lock, int for_writing) {
    if (lock->held)
        return 0;
    if (mkdir(lock->directory, 0777) == 0) {
        lock->created = 1;
    } else if (errno == EEXIST || access(lock->directory, F_OK) == 0) {
        errno = EAGAIN;
        return -1;
    } else if (for_writing) {
        return -1;
    }
    /* In a directory that this program cannot write to, it can still read the database. */
    lock->held = 1;
    return 0;
}

/* Returns the lock of a file, which is created first if this program has not opened the file yet. */
static Lock *lock_of(const char *path) {
    static const char suffix[] = ".lock";
    size_t length = strlen(path);
    Lock *lock;

    for (lock = locks; lock != NULL; lock = lock->next) {
        if (strncmp(lock->directory, path, length) == 0 &&
            strcmp(lock->directory + length, suffix) == 0)
            return lock;
    }
    lock = malloc(sizeof(Lock) + length + sizeof(suffix));
    if (lock == NULL)
        return NULL;
    *lock = (Lock){.next = locks};
    memcpy(lock->directory, path, length);
    memcpy(lock->directory + length, suffix, sizeof(suffix));
    locks = lock;
    return lock;
}

static int open_file(const char *path, int flags, int mode) {
    int fd = open(path, flags, mode);
    Descriptor *descriptor;

    if (fd < 0)
        return fd;
    descriptor = malloc(sizeof(Descriptor));
    if (descriptor != NULL) {
        *descriptor = (Descriptor){.next = descriptors, .fd = fd, .lock = lock_of(path)};
        if (descriptor->lock != NULL) {
            descriptor->lock->descriptors++;
            descriptors = descriptor;
            return fd;
        }
    }
    free(descriptor);
    close(fd);
    errno = ENOMEM;
    return -1;
}

static int close_file(int fd) {
    for (Descriptor **place = &descriptors; *place != NULL; place = &(*place)->next) {
        Descriptor *descriptor = *place;

        if (descriptor->fd == fd) {
            if (--descriptor->lock->descriptors == 0)
                release(descriptor->lock);
            *place = descriptor->next;
            free(descriptor);
            break;
        }
    }
    return close(fd);
}

static int lock_file(int fd, int command, struct flock *range) {
    Descriptor *descriptor = descriptors;

    while (descriptor != NULL && descriptor->fd != fd)
        descriptor = descriptor->next;
    if (descriptor == NULL) {
        errno = EBADF;
        return -1;
    }
    if (command == F_GETLK) {
        int is_foreign = !descriptor->lock->held && access(descriptor->lock->directory, F_OK) == 0;
        range->l_type = is_foreign ? F_WRLCK : F_UNLCK;
        return 0;
    }
    if (range->l_type != F_UNLCK)
        return acquire(descriptor->lock, range->l_type == F_WRLCK);
    /* SQLite unlocks single bytes while it changes the kind of a lock, and the whole file at the end. */
    if (range->l_start == 0 && range->l_len == 0)
        release(descriptor->lock);
    return 0;
}

static int fcntl_with_locks(int fd, int command, ...) {
    va_list arguments;
    int result;

    va_start(arguments, command);
    switch (command) {
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
        result = lock_file(fd, command, va_arg(arguments, struct flock *));
        break;
    case F_GETFD:
    case F_GETFL:
        result = fcntl(fd, command);
        break;
    default:
        result = fcntl(fd, command, va_arg(arguments, int));
    }
    va_end(arguments);
    return result;
}

/* SQLite calls this function at the end of its initialization (SQLITE_EXTRA_INIT). */
int pywasm_sqlite_init(const char *unused) {
    static int is_registered;
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");

    (void)unused;
    if (vfs == NULL || vfs->xSetSystemCall == NULL ||
        vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)open_file) != SQLITE_OK ||
        vfs->xSetSystemCall(vfs, "close", (sqlite3_syscall_ptr)close_file) != SQLITE_OK ||
        vfs->xSetSystemCall(vfs, "fcntl", (sqlite3_syscall_ptr)fcntl_with_locks) != SQLITE_OK)
        return SQLITE_ERROR;
    if (!is_registered && atexit(release_all) != 0)
        return SQLITE_NOMEM;
    is_registered = 1;
    return sqlite3_vfs_register(vfs, 1);
}
