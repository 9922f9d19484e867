"""Functions that return what Python sees through libc. Rust compares it with its own view."""

import errno
import gc
import os
import stat
import time
import weakref

calls = 0


def counter():
    global calls
    calls += 1
    return calls


class Cycle:
    finalized = 0

    def __init__(self):
        self.itself = self

    def __del__(self):
        Cycle.finalized += 1


def collector():
    """Returns how many of three new reference cycles a garbage collection finalizes."""
    gc.collect()
    before = Cycle.finalized
    references = [weakref.ref(Cycle()) for _ in range(3)]
    gc.collect()
    assert all(reference() is None for reference in references)
    return Cycle.finalized - before


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def lstat(path):
    """Returns the fields of `struct stat` that WASI fills; times are in nanoseconds."""
    found = os.lstat(path)
    kind = stat.S_IFMT(found.st_mode)
    return kind, found.st_size, found.st_nlink, found.st_ino, found.st_mtime_ns, found.st_atime_ns


def entries(path):
    """Returns the name, kind and inode of each directory entry, sorted."""
    with os.scandir(path) as found:
        return sorted((entry.name, entry.is_dir(), entry.inode()) for entry in found)


def stat_error(path):
    """Returns the number, name and message of the error of `stat`."""
    try:
        os.stat(path)
    except OSError as error:
        return error.errno, errno.errorcode[error.errno], error.strerror
    return 0, "", ""


def clocks():
    return time.time_ns(), time.monotonic_ns()


def calendar(seconds):
    """Returns the fields of `struct tm` that gmtime fills, with C's month and year offsets."""
    at = time.gmtime(seconds)
    return at.tm_sec, at.tm_min, at.tm_hour, at.tm_mday, at.tm_mon - 1, at.tm_year - 1900


def putenv(name, value):
    os.putenv(name, value)


def arithmetic(x):
    """Results of libm may differ between libcs, but not within one module."""
    import math

    return math.sin(x), math.exp(x), math.log(x), math.gamma(x), math.fmod(x, 0.3), x**0.1
