"""Collects the modules to freeze.

Runs in the interpreter that will import them. Reads a request from stdin and writes /out/index.json
and /out/code, or a message to /out/error.
"""

import _imp
import dis
import difflib
import encodings.aliases
import importlib
import importlib.util
import json
import marshal
import os
import sys
import traceback

# Modules that Python needs before anything else can be imported or printed.
ALWAYS = [
    "abc", "codecs", "encodings", "encodings.aliases", "encodings.ascii", "encodings.latin_1",
    "encodings.utf_8", "io",
]

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
HIDDEN = {**IMPORTED_BY_C, "sysconfig": [BUILD_DATA]}

# Directories that are not part of the library proper. CPython's own zip leaves them out as well.
NOT_MODULES = {"__pycache__", "site-packages", "lib-dynload", "test", "tests", "idlelib", "turtledemo"}

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

# The endings of native modules on other platforms, and of files that only tools read.
NATIVE = (".so", ".pyd", ".dylib")
NOT_AT_RUN_TIME = (".pyc", ".pyi", "py.typed")

CO_OPTIMIZED = 1


class Refused(Exception):
    pass


def is_name(text):
    return all(part.isidentifier() for part in text.split("."))


class Own:
    """A module of the user."""

    def __init__(self, path, shown, is_package):
        self.path, self.shown, self.is_package = path, shown, is_package


class Need:
    """A reason to include a module: the file that imports it, or "" for the request itself, and whether
    it is an error if the module is missing."""

    def __init__(self, by, required):
        self.by, self.required = by, required


def add_need(needs, name, new):
    """Keeps the strictest reason for each module."""
    if name not in needs or (new.required and not needs[name].required):
        needs[name] = new


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


