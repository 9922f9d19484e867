"""Programs that recurse without an end, or end a recursive object. On no host may they trap."""

import ast
import copy
import functools
import io
import itertools
import json
import marshal
import pickle
import re
import symtable
import sys
import traceback

# Deeper than any limit of recursion.
DEEP = 20_000


def nested(make, depth=DEEP):
    value = make(None)
    for _ in range(depth):
        value = make(value)
    return value


def lists():
    return nested(lambda value: [value])


class Method:
    """Calls a method of the next object, through C."""

    def __init__(self, next):
        self.next = next

    def __repr__(self):
        return repr(self.next)

    def __eq__(self, other):
        return self.next == other.next

    def __call__(self):
        return functools.partial(self.next)()

    def __iter__(self):
        return iter(self.next)

    def __add__(self, other):
        return self.next + other

    def __getattr__(self, name):
        return getattr(self.__dict__["next"], name)


def sort_key(value):
    return sorted([value], key=sort_key)


def raise_chain():
    error = None
    for _ in range(DEEP):
        try:
            raise ValueError from error
        except ValueError as caught:
            error = caught
    traceback.print_exception(error, file=io.StringIO())


def group():
    error = ValueError()
    for _ in range(DEEP):
        error = ExceptionGroup("", [error])
    return error


def generic_alias():
    value = int
    for _ in range(DEEP):
        value = list[value]
    return repr(value)


def source(text):
    return lambda: compile(text, "<test>", "exec")


def import_self():
    exec("import_self()", {"import_self": import_self})


def reduce_self(_=None, __=None):
    return functools.reduce(reduce_self, [1, 2])


def substitute(_=None):
    return re.sub("a", substitute, "a")


def deallocate():
    nested(lambda value: (value,), 200_000)
    lists()
    nested(lambda value: {1: value})
    nested(Method)


# The four programs of the report, then one or more for each way to recurse.
PROGRAMS = {
    "repr": lambda: repr(lists()),
    "json.loads": lambda: json.loads("[" * 100_000),
    "pickle.dumps": lambda: pickle.dumps(lists()),
    "parentheses": source("(" * 150 + "1" + ")" * 150),
    "json.dumps": lambda: json.dumps(lists()),
    "json.loads of objects": lambda: json.loads('{"a":' * DEEP),
    "deepcopy": lambda: copy.deepcopy(lists()),
    "comparison of lists": lambda: lists() == lists(),
    "comparison of tuples": lambda: nested(lambda v: (v,)) < nested(lambda v: (v,)),
    "comparison of dicts": lambda: nested(lambda v: {1: v}) == nested(lambda v: {1: v}),
    "__eq__": lambda: nested(Method) == nested(Method),
    "__repr__": lambda: repr(nested(Method)),
    "__call__": lambda: nested(Method)(),
    "__iter__": lambda: iter(nested(Method)),
    "__add__": lambda: nested(Method) + 1,
    "__getattr__": lambda: nested(Method).missing,
    "sort key": lambda: sort_key(1),
    "reduce": reduce_self,
    "re.sub": substitute,
    "exec": import_self,
    "generic alias": generic_alias,
    "isinstance": lambda: isinstance(1, nested(lambda v: (v,))),
    "exception chain": raise_chain,
    "exception group": lambda: group().split(TypeError),
    "deallocation": deallocate,
    "unary": source("-" * DEEP + "1"),
    "not": source("not " * DEEP + "1"),
    "power": source("1" + "**1" * DEEP),
    "addition": source("1" + "+1" * DEEP),
    "conditional": source("1 if 1 else " * DEEP + "1"),
    "lambda": source("lambda: " * DEEP + "1"),
    "elif": source("if 0: pass\n" + "elif 0: pass\n" * 20_000),
    "attributes": source("a" + ".a" * DEEP),
    "calls": source("a" + "()" * DEEP),
    "subscripts": source("a" + "[0]" * DEEP),
    "f-string": source('f"{' * 140 + "1" + '}"' * 140),
    "blocks": source("".join(" " * i + "if 1:\n" for i in range(99)) + " " * 99 + "1"),
    "ast": lambda: compile(nested_ast(), "<test>", "eval"),
    "ast.parse": lambda: ast.parse("1" + "+1" * DEEP),
    "marshal.loads": lambda: marshal.loads(b"[\1\0\0\0" * 1490 + b"N"),
    # Errors must not use up the limit.
    "invalid ast": lambda: often(lambda: compile(invalid_ast(), "<test>", "eval")),
    "symtable": lambda: often(lambda: symtable.symtable("[x := 1 for x in y]", "<test>", "exec")),
}


def invalid_ast():
    return ast.Expression(ast.Name("x", ast.Store(), lineno=1, col_offset=0))


def often(fail):
    """Calls a function that fails, more often than calls may be nested."""
    for _ in range(6000):
        try:
            fail()
        except (SyntaxError, ValueError):
            pass


def nested_ast():
    node = ast.Constant(1)
    for _ in range(DEEP):
        node = ast.UnaryOp(ast.USub(), node)
    return ast.fix_missing_locations(ast.Expression(node))


def main(names):
    for name in names or PROGRAMS:
        try:
            PROGRAMS[name]()
            end = "done"
        except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
            end = type(error).__name__
        print(f"{name}: {end}", flush=True)
    print("all programs ended")


if __name__ == "__main__":
    main(sys.argv[1:])
