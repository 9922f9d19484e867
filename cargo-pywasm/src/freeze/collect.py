"""Collects the modules that go into a wasm module as code.

The interpreter they are for runs this. It reads a request from stdin, and writes /out/index.json
and /out/code; what it can't do it says in /out/error.
"""

import _imp
import dis
import difflib
import importlib.util
import json
import marshal
import os
import sys
import traceback

# Needed before anything can be imported or printed.
ALWAYS = ["encodings", "encodings.aliases", "encodings.ascii", "encodings.latin_1", "encodings.utf_8"]

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

# Python code that stands in for a module in C, and is imported where that is missing.
FALLBACKS = {
    "_py_abc": "_abc",
    "_pydatetime": "_datetime",
    "_pydecimal": "_decimal",
    "_pyio": "_io",
    "_pyrepl": "posix",
}

# Directories of the standard library that no program imports; CPython's own zip leaves out the same.
NOT_MODULES = {"__pycache__", "site-packages", "lib-dynload", "test", "tests", "idlelib", "turtledemo"}

# In sys.modules from the start, by other names.
THERE = {"importlib._bootstrap", "importlib._bootstrap_external"}

CO_OPTIMIZED = 1


class Refused(Exception):
    pass


def is_name(text):
    return all(part.isidentifier() for part in text.split("."))


class Own:
    """A module of the user's."""

    def __init__(self, path, shown, is_package):
        self.path, self.shown, self.is_package = path, shown, is_package


class Collector:
    def __init__(self, request):
        self.stdlib = request["stdlib"]
        self.own = {}
        for package in request["packages"]:
            self.add_own(package)
        self.asked, self.excluded = [], []
        for word in request["modules"]:
            (self.excluded if word.startswith("!") else self.asked).append(word.removeprefix("!"))
        self.done = {}
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
        yield from self.own
        for word in ALWAYS:
            if self.is_excluded(word):
                raise Refused(f"`{word}` can't be left out: Python does not start without it")
            yield word
        for word in self.asked:
            if word == "*":
                yield from self.names_below("")
            elif word.endswith(".*") and is_name(word[:-2]) and self.in_stdlib(word[:-2]):
                yield from self.names_below(word[:-2])
            elif word in self.own or word in sys.builtin_module_names or self.in_stdlib(word):
                yield word
            else:
                near = difflib.get_close_matches(word, self.names_below(""), 1)
                hint = f"; `{near[0]}` is near" if near else ""
                raise Refused(f"Python has no module `{word}` to freeze{hint}")

    def collect(self):
        roots = list(self.roots())
        todo = list(roots)
        while todo:
            name = todo.pop()
            if name in self.done or name in THERE or self.is_excluded(name):
                continue
            if parent := name.rpartition(".")[0]:
                todo.append(parent)
            if FALLBACKS.get(name) in sys.builtin_module_names and name not in self.asked:
                continue
            todo += IMPORTED_BY_C.get(name, [])
            if own := self.own.get(name):
                code, blob = compiled(own)
                self.done[name] = (own.is_package, blob, True)
                todo += self.imported(code, name, own.is_package, deep=True)
            elif name not in sys.builtin_module_names and (found := self.in_stdlib(name)):
                source, is_package = found
                blob = bytecode(source)
                code = marshal.loads(blob)
                # libpython has some already.
                if not _imp.find_frozen(name):
                    self.done[name] = (is_package, blob, False)
                elif name not in roots:
                    continue
                else:
                    self.done[name] = None
                todo += self.imported(code, name, is_package, deep=False)
                self.absent.update(self.imported(code, name, is_package, deep=True))
        return {name: found for name, found in self.done.items() if found}

    def imported(self, code, name, is_package, deep):
        """The names that code imports: when it is imported itself, or deep in its functions, too."""
        package = name if is_package else name.rpartition(".")[0]
        for target, level, names in imports(code, deep):
            if level:
                base = package.split(".")[: len(package.split(".")) - level + 1]
                target = ".".join([*base, target] if target else base)
            if deep and name in self.own and not self.is_known(target):
                self.unknown.add(target)
            yield target
            for item in names or ():
                yield f"{target}.{item}"

    def left_out(self, inside):
        """What functions of the library would import, and do not find."""
        known = {name for name in self.absent if self.in_stdlib(name) and not _imp.find_frozen(name)}
        return sorted(known - inside.keys())


def imports(code, deep):
    yield from dis._find_imports(code)
    for inner in code.co_consts:
        # The body of a class runs when its module is imported, that of a function later.
        if hasattr(inner, "co_code") and (deep or not inner.co_flags & CO_OPTIMIZED):
            yield from imports(inner, deep)


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
        json.dump({"modules": index} | lists, file)


try:
    main()
except Refused as refused:
    with open("/out/error", "w") as file:
        file.write(str(refused))
