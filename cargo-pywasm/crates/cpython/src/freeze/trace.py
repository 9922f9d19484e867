"""Imports modules of the library, to see what they import.

This text is part of the same program as `collect.py`.
"""

import importlib
import sys
import traceback

# Modules that Python needs before anything else can be imported or printed.
ALWAYS = [
    "abc", "codecs", "encodings", "encodings.aliases", "encodings.ascii", "encodings.latin_1",
    "encodings.utf_8", "io",
]

# Modules that Python has loaded from the start, under other names: the keys of BOOTSTRAP.
PRELOADED = {"importlib._bootstrap", "importlib._bootstrap_external"}

# The modules of importlib that C code imports, by their names in C.
BOOTSTRAP = {
    "_frozen_importlib": "importlib._bootstrap",
    "_frozen_importlib_external": "importlib._bootstrap_external",
}

# Built-in modules that Python needs to start, or through which parts of the interpreter find each other.
# The list follows the imports of pylifecycle.c and of importlib's two files, and CPython's config.c.in.
ALWAYS_BUILT_IN = [
    "_abc", "_ast", "_codecs", "_imp", "_io", "_string", "_thread", "_tokenize", "_warnings", "_weakref",
    "builtins", "gc", "marshal", "posix", "sys",
]

# Modules that this program uses. A second import would create them again.
IN_USE = {*ALWAYS, *ALWAYS_BUILT_IN, *BOOTSTRAP, *PRELOADED, "__main__", "importlib"}


class Trace:
    """Resets sys.modules to its initial state, so that new entries show what an import has imported.

    Modules are really imported, because only running code shows which imports are reached and which fail.
    """

    def __init__(self, excluded):
        self.excluded = excluded
        self.failed_on_excluded = False

    def __enter__(self):
        self.kept = dict(sys.modules)
        for name in self.kept:
            if not (name in IN_USE or name.startswith("encodings")):
                del sys.modules[name]
        sys.modules.update(dict.fromkeys(self.excluded))
        return self

    def __exit__(self, *_):
        sys.modules.clear()
        sys.modules.update(self.kept)

    def imports(self, name):
        """Imports a module and returns the error message if that fails."""
        self.failed_on_excluded = False
        try:
            importlib.import_module(name)
        except ImportError as error:
            self.failed_on_excluded = error.name in sys.modules and sys.modules[error.name] is None
            if self.failed_on_excluded:
                return f"`{importer(error)}` needs `{error.name}`, which is excluded"
            return f"{error}"
        except (Exception, SystemExit) as error:
            return f"{type(error).__name__}: {error}"


def importer(error):
    """Returns the name of the module whose code raised the error."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    names = [frame.f_globals.get("__name__", "") for frame in frames]
    return next((name for name in reversed(names) if not name.startswith("importlib")), "?")
