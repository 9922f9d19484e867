"""What Python sees through libc, for Rust to compare with what it sees."""

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


class Knot:
    ended = 0

    def __init__(self):
        self.itself = self

    def __del__(self):
        Knot.ended += 1


def collector():
    gc.collect()
    before = Knot.ended
    watched = [weakref.ref(Knot()) for _ in range(3)]
    gc.collect()
    assert all(ref() is None for ref in watched)
    return Knot.ended - before


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


def look(path):
    """Kind, size, links and times in nanoseconds: all of `struct stat` that WASI fills."""
    found = os.lstat(path)
    kind = stat.S_IFMT(found.st_mode)
    return kind, found.st_size, found.st_nlink, found.st_ino, found.st_mtime_ns, found.st_atime_ns


def entries(path):
    """Names and kinds as readdir gives them, and inodes, sorted."""
    with os.scandir(path) as found:
        return sorted((entry.name, entry.is_dir(), entry.inode()) for entry in found)


def errno_of(path):
    try:
        os.stat(path)
    except OSError as error:
        return error.errno, errno.errorcode[error.errno], error.strerror
    return 0, "", ""


def clocks():
    return time.time_ns(), time.monotonic_ns()


def calendar(seconds):
    """Every field of `struct tm` that gmtime fills, as C counts them."""
    at = time.gmtime(seconds)
    return at.tm_sec, at.tm_min, at.tm_hour, at.tm_mday, at.tm_mon - 1, at.tm_year - 1900


def put(name, value):
    os.putenv(name, value)


def arithmetic(x):
    """What libm makes: its results may differ between libcs, not within a module."""
    import math

    return math.sin(x), math.exp(x), math.log(x), math.gamma(x), math.fmod(x, 0.3), x**0.1
