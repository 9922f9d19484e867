"""Collects the modules to freeze or to embed as files.

Runs in the interpreter that will import them. Reads a request from stdin and writes /out/index.json
and /out/code, or a message to /out/error.
"""

import _imp
import difflib
import importlib.util
import json
import marshal
import sys
from functools import cache

# Imports by C code, which bytecode does not show: calls of PyImport_* in Modules/ and Objects/.
IMPORTED_BY_C = {
    "_asyncio": ["asyncio"],
    "_datetime": ["_strptime"],
    "_decimal": ["collections", "numbers"],
    "_elementtree": ["copy", "xml.etree.ElementPath"],
    "_pickle": ["_compat_pickle", "copyreg"],
    "_zoneinfo": ["zoneinfo._common", "zoneinfo._tzpath"],
    "time": ["_strptime"],
}

# The module of the build's variables. `sysconfig` computes its name at run time:
# `_get_sysconfigdata_name` in Lib/sysconfig/__init__.py.
BUILD_DATA = f"_sysconfigdata_{sys.abiflags}_{sys.platform}_{getattr(sys.implementation, '_multiarch', '')}"

# Imports in functions that almost every program calls if it imports the module, such as `files` and
# `message_from_string`.
IN_FUNCTIONS = {
    "concurrent.futures": ["concurrent.futures.thread"],
    "email": ["email.parser"],
    "importlib.metadata": ["csv", "importlib.metadata._adapters"],
    "importlib.resources._common": ["importlib.readers", "importlib.resources._adapters"],
}
HIDDEN = {**IMPORTED_BY_C, **IN_FUNCTIONS, "sysconfig": [BUILD_DATA]}

# Modules without a file that their packages add to sys.modules.
ADDED = {"collections.abc", "os.path"}

# The module by which Python recognizes the directory of its library (STDLIB_LANDMARKS in Modules/getpath.py).
LANDMARK = "os"


def is_name(text):
    return all(part.isidentifier() for part in text.split("."))


class Compiled:
    """A module with its code, or with the place of its code in the kept code of its installed package. A
    frozen module has no file."""

    def __init__(self, is_package, code, file=None, own=None, outline=(), offset=None, size=None):
        self.is_package, self.code, self.file, self.own, self.outline = is_package, code, file, own, outline
        self.offset, self.size = offset, size


class Need:
    """A reason to include a module: the file that imports it, or "" for the request itself, whether it is
    an error if the module is missing, and the installed package that contains the file."""

    def __init__(self, by, required, wheel=None):
        self.by, self.required, self.wheel = by, required, wheel


def add_need(needs, name, new):
    """Keeps the strictest reason for each module."""
    if name not in needs or (new.required and not needs[name].required):
        needs[name] = new