class Collector:
    def __init__(self, request):
        self.stdlib, self.closed = request["stdlib"], request["closed"]
        self.own, self.built_in = {}, set(ALWAYS_BUILT_IN)
        # The files of native modules by module name, and the files that are no modules.
        self.native, self.left = {}, []
        for package in request["packages"]:
            self.add_own(package)
        self.requested, self.excluded = [], []
        for word in request["modules"]:
            (self.excluded if word.startswith("!") else self.requested).append(word.removeprefix("!"))
        self.absent, self.unknown = set(), {}

    def add_own(self, package):
        name, path, shown = package["name"], package["path"], package["shown"]
        if name in sys.builtin_module_names or self.in_stdlib(name):
            raise Refused(f"`{shown}` has the name of Python's own module `{name}`")
        if not os.path.isdir(path):
            self.own[name] = Own(path, shown, False)
            return
        self.own[name] = Own(None, shown, True)
        entries = sorted(os.listdir(path))
        native = [entry for entry in entries if entry.endswith(NATIVE)]
        self.native.update({f"{name}.{entry.split('.')[0]}": f"{shown}/{entry}" for entry in native})
        for entry in entries:
            inner = {"path": f"{path}/{entry}", "shown": f"{shown}/{entry}"}
            if entry == "__init__.py":
                self.own[name] = Own(inner["path"], inner["shown"], True)
            elif entry.endswith(".py") and entry[:-3].isidentifier():
                self.own[f"{name}.{entry[:-3]}"] = Own(inner["path"], inner["shown"], False)
            elif os.path.isdir(inner["path"]) and entry.isidentifier() and entry != "__pycache__":
                # Python prefers a native module to a directory without `__init__.py`.
                is_regular = os.path.isfile(f"{inner['path']}/__init__.py")
                if is_regular or f"{name}.{entry}" not in self.native:
                    self.add_own({**inner, "name": f"{name}.{entry}"})
            elif entry != "__pycache__" and not entry.endswith((*NATIVE, *NOT_AT_RUN_TIME)):
                self.left.append(inner["shown"])

    def in_stdlib(self, name):
        """Returns the path of a module's source in the standard library, and whether it is a package."""
        path = f"{self.stdlib}/{name.replace('.', '/')}"
        if os.path.isfile(f"{path}/__init__.py"):
            return f"{path}/__init__.py", True
        if os.path.isfile(f"{path}.py"):
            return f"{path}.py", False
        return None

    def is_known(self, name):
        is_included = name in sys.builtin_module_names or name in self.own
        return is_included or self.in_stdlib(name) or _imp.find_frozen(name)

    def nearest(self, name):
        """Returns the module or, if it is unknown, the closest known package that should contain it.

        Importing the package may add the module to sys.modules, as `os` adds `os.path`.
        """
        parent = name
        while parent and not self.is_known(parent):
            parent = parent.rpartition(".")[0]
        return parent or name

    def is_excluded(self, name):
        return any(name == word or name.startswith(word + ".") for word in self.excluded)

    def in_libpython(self, name):
        """Returns true if the set is not closed and libpython already contains the frozen module."""
        return not self.closed and _imp.find_frozen(name)

    def names_below(self, package):
        """Yields all modules of a package of the standard library; of the whole library if `package` is empty."""
        top = f"{self.stdlib}/{package.replace('.', '/')}" if package else self.stdlib
        for entry in sorted(os.listdir(top)):
            name = f"{package}.{entry}" if package else entry
            if entry.endswith(".py") and entry[:-3].isidentifier():
                yield package if entry == "__init__.py" else name[:-3]
            elif entry.isidentifier() and entry not in NOT_MODULES and os.path.isdir(f"{top}/{entry}"):
                yield from self.names_below(name)

    def roots(self):
        """Yields the requested modules of the library, and for each whether it was named individually."""
        for word in ALWAYS:
            if self.is_excluded(word):
                raise Refused(f"cannot exclude `{word}`: Python does not start without it")
            yield word, True
        for word in self.requested:
            if word == "*":
                yield from ((name, False) for name in [*self.names_below(""), BUILD_DATA])
            elif word.endswith(".*") and is_name(word[:-2]) and self.in_stdlib(word[:-2]):
                yield from ((name, False) for name in self.names_below(word[:-2]))
            elif word in self.own or word in sys.builtin_module_names or self.in_stdlib(word):
                yield word, True
            else:
                near = difflib.get_close_matches(word, self.names_below(""), 1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                raise Refused(f"Python has no module `{word}` to freeze{hint}")

    def collect(self):
        done, needs = {}, {}
        for name, is_named in self.roots():
            add_need(needs, name, Need("", is_named))
        if "*" in self.requested:
            self.built_in.update(sys.builtin_module_names)
        for name, own in self.own.items():
            if not self.is_excluded(name):
                code, blob = compiled(own)
                done[name] = own.is_package, blob, True
                self.note_unknown(code, name, own)
                for target, guarded in self.imported(code, name, own.is_package, deep=True):
                    add_need(needs, self.nearest(target), Need(own.shown, not guarded))
        for name, is_package, blob in self.library(needs):
            done[name] = is_package, blob, False
        return done | self.bootstrap()

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
        for name in sorted(seen | requested | self.followed):
            if self.is_excluded(name) or name in PRELOADED or name in BOOTSTRAP:
                continue
            if name in sys.builtin_module_names:
                self.built_in.add(name)
            elif found := self.in_stdlib(name):
                source, is_package = found
                blob = bytecode(source)
                code = marshal.loads(blob)
                deep = [it for it, _ in self.imported(code, name, is_package, deep=True)]
                self.absent.update(deep)
                # Built-in modules cost little, so those that functions import are included too (see `hashlib`).
                self.built_in.update(it for it in deep if it in sys.builtin_module_names and not self.is_excluded(it))
                if name == "encodings.aliases" and self.closed:
                    blob = aliases(code.co_filename, seen | requested)
                if not self.in_libpython(name):
                    yield name, is_package, blob

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
        if found := self.in_stdlib(name):
            source, is_package = found
            self.followed.add(name)
            for target, _ in self.imported(marshal.loads(bytecode(source)), name, is_package, deep=False):
                new = target not in sys.modules and target not in self.followed
                if new and self.is_known(target) and trace.imports(target):
                    self.follow(trace, target)

    def bootstrap(self):
        if not self.closed:
            return {}
        return {name: (False, self.bootstrapping(name, file), False) for name, file in BOOTSTRAP.items()}

    def bootstrapping(self, name, file):
        """Returns a module's code with the file name that makes tracebacks omit its frames."""
        source, _ = self.in_stdlib(file)
        return marshal.dumps(renamed(marshal.loads(bytecode(source)), f"<frozen {file}>"))

    def imported(self, code, name, is_package, deep):
        """Yields the names that code imports, and for each whether the import may fail.

        If `deep` is true, this includes the imports in functions.
        """
        for target, names, guarded in self.targets(code, name, is_package, deep):
            yield target, guarded
            for item in names:
                yield f"{target}.{item}", True

    def targets(self, code, name, is_package, deep):
        """Yields for each import its absolute target, the names that it imports from there, and whether
        it may fail."""
        package = name if is_package else name.rpartition(".")[0]
        for target, level, names, guarded in imports(code, deep):
            if level:
                base = package.split(".")[: len(package.split(".")) - level + 1]
                target = ".".join([*base, target] if target else base)
            yield target, names or (), guarded

    def note_unknown(self, code, name, own):
        """Records the imports of a module that no included module satisfies.

        Only imports that always run are required. Functions may never be called.
        """
        for deep in (False, True):
            for target, names, guarded in self.targets(code, name, own.is_package, deep):
                native = [f"{target}.{item}" for item in names if f"{target}.{item}" in self.native]
                for missing in [target, *native]:
                    if not self.is_known(missing):
                        add_need(self.unknown, missing, Need(own.shown, not guarded and not deep))

    def described(self, name):
        """Returns an entry of the index for a module that was not found."""
        need, top = self.unknown[name], name.partition(".")[0]
        # Who adds the package also adds its other modules.
        first = min((it for it in self.unknown if self.unknown[it].required and it.partition(".")[0] == top), default=name)
        is_repeated = name != first and not self.is_known(top)
        return {
            "name": name,
            "by": need.by,
            "required": need.required and not is_repeated,
            "native": self.native.get(name),
            "in_stdlib": top in sys.stdlib_module_names,
        }

    def left_out(self, inside):
        """Returns the modules that functions of the library import and that are not included."""
        known = {name for name in self.absent if self.in_stdlib(name) and not self.in_libpython(name)}
        return sorted(known - inside.keys())


def imports(code, deep):
    found = list(dis._find_imports(code))
    for each, guarded in zip(found, guards(code, len(found))):
        yield *each, guarded
    for inner in code.co_consts:
        # The body of a class runs when its module is imported, the body of a function when it is called.
        if hasattr(inner, "co_code") and (deep or not inner.co_flags & CO_OPTIMIZED):
            yield from imports(inner, deep)


def aliases(file, inside):
    """Returns the code of encodings.aliases, reduced to the included encodings to save start-up time."""
    known = {alias: name for alias, name in encodings.aliases.aliases.items() if f"encodings.{name}" in inside}
    return marshal.dumps(compile(f"aliases = {known!r}", file, "exec", dont_inherit=True))


def guards(code, count):
    """Returns for each import in the code whether it is in a `try` and so may fail."""
    if not code.co_exceptiontable:
        return [False] * count
    instructions = list(dis.get_instructions(code))
    after = {one.offset: two.opname for one, two in zip(instructions, instructions[1:])}
    names = {one.offset: one.opname for one in instructions}
    # Only the entries that belong to `try`. The others belong to `with`, and to comprehensions,
    # which restore a variable.
    caught = [
        entry
        for entry in dis._parse_exception_table(code)
        if names.get(entry.target) == "PUSH_EXC_INFO" and after.get(entry.target) != "WITH_EXCEPT_START"
    ]
    places = [one.offset for one in instructions if one.opname == "IMPORT_NAME"]
    if len(places) != count:
        return [True] * count
    return [any(entry.start <= place < entry.end for entry in caught) for place in places]


def renamed(code, file):
    inner = (renamed(it, file) if hasattr(it, "co_code") else it for it in code.co_consts)
    return code.replace(co_filename=file, co_consts=tuple(inner))


def bytecode(source):
    with open(importlib.util.cache_from_source(source), "rb") as file:
        return file.read()[16:]


def compiled(own):
    """Returns the module's code that can run, and all of its code, marshalled."""
    if own.path is None:
        code = compile("", own.shown, "exec")
        return code, marshal.dumps(code)
    with open(own.path, "rb") as file:
        source = file.read()
    try:
        code = compile(source, own.shown, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        lines = "".join(traceback.format_exception_only(error)).rstrip()
        raise Refused(f"`{own.shown}` is not valid Python:\n{lines}") from None
    return reachable(code, source, own.shown), marshal.dumps(code)


def main():
    collector = Collector(json.load(sys.stdin))
    inside = collector.collect()
    index = []
    with open("/out/code", "wb") as file:
        for name in sorted(inside):
            is_package, blob, own = inside[name]
            entry = {"name": name, "package": is_package, "own": own}
            index.append(entry | {"offset": file.tell(), "size": len(blob)})
            file.write(blob)
    with open("/out/index.json", "w") as file:
        unknown = [collector.described(name) for name in sorted(collector.unknown)]
        native = [path for name, path in collector.native.items() if name not in collector.unknown]
        lists = {"absent": collector.left_out(inside), "unknown": unknown}
        lists["left"] = sorted([*native, *collector.left])
        lists["built_in"] = sorted(collector.built_in) if collector.closed else None
        json.dump({"modules": index} | lists, file)


try:
    main()
except Refused as refused:
    with open("/out/error", "w") as file:
        file.write(str(refused))
