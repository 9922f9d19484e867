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

static const char SUFFIX[] = ".lock";

/* The lock of a file. Like SQLite's own records, it belongs to the file, not to its name. */
typedef struct Lock {
    struct Lock *next;
    dev_t device;
    ino_t inode;
    /* 1 if this program holds the lock. */
    int held;
    /* The directory that this program has created, or NULL. */
    char *directory;
} Lock;

/* An open file descriptor. */
typedef struct Descriptor {
    struct Descriptor *next;
    int fd;
    dev_t device;
    ino_t inode;
    /* The path of the lock's directory: that of the file, and the suffix. */
    char directory[];
} Descriptor;

static Lock *locks;
static Descriptor *descriptors;

static void release(Lock *lock) {
    if (lock->directory != NULL)
        rmdir(lock->directory);
    free(lock->directory);
    lock->directory = NULL;
    lock->held = 0;
}

static void release_all(void) {
    for (Lock *lock = locks; lock != NULL; lock = lock->next)
        release(lock);
}

static Lock *find_lock(const Descriptor *descriptor) {
    Lock *lock = locks;

    while (lock != NULL &&
           (lock->device != descriptor->device || lock->inode != descriptor->inode))
        lock = lock->next;
    return lock;
}

/* Returns true for the errors of a directory that this program cannot write to. */
static int is_read_only(int error) {
#ifdef ENOTCAPABLE
    if (error == ENOTCAPABLE)
        return 1;
#endif
    return error == EACCES || error == EPERM || error == EROFS;
}

/* Returns 0, or -1 with errno EAGAIN if another program holds the lock. */
static int acquire(const Descriptor *descriptor, int for_writing) {
    Lock *lock = find_lock(descriptor);
    char *directory;

    if (lock != NULL && lock->held && (lock->directory != NULL || !for_writing))
        return 0;
    if (lock == NULL) {
        lock = malloc(sizeof(Lock));
        if (lock == NULL) {
            errno = ENOMEM;
            return -1;
        }
        *lock = (Lock){.next = locks, .device = descriptor->device, .inode = descriptor->inode};
        locks = lock;
    }
    directory = strdup(descriptor->directory);
    if (directory == NULL) {
        errno = ENOMEM;
        return -1;
    }
    if (mkdir(directory, 0777) == 0) {
        lock->directory = directory;
    } else {
        int error = errno;

        free(directory);
        if (error == EEXIST || access(descriptor->directory, F_OK) == 0)
            error = EAGAIN;
        /* In a directory that this program cannot write to, it can still read the database. */
        if (for_writing || !is_read_only(error)) {
            errno = error;
            return -1;
        }
    }
    lock->held = 1;
    return 0;
}

static int open_file(const char *path, int flags, int mode) {
    int fd = open(path, flags, mode);
    size_t length = strlen(path);
    Descriptor *descriptor;
    struct stat status;
    int error;

    if (fd < 0)
        return fd;
    if (fstat(fd, &status) == 0) {
        descriptor = malloc(sizeof(Descriptor) + length + sizeof(SUFFIX));
        if (descriptor != NULL) {
            *descriptor = (Descriptor){
                .next = descriptors, .fd = fd, .device = status.st_dev, .inode = status.st_ino};
            memcpy(descriptor->directory, path, length);
            memcpy(descriptor->directory + length, SUFFIX, sizeof(SUFFIX));
            descriptors = descriptor;
            return fd;
        }
        errno = ENOMEM;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Frees the lock of a file that this program has open no more. */
static void drop_lock(const Descriptor *closed) {
    for (Descriptor *other = descriptors; other != NULL; other = other->next) {
        if (other->device == closed->device && other->inode == closed->inode)
            return;
    }
    for (Lock **place = &locks; *place != NULL; place = &(*place)->next) {
        Lock *lock = *place;

        if (lock->device == closed->device && lock->inode == closed->inode) {
            release(lock);
            *place = lock->next;
            free(lock);
            return;
        }
    }
}

static int close_file(int fd) {
    for (Descriptor **place = &descriptors; *place != NULL; place = &(*place)->next) {
        Descriptor *descriptor = *place;

        if (descriptor->fd == fd) {
            *place = descriptor->next;
            drop_lock(descriptor);
            free(descriptor);
            break;
        }
    }
    return close(fd);
}

static int lock_file(int fd, int command, struct flock *range) {
    Descriptor *descriptor = descriptors;
    Lock *lock;

    while (descriptor != NULL && descriptor->fd != fd)
        descriptor = descriptor->next;
    if (descriptor == NULL) {
        errno = EBADF;
        return -1;
    }
    lock = find_lock(descriptor);
    if (command == F_GETLK) {
        int is_own = lock != NULL && lock->directory != NULL;

        range->l_type = !is_own && access(descriptor->directory, F_OK) == 0 ? F_WRLCK : F_UNLCK;
        return 0;
    }
    if (range->l_type != F_UNLCK)
        return acquire(descriptor, range->l_type == F_WRLCK);
    /* SQLite unlocks single bytes while it changes the kind of a lock, and the whole file at the end. */
    if (lock != NULL && range->l_start == 0 && range->l_len == 0)
        release(lock);
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
