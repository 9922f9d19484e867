"""Looks up a time zone and imports every module of the library while no library is on disk. Fails if a module
cannot be imported.

    cargo pywasm run-wasm --stdlib embedded --no-cwd --dir . python.wasm check.py
"""
import _imp
import importlib
import os
import sys
import zoneinfo

# Extension modules that need a C library outside CPython, or a system interface that WASI lacks.
UNAVAILABLE = {
    "_ctypes", "_curses", "_dbm", "_gdbm", "_multiprocessing", "_ssl", "mmap", "msvcrt", "termios",
}
# Modules of other platforms, and modules that start processes. Their import raises various errors.
OTHER_PLATFORMS = {
    "asyncio.windows_events", "asyncio.windows_utils", "encodings.mbcs", "encodings.oem",
    "multiprocessing.popen_fork", "multiprocessing.popen_forkserver", "multiprocessing.popen_spawn_posix",
}
# Modules whose import prints text or opens a browser.
SIDE_EFFECTS = {"antigravity", "this"}


def failure(name):
    """Returns why the import of a module fails, or None if it succeeds or is expected to fail."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return None if error.name in UNAVAILABLE or name in OTHER_PLATFORMS else f"{error}"
    except Exception as error:
        return None if name in OTHER_PLATFORMS else f"{type(error).__name__}: {error}"


def modules_in(directory, package=""):
    """Yields the names of the modules whose files are in a directory."""
    for entry in sorted(os.listdir(directory)):
        if os.path.isdir(f"{directory}/{entry}"):
            yield from modules_in(f"{directory}/{entry}", f"{package}{entry}.")
        elif entry == "__init__.pyc":
            yield package.removesuffix(".")
        elif entry.endswith(".pyc"):
            yield package + entry.removesuffix(".pyc")


assert zoneinfo.ZoneInfo("Europe/Berlin").key == "Europe/Berlin"
library = [*modules_in(os.path.dirname(os.__file__))]
assert len(library) > 400, library
names = {*library, *_imp._frozen_module_names(), *sys.builtin_module_names} - SIDE_EFFECTS
names = sorted(name for name in names if not name.endswith("__main__") and "hello" not in name)
failures = {name: message for name in names if (message := failure(name))}
for name, message in failures.items():
    print(f"{name}: {message}")
public = {name for name in sys.stdlib_module_names if not name.startswith("_")}
print(f"{len(names)} modules, {len(failures)} failures")
print("not included:", *sorted(public - {*names, *SIDE_EFFECTS}))
sys.exit(bool(failures))
