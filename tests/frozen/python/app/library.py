"""Functions that use the files of the standard library, which are part of the wasm module."""

import errno
import os
import sys

LIBRARY = os.path.dirname(os.__file__)


def places():
    """Returns where Python finds the library, with the path of a module and of a frozen one."""
    import json.decoder
    import encodings

    return "\n".join([sys.prefix, sys.exec_prefix, json.decoder.__file__, *encodings.__path__])


def entries():
    """Returns which of some names are entries of the library, and the entries of two of its directories."""
    names = {"_strptime.pyc", "encodings", "heapq.pyc", "http", "json", "os.pyc", "site-packages", "uuid.pyc"}
    found = sorted(names & {*os.listdir(LIBRARY)})
    return repr((found, sorted(os.listdir(f"{LIBRARY}/json")), os.listdir(f"{LIBRARY}/lib-dynload")))


def modules():
    import json
    import pkgutil

    inner = [module.name for module in pkgutil.walk_packages(json.__path__, "json.")]
    top = {module.name for module in pkgutil.iter_modules([LIBRARY])}
    return repr((inner, sorted(top & {"datetime", "email", "http", "json", "os"})))


def source():
    """Returns the first lines of a function in the library, of a frozen module, and of this function."""
    import codecs
    import inspect
    import json

    return "\n".join(inspect.getsource(it).splitlines()[0] for it in (json.dumps, codecs, source))


def traceback_text():
    import json
    import traceback

    try:
        json.loads("?")
    except ValueError as error:
        return "".join(traceback.format_exception(error))
    return "nothing"


def data():
    import importlib.resources

    style = importlib.resources.files("pydoc_data").joinpath("_pydoc.css").read_text()
    return style.splitlines()[1].strip()


def refusals():
    calls = {
        "create": lambda: open(f"{LIBRARY}/new.py", "w"),
        "leave": lambda: os.stat(f"{LIBRARY}/../python.zip"),
        "make": lambda: os.mkdir(f"{LIBRARY}/json/new"),
        "remove": lambda: os.remove(f"{LIBRARY}/os.pyc"),
        "rename": lambda: os.rename(f"{LIBRARY}/os.pyc", "/pywasm/os.py"),
        "write": lambda: open(f"{LIBRARY}/os.pyc", "a"),
    }
    found = {}
    for name, call in calls.items():
        try:
            call()
            found[name] = "none"
        except OSError as error:
            found[name] = errno.errorcode[error.errno]
    return ", ".join(f"{name}: {code}" for name, code in found.items())
