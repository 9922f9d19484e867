"""Collects the modules that go into a wasm module as code.

The interpreter they are for runs this. It reads a request from stdin, and writes /out/index.json
and /out/code; what it can't do it says in /out/error.
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

# Needed before anything can be imported or printed.
ALWAYS = [
    "abc", "codecs", "encodings", "encodings.aliases", "encodings.ascii", "encodings.latin_1",
    "encodings.utf_8", "io",
]

# What C code imports, which no bytecode shows. Source: PyImport_* in Modules/ and Objects/.
IMPORTED_BY_C = {
    "_asyncio": ["asyncio"],
    "_datetime": ["_strptime"],
    "_decimal": ["collections", "numbers"],
    "_elementtree": ["copy", "xml.etree.ElementPath"],
    "_pickle": ["_compat_pickle", "copyreg"],
    "_zoneinfo": ["zoneinfo._common", "zoneinfo._tzpath"],
    "time": ["_strptime"],
}

# What the build says of itself. `sysconfig` asks for it by a name that it puts together. Source:
# `_get_sysconfigdata_name` in Lib/sysconfig/__init__.py.
BUILD_DATA = f"_sysconfigdata_{sys.abiflags}_{sys.platform}_{getattr(sys.implementation, '_multiarch', '')}"
HIDDEN = {**IMPORTED_BY_C, "sysconfig": [BUILD_DATA]}

# Directories of the standard library that no program imports; CPython's own zip leaves out the same.
NOT_MODULES = {"__pycache__", "site-packages", "lib-dynload", "test", "tests", "idlelib", "turtledemo"}

# In sys.modules from the start, by other names.
THERE = {"importlib._bootstrap", "importlib._bootstrap_external"}

# What importlib starts with, by the names that C code knows.
BOOTSTRAP = {
    "_frozen_importlib": "importlib._bootstrap",
    "_frozen_importlib_external": "importlib._bootstrap_external",
}

# Modules in C without which Python does not start, or the parts of the interpreter do not know each
# other. Source: what pylifecycle.c and the two files of importlib import, and CPython's config.c.in.
ALWAYS_BUILT_IN = [
    "_abc", "_ast", "_codecs", "_imp", "_io", "_string", "_thread", "_tokenize", "_warnings", "_weakref",
    "builtins", "gc", "marshal", "posix", "sys",
]

# What runs, and would not survive a second import.
STARTED = {*ALWAYS, *ALWAYS_BUILT_IN, *BOOTSTRAP, *THERE, "__main__", "importlib"}

CO_OPTIMIZED = 1


class Refused(Exception):
    pass


def is_name(text):
    return all(part.isidentifier() for part in text.split("."))


class Own:
    """A module of the user's."""

    def __init__(self, path, shown, is_package):
        self.path, self.shown, self.is_package = path, shown, is_package


class Wish:
    """Who wants a module: nobody but the request, or a file; and whether it is an error to have none."""

    def __init__(self, by, must):
        self.by, self.must = by, must


def add_wish(wanted, name, new):
    """Of two that want a module, the one counts for whom it has to be there."""
    if name not in wanted or (new.must and not wanted[name].must):
        wanted[name] = new


class Trace:
    """Python as it starts, with nothing else imported: what imports lead to is then in sys.modules.

    Code says which branch an import stands in, and whether it may fail, by running only.
    """

    def __init__(self, excluded):
        self.excluded = excluded
        self.is_for_what_is_left_out = False

    def __enter__(self):
        self.kept = dict(sys.modules)
        for name in self.kept:
            if not (name in STARTED or name.startswith("encodings")):
                del sys.modules[name]
        sys.modules.update(dict.fromkeys(self.excluded))
        return self

    def __exit__(self, *_):
        sys.modules.clear()
        sys.modules.update(self.kept)

    def imports(self, name):
        """Imports a module; what is the matter when that is not possible."""
        self.is_for_what_is_left_out = False
        try:
            importlib.import_module(name)
        except ImportError as error:
            self.is_for_what_is_left_out = error.name in sys.modules and sys.modules[error.name] is None
            if self.is_for_what_is_left_out:
                return f"`{importer(error)}` needs `{error.name}`, which is left out"
            return f"{error}"
        except (Exception, SystemExit) as error:
            return f"{type(error).__name__}: {error}"


