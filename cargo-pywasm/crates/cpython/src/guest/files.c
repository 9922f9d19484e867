/* Read-only directories of files that are part of the wasm module: /pywasm, and the directory of the standard library.

   libc calls its host through functions named __imported_wasi_snapshot_preview1_NAME. This file defines those that
   take a file descriptor, so that libc calls them instead. Calls for descriptors of these files are answered here,
   all others go to the host. The functions follow WASI preview 1:
   https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>
#include <wasi/libc.h>

/* The tree, in the format that the crate `pywasm-wasm` describes (`embedded.rs`). Offsets are relative to the header.
   The entries of a directory are consecutive and sorted by name. Entry 0 is the root. Its entries are the directories
   that libc learns of. Their names are absolute paths, which end with NUL. */
struct header {
    char magic[16];
    uint32_t size, entries;
};
struct entry {
    uint32_t name, name_size, flags;
    /* The first entry and the number of entries of a directory; the offset and the size of a file's content. */
    uint32_t first, count;
    uint32_t parent;
};
#ifdef PYWASM_LATE_FILES
/* In the interpreter, `cargo pywasm snapshot --with` writes the tree. Until then, there is none. */
static struct header *tree;

__attribute__((export_name("pywasm_snapshot_files"))) struct header *pywasm_snapshot_files(uint32_t size) {
    return tree = malloc(size);
}
#else
extern struct header pywasm_files;
#define tree (&pywasm_files)
#endif

#define DIRECTORY 1
/* Set when a file is opened, so that `cargo pywasm run-wasm --trace-files` can list the files that never are. */
#define OPENED 2

/* Descriptors of hosts are small numbers. The first ones here are those of the root's entries and are always open. */
#define FIRST 0x40000000
#define OPEN_MAX 1024
static struct {
    uint32_t entry, is_open;
    uint64_t position;
} open_files[OPEN_MAX];

/* The date of all files: 1980-01-01, the first date that a zip archive can contain. */
#define DATE (UINT64_C(315532800) * 1000000000)
#define DEVICE 0x7079

#define RIGHTS                                                                                                         \
    (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_READDIR |                \
     __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_PATH_READLINK | __WASI_RIGHTS_FD_FILESTAT_GET |                           \
     __WASI_RIGHTS_PATH_FILESTAT_GET)

/* Declares the host's function, and begins the definition of the function that libc calls. */
#define HOOK(name, ...)                                                                                                \
    extern int32_t host_##name(__VA_ARGS__)                                                                            \
        __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)));                                  \
    int32_t __imported_wasi_snapshot_preview1_##name(__VA_ARGS__)

static struct entry *entry(uint32_t index) {
    return (struct entry *)((char *)tree + sizeof(struct header)) + index;
}

static int is_directory(const struct entry *of) { return of->flags & DIRECTORY; }

/* Returns the number of directories in the root. */
static int32_t directories(void) { return tree ? (int32_t)entry(0)->count : 0; }

static const char *at(uint32_t offset) { return (const char *)tree + offset; }

/* Returns true for a descriptor of the tree. Closed ones belong to no host either. */
static int is_ours(int32_t fd) { return fd >= FIRST && fd < FIRST + OPEN_MAX; }

/* Returns the entry of a descriptor, or NULL if it is closed. */
static const struct entry *opened(int32_t fd) {
    int32_t index = fd - FIRST;
    if (index < directories()) {
        return entry(entry(0)->first + (uint32_t)index);
    }
    return open_files[index].is_open ? entry(open_files[index].entry) : NULL;
}

static uint32_t index_of(const struct entry *of) { return (uint32_t)(of - entry(0)); }

