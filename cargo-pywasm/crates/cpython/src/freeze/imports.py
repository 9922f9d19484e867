"""Finds the imports in the source of the user's modules.

This takes two steps. The outline of a module depends only on its source, so that it can be kept. Which of
its imports are expected to succeed depends on all modules of the wasm module.

An outline is a list of nodes, each a list with its kind first:

    ["import", target, names]                an absolute target, and the names imported from there
    ["call", function]                       a call that fails on WASI
    ["branch", outline]                      statements that may never run
    ["function", outline]                    the body of a function
    ["guard", outline]                       statements whose failing imports are expected
    ["try", caught, body, handlers, orelse, finalbody]
                                             `caught` is true if a handler expects failing imports

This text is part of the same program as `calls.py` and `collect.py`.
"""

import ast
import builtins
import os
import sys
from collections import namedtuple
from functools import cached_property

# An import: its absolute target, the names that it imports from there, whether the code expects that
# it may fail, whether it is in a function or a branch that may never run, and whether it is in a function.
Import = namedtuple("Import", "target names guarded conditional in_function")

# The names, attributes and other parts of conditions on the platform or the version of Python.
PLATFORM = {"os": os, "_os": os, "sys": sys, "_sys": sys}
ATTRIBUTES = {"implementation", "major", "minor", "name", "platform", "startswith", "version_info"}
PARTS = (
    ast.Call, ast.Compare, ast.Constant, ast.List, ast.Set, ast.Slice, ast.Subscript, ast.Tuple,
    ast.UnaryOp, ast.cmpop, ast.expr_context, ast.unaryop,
)


def imports_in(outline, is_satisfied, guarded=False, conditional=False, in_function=False):
    """Yields the imports in an outline."""
    for kind, *parts in outline:
        match kind:
            case "import":
                yield Import(parts[0], tuple(parts[1]), guarded, conditional, in_function)
            case "branch":
                yield from imports_in(parts[0], is_satisfied, guarded, True, in_function)
            case "function":
                yield from imports_in(parts[0], is_satisfied, False, True, True)
            case "guard":
                yield from imports_in(parts[0], is_satisfied, True, conditional, in_function)
            case "try":
                yield from imports_in_try(parts, is_satisfied, guarded, conditional, in_function)


def imports_in_try(parts, is_satisfied, guarded, conditional, in_function):
    """Expects that the handlers run if an import in the body fails, and otherwise the `else` branch."""
    caught, body, handlers, orelse, finalbody = parts
    body = list(imports_in(body, is_satisfied))
    for one in body:
        guards = guarded or caught or one.guarded, conditional or one.conditional
        yield Import(one.target, one.names, *guards, in_function or one.in_function)
    decisive = [one for one in body if not one.guarded and not one.conditional]
    succeeds = all(is_satisfied(one) for one in decisive)
    for handler in handlers:
        yield from imports_in(handler, is_satisfied, guarded or succeeds, conditional, in_function)
    yield from imports_in(orelse, is_satisfied, guarded or not succeeds, conditional, in_function)
    yield from imports_in(finalbody, is_satisfied, guarded, conditional, in_function)