class Collector:
    def __init__(self, request):
        self.stdlib = Library(request["stdlib"], request["unavailable"])
        self.closed = request["closed"]
        # True if modules of the library become files.
        self.library_files = request["library_files"]
        # The sources of the selected modules of the library, relative to its directory.
        self.library_sources = set()
        self.packages = Packages(request, self.stdlib)
        self.own, self.native = self.packages.own, self.packages.native
        self.built_in = set(ALWAYS_BUILT_IN)
        # The kept modules of installed packages, by the files of the modules.
        self.kept = {}
        for wheel in request["kept"]:
            with open(f"/kept/{wheel}/modules.json") as file:
                self.kept[wheel] = json.load(file)
        self.requested, self.excluded = [], []
        for word in request["modules"]:
            (self.excluded if word.startswith("!") else self.requested).append(word.removeprefix("!"))
        self.absent, self.unknown = set(), {}
        # The names that imports need from modules of the library, each with its module and the reason.
        self.named = []
        # The failing calls, each with its file.
        self.failing = []

    @cache
    def is_known(self, name):
        is_included = name in sys.builtin_module_names or name in self.own or name in ADDED
        return is_included or self.stdlib.find(name) or _imp.find_frozen(name)

    @cache
    def nearest(self, name):
        """Returns the module or, if it is unknown, the closest known package that should contain it.

        Importing the package may add the module to sys.modules, as `os` adds `os.path`.
        """
        parent = name
        while parent and not self.is_known(parent):
            parent = parent.rpartition(".")[0]
        return parent or name

    def is_broken(self, name):
        return name not in self.own and not self.is_excluded(name) and self.stdlib.is_broken(name)

    def is_excluded(self, name):
        return any(name == word or name.startswith(word + ".") for word in self.excluded)

    def in_libpython(self, name):
        """Returns true if the set is not closed and libpython already contains the frozen module."""
        return not self.closed and _imp.find_frozen(name)

    def roots(self):
        """Yields the requested modules of the library, and for each whether it was named individually."""
        for word in ALWAYS:
            if self.is_excluded(word):
                raise Refused(f"cannot exclude `{word}`: Python does not start without it")
            yield word, True
        for word in self.requested:
            if word == "*":
                yield from ((name, False) for name in [*self.stdlib.names_below(""), BUILD_DATA])
            elif word.endswith(".*") and is_name(word[:-2]) and self.stdlib.find(word[:-2]):
                yield from ((name, False) for name in self.stdlib.names_below(word[:-2]))
            elif word in self.own or word in sys.builtin_module_names or self.stdlib.find(word):
                yield word, True
            else:
                near = difflib.get_close_matches(word, self.stdlib.names_below(""), 1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                raise Refused(f"Python has no module `{word}` to freeze{hint}")

    def collect(self):
        done, needs = {}, {}
        for name, is_named in self.roots():
            add_need(needs, name, Need("", is_named))
        if "*" in self.requested:
            self.built_in.update(sys.builtin_module_names)
        imports = {}
        for name, own in self.own.items():
            if own.file and not self.is_excluded(name) and (module := self.compiled(name, own)):
                done[name] = module
                imports[name] = list(imports_in(module.outline, self.succeeds))
        reached = self.reached(imports, through_branches=False)
        # A package that needs its native code may choose at run time how it imports the code.
        perhaps_reached = self.reached(imports, through_branches=True)
        for name, found in imports.items():
            own = self.own[name]
            if name in reached:
                self.failing += [(own.shown, function) for function in calls_in(done[name].outline)]
            for one in found:
                expected = name in reached and not one.guarded
                add_need(needs, self.nearest(one.target), Need(own.shown, expected))
                for item in one.names:
                    add_need(needs, self.nearest(f"{one.target}.{item}"), Need(own.shown, False))
                if name in reached and not one.guarded and not one.conditional:
                    need = Need(own.shown, True, own.wheel)
                    self.named += [(one.target, item, need) for item in one.names if item != "*"]
                for missing in self.missing(one):
                    may_run = name in (perhaps_reached if missing in self.native else reached)
                    required = may_run and not one.guarded and not one.conditional
                    add_need(self.unknown, missing, Need(own.shown, required, own.wheel))
        for name, is_package, blob, file in self.library(needs):
            done[name] = Compiled(is_package, blob, file)
        return done | self.bootstrap() | self.landmark()

    def compiled(self, name, own):
        """Returns a module, or None for a module of an installed package that is not valid Python. Such a
        module is embedded as source, and importing it fails, as it does elsewhere."""
        if (kept := self.kept.get(own.wheel, {}).get(own.file)) is not None:
            return Compiled(own.is_package, None, own.file, own, kept["outline"], kept["offset"], kept["size"])
        source, code = compiled(own)
        if code is None:
            own.file = None
            return None
        outline = outline_of(name, own, source, code)
        if codecs := [f"encodings.{name}" for name in encodings_in(code) if self.stdlib.find(f"encodings.{name}")]:
            outline.append(["function", [["guard", [["import", name, []] for name in codecs]]]])
        return Compiled(own.is_package, marshal.dumps(code), own.file, own, outline)

    def reached(self, imports, through_branches):
        """Returns the modules that are imported when the user's modules and the top-level modules of
        installed packages are. Installed packages contain modules for other platforms, which are not."""
        todo = [name for name in imports if not self.own[name].wheel or "." not in name]
        reached = set(todo)
        while todo:
            for one in imports[todo.pop()]:
                if one.guarded or one.in_function or (one.conditional and not through_branches):
                    continue
                for target in (one.target, *(f"{one.target}.{item}" for item in one.names)):
                    parts = target.split(".")
                    for name in (".".join(parts[: end + 1]) for end in range(len(parts))):
                        if name in imports and name not in reached:
                            reached.add(name)
                            todo.append(name)
        return reached

    def library(self, needs):
        """Yields the needed modules of the library and everything that importing them imports."""
        todo = {name: need for name, need in needs.items() if name not in self.own and self.is_known(name)}
        seen, requested = set(), {name for name, need in todo.items() if not need.by}
        self.followed = set()
        with Trace(self.excluded) as trace:
            while todo:
                for name, need in sorted(todo.items()):
                    self.trace(trace, name, need)
                todo = {}
                for name in sorted(set(sys.modules) - seen):
                    seen.add(name)
                    if sys.modules[name] is not None:
                        self.unknown.pop(name, None)
                    todo |= {name: Need(name, False) for name in HIDDEN.get(name, ()) if name not in seen}
                # Since Python 3.15, modules can be imported when they are first used (PEP 810).
                lazy = set(getattr(sys, "lazy_modules", ())) - seen - self.followed
                todo |= {name: Need("a lazy import", False) for name in lazy if self.is_known(name)}
            self.add_unknown_names()
        for name in sorted(seen | requested | self.followed):
            if self.is_excluded(name) or name in PRELOADED or name in BOOTSTRAP:
                continue
            if name in sys.builtin_module_names:
                self.built_in.add(name)
            elif found := self.stdlib.find(name):
                source, is_package = found
                blob = bytecode(source)
                code = marshal.loads(blob)
                deep = list(imported(code, name, is_package, deep=True))
                self.absent.update(deep)
                # Built-in modules cost little, so those that functions import are included too (see `hashlib`).
                self.built_in.update(it for it in deep if it in sys.builtin_module_names and not self.is_excluded(it))
                if name == "encodings.aliases" and self.closed:
                    blob = aliases(code.co_filename, seen | requested)
                if not self.in_libpython(name):
                    yield name, is_package, blob, self.file_of(name, source)
                if self.library_files:
                    self.library_sources.add(self.stdlib.relative(source))

    def add_unknown_names(self):
        """Adds the names that modules of the library do not have on WASI, such as `os.getuid`. Only an import
        of the module shows its names."""
        for target, item, need in self.named:
            module = None if target in self.own else sys.modules.get(target)
            if module and not hasattr(module, item) and not self.is_known(f"{target}.{item}"):
                add_need(self.unknown, f"{target}.{item}", need)

    def file_of(self, name, source):
        """Returns the path of a module in the embedded library, or None if it is frozen, so that Python starts
        even if it does not search the library."""
        return None if name in ALWAYS or not self.library_files else self.stdlib.relative(source)

    def landmark(self):
        if not self.library_files:
            return {}
        source, is_package = self.stdlib.find(LANDMARK)
        file = self.stdlib.relative(source)
        self.library_sources.add(file)
        return {LANDMARK: Compiled(is_package, bytecode(source), file)}

    def trace(self, trace, name, need):
        if self.is_excluded(name):
            if need.by and need.required:
                raise Refused(f"`{need.by}` imports `{name}`, which is excluded")
            return
        if not need.by and not need.required:
            # The module was requested with its whole package. It may be a program, which an import would run.
            if "*" not in self.requested:
                self.follow(trace, name)
            return
        problem = trace.imports(name)
        if problem and need.required and (self.closed or trace.failed_on_excluded):
            origin = f"`{need.by}` imports `{name}`: " if need.by else ""
            raise Refused(f"{origin}cannot import `{name}`: {problem}")
        if problem and not self.closed:
            # The import may succeed at run time, when more modules are available.
            self.follow(trace, name)

    def follow(self, trace, name):
        """Imports the modules that a module's code names, but not the module itself."""
        if found := self.stdlib.find(name):
            source, is_package = found
            self.followed.add(name)
            for target in imported(marshal.loads(bytecode(source)), name, is_package, deep=False):
                new = target not in sys.modules and target not in self.followed
                if new and self.is_known(target) and trace.imports(target):
                    self.follow(trace, target)

    def bootstrap(self):
        if not self.closed:
            return {}
        return {name: Compiled(False, self.bootstrapping(name, file)) for name, file in BOOTSTRAP.items()}

    def bootstrapping(self, name, file):
        """Returns a module's code with the file name that makes tracebacks omit its frames."""
        source, _ = self.stdlib.find(file)
        return marshal.dumps(renamed(marshal.loads(bytecode(source)), f"<frozen {file}>"))

    def missing(self, one):
        """Returns the modules that an import needs and that are not included."""
        native = [f"{one.target}.{item}" for item in one.names if f"{one.target}.{item}" in self.native]
        return [name for name in [one.target, *native] if self.is_broken(name) or not self.is_found(name)]

    @cache
    def is_found(self, name):
        return self.is_known(name) or self.is_added(name)

    def is_added(self, name):
        """Returns true if only a module that is not a package can contain the module.

        Such a module adds entries to sys.modules, as `six` does.
        """
        nearest = self.nearest(name)
        return nearest in self.own and not self.own[nearest].is_package

    def succeeds(self, one):
        return not self.missing(one) and not self.is_excluded(one.target)

    def described(self, name):
        """Returns an entry of the index for a module that was not found."""
        need, top = self.unknown[name], name.partition(".")[0]
        return {
            "name": name,
            "by": need.by,
            "required": need.required,
            "package": None if self.is_known(top) else top,
            "native": self.native.get(name),
            "nested": None if self.is_known(top) else self.packages.nested(top),
            "in_stdlib": top in sys.stdlib_module_names,
            "wheel": need.wheel,
        }

    def left_out(self, inside):
        """Returns the modules that functions of the library import and that are not included."""
        known = {name for name in self.absent if self.stdlib.find(name) and not self.in_libpython(name)}
        return sorted(known - inside.keys())


def main():
    collector = Collector(json.load(sys.stdin))
    inside = collector.collect()
    index, new = [], {}
    with open("/out/code", "wb") as file:
        for name in sorted(inside):
            module = inside[name]
            wheel = module.own and module.own.wheel
            entry = {"name": name, "package": module.is_package, "file": module.file, "own": bool(module.own)}
            if module.code is None:
                index.append(entry | {"kept": wheel, "offset": module.offset, "size": module.size})
                continue
            place = {"offset": file.tell(), "size": len(module.code)}
            index.append(entry | {"kept": None} | place)
            file.write(module.code)
            if wheel and wheel not in collector.kept:
                new.setdefault(wheel, {})[module.file] = place | {"outline": module.outline}
    with open("/out/index.json", "w") as file:
        unknown = [collector.described(name) for name in sorted(collector.unknown)]
        # Imports that are sure to fail are described by themselves.
        failing = {name for name, need in collector.unknown.items() if need.required}
        native = [path for name, path in collector.native.items() if name not in failing]
        lists = {"absent": collector.left_out(inside), "unknown": unknown}
        lists["left"] = sorted(native)
        lists["own"] = sorted(own.file for own in collector.own.values() if own.file)
        lists["library"] = sorted(collector.library_sources)
        lists["new"] = new
        lists["failing"] = [
            {"file": file, "function": function, "feature": FEATURES[function]}
            for file, function in sorted(set(collector.failing))
        ]
        lists["magic"] = list(importlib.util.MAGIC_NUMBER)
        lists["cache_tag"] = sys.implementation.cache_tag
        lists["built_in"] = sorted(collector.built_in) if collector.closed else None
        json.dump({"modules": index} | lists, file)


try:
    main()
except Refused as refused:
    with open("/out/error", "w") as file:
        file.write(str(refused))
