"""Finds the modules of the user and of installed packages.

This text is part of the same program as `collect.py`.
"""

import os
import sys

# The endings of native modules on other platforms.
NATIVE = (".so", ".pyd", ".dylib")


class Own:
    """A module of the user or of an installed package (`wheel`). A namespace package has no file."""

    def __init__(self, package, is_package, is_module=True):
        self.path, self.shown, self.wheel = package["path"], package["shown"], package["wheel"]
        self.is_package, self.file = is_package, package["file"] if is_module else None


class Packages:
    """The modules in the packages of a request, by name."""

    def __init__(self, request, library):
        self.library = library
        # The modules, and the files of native modules.
        self.own, self.native = {}, {}
        self.excluded_files = set(request["excluded_files"])
        for package in request["packages"]:
            path = package["path"]
            if package["name"].isidentifier() and (path.endswith(".py") or os.path.isdir(path)):
                self.add(package)
            elif path.endswith(NATIVE):
                self.native[package["name"].split(".")[0]] = package["shown"]

    def add(self, package):
        name, path, shown, file = package["name"], package["path"], package["shown"], package["file"]
        if name in sys.builtin_module_names or self.library.find(name):
            raise Refused(f"`{shown}` has the name of Python's own module `{name}`")
        if not os.path.isdir(path):
            if file not in self.excluded_files:
                self.own[name] = Own(package, False)
            return
        # Several installed packages can have modules in the same namespace package.
        self.own.setdefault(name, Own(package, True, is_module=False))
        entries = sorted(os.listdir(path))
        native = [entry for entry in entries if entry.endswith(NATIVE)]
        self.native.update({f"{name}.{entry.split('.')[0]}": f"{shown}/{entry}" for entry in native})
        for entry in entries:
            inner = package | {key: f"{package[key]}/{entry}" for key in ("path", "shown", "file")}
            if inner["file"] in self.excluded_files:
                continue
            if entry == "__init__.py":
                self.own[name] = Own(inner, True)
            elif entry.endswith(".py") and entry[:-3].isidentifier():
                self.own[f"{name}.{entry[:-3]}"] = Own(inner, False)
            elif os.path.isdir(inner["path"]) and entry.isidentifier() and entry != "__pycache__":
                # Beside a native module, a directory without Python code contains types for it.
                files = files_below(inner["path"])
                if f"{name}.{entry}" not in self.native or any(file.endswith(".py") for file in files):
                    self.add(inner | {"name": f"{name}.{entry}"})

    def nested(self, name):
        """Returns the file or directory of a module in a top-level directory without `__init__.py`, which is
        perhaps meant to be the place of packages, and not a package."""
        for known, own in self.own.items():
            outer, _, inner = known.partition(".")
            if inner == name and not self.own[outer].file:
                return own.shown.removesuffix("/__init__.py")
        return None
