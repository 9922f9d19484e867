"""A package with relative imports, a subpackage and imports inside functions."""

from . import core
from .inner.deep import depth


def main():
    import json
    import sys

    print(json.dumps({"depth": depth, "stdout": sys.stdout.encoding}), flush=True)
    print("to stderr", file=sys.stderr)
    return "done"


def traceback_text():
    import traceback

    try:
        core.fail()
    except ValueError as error:
        return "".join(traceback.format_exception(error))
    return "nothing"
