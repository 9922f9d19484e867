"""Reads and compiles modules, and finds the imports and encodings in bytecode.

This text is part of the same program as `collect.py`.
"""

import ast
import dis
import encodings.aliases
import importlib.util
import marshal
import os
import traceback
import warnings

CO_OPTIMIZED = 1

IMPORT_NAME = dis.opmap["IMPORT_NAME"]

# The length of the longest name of an encoding, with room for other spellings.
LONGEST_ENCODING = 24


class Refused(Exception):
    pass


def imported(code, name, is_package, deep):
    """Yields the names of modules that bytecode imports, with those in functions if `deep` is true."""
    for target, names in targets(code, package_of(name, is_package), deep):
        yield target
        yield from (f"{target}.{item}" for item in names)


def targets(code, package, deep):
    """Yields the absolute target of each import in bytecode, and the names that it imports from there."""
    # Most code objects import nothing, and `dis` is slow.
    if IMPORT_NAME in code.co_code[::2]:
        for target, level, names in dis._find_imports(code):
            yield absolute(target, level, package), names or ()
    for inner in code.co_consts:
        # The body of a class runs when its module is imported, the body of a function when it is called.
        if hasattr(inner, "co_code") and (deep or not inner.co_flags & CO_OPTIMIZED):
            yield from targets(inner, package, deep)


def aliases(file, inside):
    """Returns the code of encodings.aliases, reduced to the included encodings to save start-up time."""
    known = {alias: name for alias, name in encodings.aliases.aliases.items() if f"encodings.{name}" in inside}
    return marshal.dumps(compile(f"aliases = {known!r}", file, "exec", dont_inherit=True))


def package_of(name, is_package):
    return name if is_package else name.rpartition(".")[0]


def files_below(path):
    """Yields the files in a directory and its subdirectories, sorted within each."""
    for entry in sorted(os.listdir(path)):
        if os.path.isdir(f"{path}/{entry}"):
            yield from (f"{entry}/{file}" for file in files_below(f"{path}/{entry}"))
        else:
            yield entry


def renamed(code, file):
    inner = (renamed(it, file) if hasattr(it, "co_code") else it for it in code.co_consts)
    return code.replace(co_filename=file, co_consts=tuple(inner))


def bytecode(source):
    with open(importlib.util.cache_from_source(source), "rb") as file:
        return file.read()[16:]


def outline_of(name, own, source, code):
    """Returns the outline of a module of the user."""
    package = package_of(name, own.is_package)
    try:
        # The compiler has printed its warnings before.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        return Outliner(tree, package).outline(tree.body)
    except (RecursionError, MemoryError):
        # The code is nested too deeply for `ast`, but not for the compiler.
        nodes = [["import", target, list(names)] for target, names in targets(code, package, deep=True)]
        return [["guard", [["branch", nodes]]]]


def encodings_in(code):
    """Returns the names of encodings in the string constants of bytecode. Encodings are modules that are
    imported by name when they are first used."""
    names, todo = set(), [code]
    while todo:
        for constant in todo.pop().co_consts:
            if hasattr(constant, "co_consts"):
                todo.append(constant)
            elif isinstance(constant, str) and len(constant) <= LONGEST_ENCODING and constant.isascii():
                name = encodings.normalize_encoding(constant).lower()
                names.add(encodings.aliases.aliases.get(name, name))
    return sorted(name for name in names if name.isidentifier())


def compiled(own):
    """Returns the module's source and its code. The code is None for a module of an installed package that
    is not valid Python."""
    with open(own.path, "rb") as file:
        source = file.read()
    try:
        with warnings.catch_warnings():
            if own.wheel:
                warnings.simplefilter("ignore")
            return source, compile(source, own.shown, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        if own.wheel:
            return source, None
        lines = "".join(traceback.format_exception_only(error)).rstrip()
        raise Refused(f"`{own.shown}` is not valid Python:\n{lines}") from None
