"""Functions that return what Python sees in a wasm module without files."""

import importlib
import os
import sys


def existing_search_paths():
    return ",".join(path for path in sys.path if os.path.exists(path))


def startup_modules():
    """Returns which of the modules that a complete start of Python imports are loaded."""
    return ",".join(name for name in ("site", "encodings", "io") if name in sys.modules)


def standard_library():
    import datetime
    import json
    import re

    day = datetime.datetime.strptime("2026-11-21", "%Y-%m-%d")
    parts = re.findall(r"\d+", json.loads(json.dumps({"day": str(day)}))["day"])
    return "/".join(parts[:3])


def excluded_modules():
    names = ["email.message", "email.mime", "email.mime.text", "http.client"]
    found = []
    for name in names:
        try:
            importlib.import_module(name)
            found.append(name)
        except ModuleNotFoundError as error:
            found.append(str(error))
    return "\n".join(found)