def importer(error):
    """The module whose code failed."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    names = [frame.f_globals.get("__name__", "") for frame in frames]
    return next((name for name in reversed(names) if not name.startswith("importlib")), "?")


class Collector:
    def __init__(self, request):
        self.stdlib, self.closed = request["stdlib"], request["closed"]
        self.own, self.built_in = {}, set(ALWAYS_BUILT_IN)
        for package in request["packages"]:
            self.add_own(package)
        self.asked, self.excluded = [], []
        for word in request["modules"]:
            (self.excluded if word.startswith("!") else self.asked).append(word.removeprefix("!"))
        self.absent, self.unknown = set(), set()

    def add_own(self, package):
        name, path, shown = package["name"], package["path"], package["shown"]
        if name in sys.builtin_module_names or self.in_stdlib(name):
            raise Refused(f"`{shown}` has the name of a module of Python itself, `{name}`")
        if not os.path.isdir(path):
            self.own[name] = Own(path, shown, False)
            return
        self.own[name] = Own(None, shown, True)
        for entry in sorted(os.listdir(path)):
            inner = {"path": f"{path}/{entry}", "shown": f"{shown}/{entry}"}
            if entry == "__init__.py":
                self.own[name] = Own(inner["path"], inner["shown"], True)
            elif entry.endswith(".py") and entry[:-3].isidentifier():
                self.own[f"{name}.{entry[:-3]}"] = Own(inner["path"], inner["shown"], False)
            elif os.path.isdir(inner["path"]) and entry.isidentifier() and entry != "__pycache__":
                self.add_own({**inner, "name": f"{name}.{entry}"})

    def in_stdlib(self, name):
        """The source of a module of the standard library, and whether it is a package."""
        path = f"{self.stdlib}/{name.replace('.', '/')}"
        if os.path.isfile(f"{path}/__init__.py"):
            return f"{path}/__init__.py", True
        if os.path.isfile(f"{path}.py"):
            return f"{path}.py", False
        return None

    def is_known(self, name):
        there = name in sys.builtin_module_names or name in self.own
        return there or self.in_stdlib(name) or _imp.find_frozen(name)

    def is_excluded(self, name):
        return any(name == word or name.startswith(word + ".") for word in self.excluded)

    def is_there(self, name):
        """Whether libpython brings it."""
        return not self.closed and _imp.find_frozen(name)

    def names_below(self, package):
        """All modules of a package of the standard library, or of the library itself."""
        top = f"{self.stdlib}/{package.replace('.', '/')}" if package else self.stdlib
        for entry in sorted(os.listdir(top)):
            name = f"{package}.{entry}" if package else entry
            if entry.endswith(".py") and entry[:-3].isidentifier():
                yield package if entry == "__init__.py" else name[:-3]
            elif entry.isidentifier() and entry not in NOT_MODULES and os.path.isdir(f"{top}/{entry}"):
                yield from self.names_below(name)

    def roots(self):
        """The modules of the library that are asked for, and whether by name."""
        for word in ALWAYS:
            if self.is_excluded(word):
                raise Refused(f"`{word}` can't be left out: Python does not start without it")
            yield word, True
        for word in self.asked:
            if word == "*":
                yield from ((name, False) for name in [*self.names_below(""), BUILD_DATA])
            elif word.endswith(".*") and is_name(word[:-2]) and self.in_stdlib(word[:-2]):
                yield from ((name, False) for name in self.names_below(word[:-2]))
            elif word in self.own or word in sys.builtin_module_names or self.in_stdlib(word):
                yield word, True
            else:
                near = difflib.get_close_matches(word, self.names_below(""), 1)
                hint = f"; `{near[0]}` is near" if near else ""
                raise Refused(f"Python has no module `{word}` to freeze{hint}")

    def collect(self):
        done, wanted = {}, {}
        for name, is_named in self.roots():
            add_wish(wanted, name, Wish("", is_named))
        if "*" in self.asked:
            self.built_in.update(sys.builtin_module_names)
        for name, own in self.own.items():
            if not self.is_excluded(name):
                code, blob = compiled(own)
                done[name] = own.is_package, blob, True
                for target, guarded in self.imported(code, name, own.is_package, deep=True):
                    add_wish(wanted, target, Wish(own.shown, not guarded))
        for name, is_package, blob in self.library(wanted):
            done[name] = is_package, blob, False
        return done | self.bootstrap()

    def library(self, wanted):
        """Modules of the library: those wanted, and what their import imports."""
        todo = {name: wish for name, wish in wanted.items() if name not in self.own and self.is_known(name)}
        seen, asked = set(), {name for name, wish in todo.items() if not wish.by}
        self.followed = set()
        with Trace(self.excluded) as trace:
            while todo:
                for name, wish in sorted(todo.items()):
                    self.trace(trace, name, wish)
                todo = {}
                for name in sorted(set(sys.modules) - seen):
                    seen.add(name)
                    todo |= {name: Wish(name, False) for name in HIDDEN.get(name, ()) if name not in seen}
        for name in sorted(seen | asked | self.followed):
            if self.is_excluded(name) or name in THERE or name in BOOTSTRAP:
                continue
            if name in sys.builtin_module_names:
                self.built_in.add(name)
            elif found := self.in_stdlib(name):
                source, is_package = found
                blob = bytecode(source)
                code = marshal.loads(blob)
                deep = [it for it, _ in self.imported(code, name, is_package, deep=True)]
                self.absent.update(deep)
                # What is in C costs little, and `hashlib` has all its algorithms in functions.
                self.built_in.update(it for it in deep if it in sys.builtin_module_names and not self.is_excluded(it))
                if name == "encodings.aliases" and self.closed:
                    blob = aliases(code.co_filename, seen | asked)
                if not self.is_there(name):
                    yield name, is_package, blob

    def trace(self, trace, name, wish):
        if self.is_excluded(name):
            if wish.by and wish.must:
                raise Refused(f"`{wish.by}` imports `{name}`, which is left out")
            return
        if not wish.by and not wish.must:
            # Asked for with all of its package: some of those are programs, and would run.
            if "*" not in self.asked:
                self.follow(trace, name)
            return
        problem = trace.imports(name)
        if problem and wish.must and (self.closed or trace.is_for_what_is_left_out):
            whose = f"`{wish.by}` imports `{name}`: " if wish.by else ""
            raise Refused(f"{whose}`{name}` can't be imported: {problem}")
        if problem and not self.closed:
            # Here it fails; where more is there, it may not.
            self.follow(trace, name)

    def follow(self, trace, name):
        """Imports what the code of a module names, and not the module itself."""
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
        """Tracebacks leave its frames out by the name of its file."""
        source, _ = self.in_stdlib(file)
        return marshal.dumps(renamed(marshal.loads(bytecode(source)), f"<frozen {file}>"))

    def imported(self, code, name, is_package, deep):
        """The names that code imports: when it is imported itself, or deep in its functions, too."""
        package = name if is_package else name.rpartition(".")[0]
        for target, level, names, guarded in imports(code, deep):
            if level:
                base = package.split(".")[: len(package.split(".")) - level + 1]
                target = ".".join([*base, target] if target else base)
            if deep and name in self.own and not self.is_known(target):
                self.unknown.add(target)
            yield target, guarded
            for item in names or ():
                yield f"{target}.{item}", True

    def left_out(self, inside):
        """What functions of the library would import, and do not find."""
        known = {name for name in self.absent if self.in_stdlib(name) and not self.is_there(name)}
        return sorted(known - inside.keys())


def imports(code, deep):
    found = list(dis._find_imports(code))
    for each, guarded in zip(found, guards(code, len(found))):
        yield *each, guarded
    for inner in code.co_consts:
        # The body of a class runs when its module is imported, that of a function later.
        if hasattr(inner, "co_code") and (deep or not inner.co_flags & CO_OPTIMIZED):
            yield from imports(inner, deep)


def aliases(file, inside):
    """Other names of the encodings that are inside; each costs its share of every start."""
    known = {alias: name for alias, name in encodings.aliases.aliases.items() if f"encodings.{name}" in inside}
    return marshal.dumps(compile(f"aliases = {known!r}", file, "exec", dont_inherit=True))


def guards(code, count):
    """Whether each import of some code may fail: it stands in a `try`."""
    if not code.co_exceptiontable:
        return [False] * count
    instructions = list(dis.get_instructions(code))
    after = {one.offset: two.opname for one, two in zip(instructions, instructions[1:])}
    names = {one.offset: one.opname for one in instructions}
    # The others are of `with`, and of comprehensions, which put a variable back.
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
    if own.path is None:
        code = compile("", own.shown, "exec")
        return code, marshal.dumps(code)
    with open(own.path, "rb") as file:
        source = file.read()
    try:
        code = compile(source, own.shown, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        lines = "".join(traceback.format_exception_only(error)).rstrip()
        raise Refused(f"`{own.shown}` is no Python:\n{lines}") from None
    return code, marshal.dumps(code)


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
        lists = {"absent": collector.left_out(inside), "unknown": sorted(collector.unknown)}
        lists["built_in"] = sorted(collector.built_in) if collector.closed else None
        json.dump({"modules": index} | lists, file)


try:
    main()
except Refused as refused:
    with open("/out/error", "w") as file:
        file.write(str(refused))
