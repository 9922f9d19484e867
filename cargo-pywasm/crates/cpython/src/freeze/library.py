"""Finds modules in the directory of the standard library.

This text is part of the same program as `collect.py`.
"""

import marshal
import os
from functools import cache

# Directories that are not part of the library proper. CPython's own zip leaves them out as well.
NOT_MODULES = {"__pycache__", "site-packages", "lib-dynload", "test", "tests", "idlelib", "turtledemo"}


class Library:
    """The standard library, without the modules that only raise an error (`unavailable`)."""

    def __init__(self, directory, unavailable):
        self.directory, self.unavailable = directory, set(unavailable)

    @cache
    def find(self, name):
        """Returns the path of a module's source, and whether it is a package."""
        if name in self.unavailable:
            return None
        path = f"{self.directory}/{name.replace('.', '/')}"
        if os.path.isfile(f"{path}/__init__.py"):
            return f"{path}/__init__.py", True
        if os.path.isfile(f"{path}.py"):
            return f"{path}.py", False
        return None

    @cache
    def is_broken(self, name):
        """Returns true for a module that needs a module that only raises an error, such as `ctypes`, which needs
        `_ctypes`."""
        if not (found := self.find(name)):
            return False
        source, is_package = found
        code = marshal.loads(bytecode(source))
        return not self.unavailable.isdisjoint(imported(code, name, is_package, deep=False))

    def names_below(self, package):
        """Yields all modules of a package; of the whole library if `package` is empty."""
        top = f"{self.directory}/{package.replace('.', '/')}" if package else self.directory
        for entry in sorted(os.listdir(top)):
            name = f"{package}.{entry}" if package else entry
            if entry.endswith(".py") and entry[:-3].isidentifier() and name[:-3] not in self.unavailable:
                yield package if entry == "__init__.py" else name[:-3]
            elif entry.isidentifier() and entry not in NOT_MODULES and os.path.isdir(f"{top}/{entry}"):
                yield from self.names_below(name)

    def relative(self, source):
        """Returns the path of a source in the library."""
        return source.removeprefix(f"{self.directory}/")