/* Returns the entry of a directory with this name, or NULL. */
static const struct entry *child(const struct entry *directory, const char *name, uint32_t size) {
    uint32_t low = directory->first, high = directory->first + directory->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct entry *one = entry(middle);
        int order = memcmp(at(one->name), name, one->name_size < size ? one->name_size : size);
        if (order == 0) {
            order = (one->name_size > size) - (one->name_size < size);
        }
        if (order == 0) {
            return one;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* Finds the entry at a path below a directory. Like hosts, does not leave the directory in the root through `..`. */
static __wasi_errno_t find(int32_t fd, int32_t path, int32_t size, const struct entry **found) {
    const struct entry *here = opened(fd);
    const char *next = (const char *)path, *end = next + (uint32_t)size;
    if (here == NULL) {
        return __WASI_ERRNO_BADF;
    }
    if (next == end) {
        return __WASI_ERRNO_NOENT;
    }
    while (next < end) {
        const char *name = next;
        while (next < end && *next != '/') {
            next++;
        }
        uint32_t length = (uint32_t)(next - name);
        next++;
        if (!is_directory(here)) {
            return __WASI_ERRNO_NOTDIR;
        }
        if (length == 0 || (length == 1 && name[0] == '.')) {
            continue;
        }
        if (length == 2 && name[0] == '.' && name[1] == '.') {
            if (here->parent == 0) {
                return __WASI_ERRNO_NOTCAPABLE;
            }
            here = entry(here->parent);
        } else if ((here = child(here, name, length)) == NULL) {
            return __WASI_ERRNO_NOENT;
        }
    }
    if (end[-1] == '/' && !is_directory(here)) {
        return __WASI_ERRNO_NOTDIR;
    }
    *found = here;
    return __WASI_ERRNO_SUCCESS;
}

static __wasi_filetype_t type_of(const struct entry *of) {
    return is_directory(of) ? __WASI_FILETYPE_DIRECTORY : __WASI_FILETYPE_REGULAR_FILE;
}

static void describe(const struct entry *of, int32_t out) {
    *(__wasi_filestat_t *)out = (__wasi_filestat_t){
        .dev = DEVICE,
        .ino = index_of(of) + 1,
        .filetype = type_of(of),
        .nlink = 1,
        .size = is_directory(of) ? 0 : of->count,
        .atim = DATE,
        .mtim = DATE,
        .ctim = DATE,
    };
}

static __wasi_errno_t read_at(const struct entry *of, uint64_t from, int32_t buffers, int32_t count, uint32_t *read) {
    const __wasi_iovec_t *buffer = (const __wasi_iovec_t *)buffers;
    if (of == NULL) {
        return __WASI_ERRNO_BADF;
    }
    if (is_directory(of)) {
        return __WASI_ERRNO_ISDIR;
    }
    *read = 0;
    for (int32_t i = 0; i < count && from < of->count; i++) {
        uint32_t left = of->count - (uint32_t)from;
        uint32_t part = buffer[i].buf_len < left ? buffer[i].buf_len : left;
        memcpy(buffer[i].buf, at(of->first) + from, part);
        from += part;
        *read += part;
    }
    return __WASI_ERRNO_SUCCESS;
}

/* Returns the error of a function that would change the tree: that of the path if it does not exist. */
static __wasi_errno_t unchangeable(int32_t fd, int32_t path, int32_t size) {
    const struct entry *found;
    __wasi_errno_t error = find(fd, path, size, &found);
    return error ? error : __WASI_ERRNO_ROFS;
}

/* Returns the error of a function that would create the path. */
static __wasi_errno_t uncreatable(int32_t fd, int32_t path, int32_t size) {
    const struct entry *found;
    __wasi_errno_t error = find(fd, path, size, &found);
    return error == __WASI_ERRNO_SUCCESS ? __WASI_ERRNO_EXIST : error == __WASI_ERRNO_NOENT ? __WASI_ERRNO_ROFS : error;
}

/* Returns `result` for an open descriptor. */
static __wasi_errno_t if_open(int32_t fd, __wasi_errno_t result) { return opened(fd) ? result : __WASI_ERRNO_BADF; }

/* libc asks for the host's directories, whose descriptors begin with 3, before it first uses a path, and again after a
   snapshot has been resumed. The directories in the root are added at this moment. To add the first one, libc needs the
   host's directories, so it asks again, and this time the host answers. The outer call then ends the list. Of two
   directories with the same path, libc uses the one that was added last, which is the one in the module. */
HOOK(fd_prestat_get, int32_t fd, int32_t out) {
    static int is_inside;
    if (fd != 3 || is_inside || directories() == 0) {
        return host_fd_prestat_get(fd, out);
    }
    is_inside = 1;
    int failed = 0;
    for (int32_t i = 0; i < directories() && !failed; i++) {
        failed = __wasilibc_register_preopened_fd(FIRST + i, at(opened(FIRST + i)->name));
    }
    is_inside = 0;
    return failed ? __WASI_ERRNO_NOMEM : __WASI_ERRNO_BADF;
}

HOOK(fd_close, int32_t fd) {
    if (!is_ours(fd)) {
        return host_fd_close(fd);
    }
    __wasi_errno_t result = if_open(fd, __WASI_ERRNO_SUCCESS);
    open_files[fd - FIRST].is_open = 0;
    return result;
}

HOOK(fd_read, int32_t fd, int32_t buffers, int32_t count, int32_t out) {
    if (!is_ours(fd)) {
        return host_fd_read(fd, buffers, count, out);
    }
    __wasi_errno_t error = read_at(opened(fd), open_files[fd - FIRST].position, buffers, count, (uint32_t *)out);
    if (!error) {
        open_files[fd - FIRST].position += *(uint32_t *)out;
    }
    return error;
}

HOOK(fd_pread, int32_t fd, int32_t buffers, int32_t count, int64_t from, int32_t out) {
    if (!is_ours(fd)) {
        return host_fd_pread(fd, buffers, count, from, out);
    }
    return read_at(opened(fd), (uint64_t)from, buffers, count, (uint32_t *)out);
}

HOOK(fd_seek, int32_t fd, int64_t offset, int32_t whence, int32_t out) {
    if (!is_ours(fd)) {
        return host_fd_seek(fd, offset, whence, out);
    }
    const struct entry *of = opened(fd);
    if (of == NULL || is_directory(of)) {
        return of == NULL ? __WASI_ERRNO_BADF : __WASI_ERRNO_ISDIR;
    }
    int64_t base = whence == __WASI_WHENCE_SET ? 0 : whence == __WASI_WHENCE_END ? of->count : open_files[fd - FIRST].position;
    if (offset < -base || offset > INT64_MAX - base) {
        return __WASI_ERRNO_INVAL;
    }
    *(uint64_t *)out = open_files[fd - FIRST].position = (uint64_t)(base + offset);
    return __WASI_ERRNO_SUCCESS;
}

HOOK(fd_tell, int32_t fd, int32_t out) {
    if (!is_ours(fd)) {
        return host_fd_tell(fd, out);
    }
    *(uint64_t *)out = open_files[fd - FIRST].position;
    return if_open(fd, __WASI_ERRNO_SUCCESS);
}

HOOK(fd_fdstat_get, int32_t fd, int32_t out) {
    if (!is_ours(fd)) {
        return host_fd_fdstat_get(fd, out);
    }
    const struct entry *of = opened(fd);
    if (of == NULL) {
        return __WASI_ERRNO_BADF;
    }
    *(__wasi_fdstat_t *)out = (__wasi_fdstat_t){
        .fs_filetype = type_of(of),
        .fs_rights_base = RIGHTS,
        /* libc asks only for rights in this set, and path_open refuses the right to write. */
        .fs_rights_inheriting = RIGHTS | __WASI_RIGHTS_FD_WRITE,
    };
    return __WASI_ERRNO_SUCCESS;
}

HOOK(fd_filestat_get, int32_t fd, int32_t out) {
    if (!is_ours(fd)) {
        return host_fd_filestat_get(fd, out);
    }
    const struct entry *of = opened(fd);
    if (of == NULL) {
        return __WASI_ERRNO_BADF;
    }
    describe(of, out);
    return __WASI_ERRNO_SUCCESS;
}

HOOK(fd_readdir, int32_t fd, int32_t buffer, int32_t size, int64_t cookie, int32_t out) {
    if (!is_ours(fd)) {
        return host_fd_readdir(fd, buffer, size, cookie, out);
    }
    const struct entry *of = opened(fd);
    if (of == NULL || !is_directory(of)) {
        return of == NULL ? __WASI_ERRNO_BADF : __WASI_ERRNO_NOTDIR;
    }
    char *to = (char *)buffer, *end = to + (uint32_t)size;
    /* A record that does not fit is cut off: the caller then calls again with a larger buffer. */
    for (uint64_t i = (uint64_t)cookie; i < of->count && to < end; i++) {
        const struct entry *one = entry(of->first + (uint32_t)i);
        __wasi_dirent_t record = {
            .d_next = i + 1, .d_ino = index_of(one) + 1, .d_namlen = one->name_size, .d_type = type_of(one)};
        uint32_t part = (uint32_t)(end - to) < sizeof record ? (uint32_t)(end - to) : sizeof record;
        memcpy(to, &record, part);
        to += part;
        part = (uint32_t)(end - to) < one->name_size ? (uint32_t)(end - to) : one->name_size;
        memcpy(to, at(one->name), part);
        to += part;
    }
    *(uint32_t *)out = (uint32_t)(to - (char *)buffer);
    return __WASI_ERRNO_SUCCESS;
}

HOOK(path_open, int32_t fd, int32_t lookup, int32_t path, int32_t size, int32_t flags, int64_t rights, int64_t inherited,
     int32_t fd_flags, int32_t out) {
    if (!is_ours(fd)) {
        return host_path_open(fd, lookup, path, size, flags, rights, inherited, fd_flags, out);
    }
    const struct entry *found;
    __wasi_errno_t error = find(fd, path, size, &found);
    if (error) {
        return error == __WASI_ERRNO_NOENT && flags & __WASI_OFLAGS_CREAT ? __WASI_ERRNO_ROFS : error;
    }
    if (flags & __WASI_OFLAGS_CREAT && flags & __WASI_OFLAGS_EXCL) {
        return __WASI_ERRNO_EXIST;
    }
    if (flags & __WASI_OFLAGS_DIRECTORY && !is_directory(found)) {
        return __WASI_ERRNO_NOTDIR;
    }
    if (flags & __WASI_OFLAGS_TRUNC || rights & __WASI_RIGHTS_FD_WRITE) {
        return is_directory(found) ? __WASI_ERRNO_ISDIR : __WASI_ERRNO_ROFS;
    }
    for (int32_t i = directories(); i < OPEN_MAX; i++) {
        if (!open_files[i].is_open) {
            open_files[i].entry = index_of(found);
            entry(index_of(found))->flags |= OPENED;
            open_files[i].is_open = 1;
            open_files[i].position = 0;
            *(int32_t *)out = FIRST + i;
            return __WASI_ERRNO_SUCCESS;
        }
    }
    return __WASI_ERRNO_MFILE;
}

HOOK(path_filestat_get, int32_t fd, int32_t lookup, int32_t path, int32_t size, int32_t out) {
    if (!is_ours(fd)) {
        return host_path_filestat_get(fd, lookup, path, size, out);
    }
    const struct entry *found;
    __wasi_errno_t error = find(fd, path, size, &found);
    if (!error) {
        describe(found, out);
    }
    return error;
}

/* There are no links. */
HOOK(path_readlink, int32_t fd, int32_t path, int32_t size, int32_t buffer, int32_t buffer_size, int32_t out) {
    if (!is_ours(fd)) {
        return host_path_readlink(fd, path, size, buffer, buffer_size, out);
    }
    const struct entry *found;
    __wasi_errno_t error = find(fd, path, size, &found);
    return error ? error : __WASI_ERRNO_INVAL;
}

/* Functions with nothing to do. */

HOOK(fd_advise, int32_t fd, int64_t from, int64_t size, int32_t advice) {
    return is_ours(fd) ? if_open(fd, __WASI_ERRNO_SUCCESS) : host_fd_advise(fd, from, size, advice);
}

HOOK(fd_datasync, int32_t fd) { return is_ours(fd) ? if_open(fd, __WASI_ERRNO_SUCCESS) : host_fd_datasync(fd); }

HOOK(fd_sync, int32_t fd) { return is_ours(fd) ? if_open(fd, __WASI_ERRNO_SUCCESS) : host_fd_sync(fd); }

HOOK(fd_fdstat_set_flags, int32_t fd, int32_t flags) {
    return is_ours(fd) ? if_open(fd, __WASI_ERRNO_SUCCESS) : host_fd_fdstat_set_flags(fd, flags);
}

/* Functions that would change the tree. No descriptor of the tree is open for writing. */

HOOK(fd_write, int32_t fd, int32_t buffers, int32_t count, int32_t out) {
    return is_ours(fd) ? __WASI_ERRNO_BADF : host_fd_write(fd, buffers, count, out);
}

HOOK(fd_pwrite, int32_t fd, int32_t buffers, int32_t count, int64_t from, int32_t out) {
    return is_ours(fd) ? __WASI_ERRNO_BADF : host_fd_pwrite(fd, buffers, count, from, out);
}

HOOK(fd_allocate, int32_t fd, int64_t from, int64_t size) {
    return is_ours(fd) ? __WASI_ERRNO_BADF : host_fd_allocate(fd, from, size);
}

HOOK(fd_filestat_set_size, int32_t fd, int64_t size) {
    return is_ours(fd) ? __WASI_ERRNO_BADF : host_fd_filestat_set_size(fd, size);
}

HOOK(fd_filestat_set_times, int32_t fd, int64_t accessed, int64_t modified, int32_t flags) {
    return is_ours(fd) ? if_open(fd, __WASI_ERRNO_ROFS) : host_fd_filestat_set_times(fd, accessed, modified, flags);
}

HOOK(fd_renumber, int32_t from, int32_t to) {
    return is_ours(from) || is_ours(to) ? __WASI_ERRNO_NOTSUP : host_fd_renumber(from, to);
}

HOOK(path_create_directory, int32_t fd, int32_t path, int32_t size) {
    return is_ours(fd) ? uncreatable(fd, path, size) : host_path_create_directory(fd, path, size);
}

HOOK(path_filestat_set_times, int32_t fd, int32_t lookup, int32_t path, int32_t size, int64_t accessed,
     int64_t modified, int32_t flags) {
    return is_ours(fd) ? unchangeable(fd, path, size)
                       : host_path_filestat_set_times(fd, lookup, path, size, accessed, modified, flags);
}

HOOK(path_link, int32_t fd, int32_t lookup, int32_t path, int32_t size, int32_t to, int32_t new_path, int32_t new_size) {
    if (is_ours(to)) {
        return uncreatable(to, new_path, new_size);
    }
    return is_ours(fd) ? __WASI_ERRNO_XDEV : host_path_link(fd, lookup, path, size, to, new_path, new_size);
}

HOOK(path_remove_directory, int32_t fd, int32_t path, int32_t size) {
    return is_ours(fd) ? unchangeable(fd, path, size) : host_path_remove_directory(fd, path, size);
}

HOOK(path_rename, int32_t fd, int32_t path, int32_t size, int32_t to, int32_t new_path, int32_t new_size) {
    if (is_ours(fd)) {
        return unchangeable(fd, path, size);
    }
    return is_ours(to) ? __WASI_ERRNO_XDEV : host_path_rename(fd, path, size, to, new_path, new_size);
}

HOOK(path_symlink, int32_t target, int32_t target_size, int32_t fd, int32_t path, int32_t size) {
    return is_ours(fd) ? uncreatable(fd, path, size) : host_path_symlink(target, target_size, fd, path, size);
}

HOOK(path_unlink_file, int32_t fd, int32_t path, int32_t size) {
    return is_ours(fd) ? unchangeable(fd, path, size) : host_path_unlink_file(fd, path, size);
}