class Outliner:
    """Writes the outline of a module that can run on WASI."""

    def __init__(self, tree, package):
        self.tree, self.package, self.calls = tree, package, Calls(tree)

    def outline(self, body):
        """Returns the outline of a list of statements."""
        return list(self.nodes(body))

    def nodes(self, body):
        for node in body:
            yield from (["call", function] for function in self.calls.calls(node))
            match node:
                case ast.Import():
                    yield from (["import", alias.name, []] for alias in node.names)
                case ast.ImportFrom():
                    target = absolute(node.module or "", node.level, self.package)
                    yield ["import", target, [alias.name for alias in node.names]]
                case ast.If():
                    value = self.fixed_value(node.test)
                    if value is None:
                        yield from self.inner("branch", node.body + node.orelse)
                    else:
                        yield from self.nodes(node.body if value else node.orelse)
                case ast.Match():
                    for case in node.cases:
                        yield from self.inner("branch", case.body)
                case ast.Try() | ast.TryStar():
                    caught = any(catches_missing(it.type) and not raises(it.body) for it in node.handlers)
                    handlers = [self.outline(handler.body) for handler in node.handlers]
                    rest = self.outline(node.orelse), self.outline(node.finalbody)
                    yield ["try", caught, self.outline(node.body), handlers, *rest]
                case ast.With() if any(suppresses(item.context_expr) for item in node.items):
                    yield from self.inner("guard", node.body)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield from self.inner("function", node.body)
                case _:
                    for inner in (getattr(node, "body", ()), getattr(node, "orelse", ())):
                        yield from self.nodes(inner)

    def inner(self, kind, body):
        """Yields a node, unless it would be empty."""
        if outline := self.outline(body):
            yield [kind, outline]

    def fixed_value(self, test):
        """Returns the value of a condition on the platform, the Python version or TYPE_CHECKING, or None
        for any other condition."""
        match test:
            case ast.Name(id="TYPE_CHECKING"):
                return None if test.id in self.rebound else False
            case ast.Attribute(attr="TYPE_CHECKING"):
                return False
            case ast.UnaryOp(op=ast.Not()):
                value = self.fixed_value(test.operand)
                return None if value is None else not value
            case ast.BoolOp():
                # The value that decides the condition, whatever the other operands are.
                decisive = isinstance(test.op, ast.Or)
                values = [self.fixed_value(operand) for operand in test.values]
                if decisive in values:
                    return decisive
                return None if None in values else not decisive
        if not self.is_fixed(test):
            return None
        try:
            return bool(eval(compile(ast.Expression(test), "", "eval"), PLATFORM.copy()))
        except Exception:
            return None

    def is_fixed(self, node):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                return attribute in ATTRIBUTES and name in PLATFORM and name not in self.rebound
            case ast.Attribute(value=value, attr=attribute):
                return attribute in ATTRIBUTES and self.is_fixed(value)
        return isinstance(node, PARTS) and all(self.is_fixed(part) for part in ast.iter_child_nodes(node))

    @cached_property
    def rebound(self):
        """The names that the module binds to other objects than those of PLATFORM and `typing`."""
        names, idioms = set(), set()
        for node in ast.walk(self.tree):
            match node:
                case ast.Import():
                    names |= {name for name, target in map(bound, node.names) if not is_platform(name, target)}
                case ast.ImportFrom():
                    names |= {alias.asname or alias.name for alias in node.names if alias.name != "TYPE_CHECKING"}
                case ast.Assign(targets=[ast.Name(id="TYPE_CHECKING") as name], value=ast.Constant(value=False)):
                    # Modules that do not import `typing` contain this. `ast.walk` yields the name later.
                    idioms.add(name)
                case ast.Name(ctx=ast.Store()) if node not in idioms:
                    names.add(node.id)
                case ast.arg():
                    names.add(node.arg)
                case ast.alias():
                    pass
                case _:
                    # Functions, classes, exception handlers, type parameters and patterns.
                    names |= {getattr(node, "name", None), getattr(node, "rest", None)}
        return names


def absolute(target, level, package):
    """Returns the full name of the target of an import."""
    if not level:
        return target
    base = package.split(".")[: max(len(package.split(".")) - level + 1, 0)]
    return ".".join([*base, target] if target else base)


def bound(alias):
    """Returns the name that a part of an `import` statement binds, and the module that it stands for."""
    top = alias.name.partition(".")[0]
    return (alias.asname, alias.name) if alias.asname else (top, top)


def is_platform(name, target):
    return name in PLATFORM and PLATFORM[name].__name__ == target


def catches_missing(handled):
    """Returns true if a handler may catch the error of an import of a missing module."""
    match handled:
        case ast.Name(id=name):
            known = getattr(builtins, name, None)
            return not isinstance(known, type) or issubclass(ModuleNotFoundError, known)
        case ast.Tuple(elts=each):
            return any(catches_missing(one) for one in each)
    return True


def raises(body):
    """Returns true if a list of statements ends with an exception, which replaces that of the import."""
    return isinstance(body[-1], ast.Raise)


def suppresses(manager):
    """Returns true for `contextlib.suppress` of the error of an import of a missing module."""
    match manager:
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=args):
            return any(catches_missing(one) for one in args)
    return False
