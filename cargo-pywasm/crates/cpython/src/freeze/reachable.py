"""Finds the code that can run on WASI. `collect.py` follows this text in the same program."""

import ast
import os
import sys
import warnings

# The names and attributes that conditions on the platform or the Python version consist of.
PLATFORM = {"os": os, "_os": os, "sys": sys, "_sys": sys, "TYPE_CHECKING": False}
ATTRIBUTES = {"major", "minor", "name", "platform", "startswith", "version_info"}
PARTS = (
    ast.Attribute, ast.BoolOp, ast.Call, ast.Compare, ast.Constant, ast.List, ast.Name, ast.Slice,
    ast.Subscript, ast.Tuple, ast.UnaryOp, ast.boolop, ast.cmpop, ast.expr_context, ast.unaryop,
)


def fixed_value(test):
    """Returns the value of a condition on the platform, the Python version or TYPE_CHECKING, or None
    for any other condition."""
    if isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING":
        return False
    for part in ast.walk(test):
        is_fixed = isinstance(part, PARTS)
        if isinstance(part, ast.Name):
            is_fixed = part.id in PLATFORM
        elif isinstance(part, ast.Attribute):
            is_fixed = part.attr in ATTRIBUTES
        if not is_fixed:
            return None
    try:
        return bool(eval(compile(ast.Expression(test), "", "eval"), PLATFORM.copy()))
    except Exception:
        return None


class Pruner(ast.NodeTransformer):
    """Removes the branches of `if` statements that never run."""

    def visit_If(self, node):
        self.generic_visit(node)
        value = fixed_value(node.test)
        if value is None:
            return node
        return (node.body if value else node.orelse) or ast.copy_location(ast.Pass(), node)


def reachable(code, source, shown):
    """Returns the code of the parts of a module that can run, to find its imports. `code` is the code of
    the whole module, which is embedded."""
    # Most modules have no such conditions, and pruning takes much longer than compiling.
    if not any(word in source for word in (b"TYPE_CHECKING", b"version_info", b"platform", b"os.name")):
        return code
    # The whole module has been compiled before, with warnings.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = Pruner().visit(ast.parse(source, shown))
        return compile(tree, shown, "exec", dont_inherit=True)


