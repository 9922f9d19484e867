"""Imports every module there is, without a library on the disk: what can't be imported needs what WASI
does not have, or a C library that this Python is built without.

    cargo pywasm run-wasm --stdlib frozen --no-cwd --dir . python.wasm check.py
"""
import _imp
import importlib
import sys

# C libraries that are not part of CPython, and parts of a machine that WASI does not have.
ABSENT = {
    "_bz2", "_ctypes", "_curses", "_dbm", "_gdbm", "_lzma", "_multiprocessing", "_sqlite3", "_ssl", "mmap",
    "msvcrt", "termios", "zlib",
}
# Other machines' parts, and processes: these say it in their own words.
ELSEWHERE = {
    "asyncio.windows_events", "asyncio.windows_utils", "encodings.mbcs", "encodings.oem",
    "multiprocessing.popen_fork", "multiprocessing.popen_forkserver", "multiprocessing.popen_spawn_posix",
}
# They print, open a browser, or run as programs.
PROGRAMS = {"antigravity", "this"}


def reason(name):
    """Why a module can't be imported; none where it can, or where that is as it should be."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return None if error.name in ABSENT or name in ELSEWHERE else f"{error}"
    except Exception as error:
        return None if name in ELSEWHERE else f"{type(error).__name__}: {error}"


names = {*_imp._frozen_module_names(), *sys.builtin_module_names} - PROGRAMS
names = sorted(name for name in names if not name.endswith("__main__") and "hello" not in name)
broken = {name: why for name in names if (why := reason(name))}
for name, why in broken.items():
    print(f"{name}: {why}")
missing = {name for name in sys.stdlib_module_names if not name.startswith("_")} - {*names, *PROGRAMS}
print(f"{len(names)} modules, {len(broken)} of them broken")
print("not here:", *sorted(missing))
sys.exit(bool(broken))
