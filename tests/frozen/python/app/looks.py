"""What a module sees that has no files."""

import importlib
import os
import sys


def places():
    """What of sys.path exists."""
    return ",".join(path for path in sys.path if os.path.exists(path))


def started():
    """What a full start of Python has done."""
    return ",".join(name for name in ("site", "encodings", "io") if name in sys.modules)


def library():
    import datetime
    import json
    import re

    day = datetime.datetime.strptime("2026-11-21", "%Y-%m-%d")
    parts = re.findall(r"\d+", json.loads(json.dumps({"day": str(day)}))["day"])
    return "/".join(parts[:3])


def left_out():
    names = ["email.message", "email.mime", "email.mime.text", "http.client"]
    found = []
    for name in names:
        try:
            importlib.import_module(name)
            found.append(name)
        except ModuleNotFoundError as error:
            found.append(str(error))
    return "\n".join(found)
