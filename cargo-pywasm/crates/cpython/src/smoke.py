"""The smoke test. Arguments: the built-in modules, `--`, the missing modules. Prints one line of JSON."""

import json
import sys


def arithmetic():
    assert 2**200 % 1009 == pow(2, 200, 1009) and 0.1 + 0.2 != 0.3 and divmod(-7, 2) == (-4, 1)


def text():
    assert "ß".upper() == "SS" and "{:>5.1f}".format(3.14159) == "  3.1"
    assert "grün".encode("utf-16-le").decode("utf-16-le") == "grün"


def json_round_trip():
    value = {"a": [1, 2.5, None, True, "ü"], "b": {"c": []}}
    assert json.loads(json.dumps(value)) == value


def regular_expressions():
    import re

    assert re.sub(r"(\w+)@(\w+)", r"\2 at \1", "me@home") == "home at me"


def dates():
    import datetime

    day = datetime.date(2024, 2, 28) + datetime.timedelta(days=2)
    assert day.isoformat() == "2024-03-01"
    assert datetime.datetime.now().year >= 2024


def files():
    import os
    import pathlib

    path = pathlib.Path("/scratch/dir/file.txt")
    path.parent.mkdir()
    path.write_text("one\ntwo\n")
    with path.open("a") as file:
        file.write("three\n")
    assert path.read_text().split() == ["one", "two", "three"]
    assert os.listdir("/scratch/dir") == ["file.txt"] and path.stat().st_size == 14
    path.unlink()
    path.parent.rmdir()
    try:
        path.stat()
    except FileNotFoundError:
        return
    raise AssertionError("the file still exists")


def stdlib_is_read_only():
    try:
        open(json.__file__, "a").close()
    except PermissionError:
        return
    raise AssertionError("the standard library is writable")


def stdlib_as_a_zip():
    import zipimport

    number = "{}{}".format(*sys.version_info)
    archive = zipimport.zipimporter(f"/product/zip/python{number}.zip")
    assert archive.is_package("json") and archive.get_code("json").co_names


def hashes():
    # Imported directly, because the error of hashlib does not name the missing module.
    import _md5
    import _sha2
    import hashlib

    assert hashlib.sha256(b"abc").hexdigest().startswith("ba7816bf")
    assert hashlib.new("md5", b"").hexdigest() == "d41d8cd98f00b204e9800998ecf8427e"


def decimals():
    from decimal import Decimal

    assert Decimal("0.1") + Decimal("0.2") == Decimal("0.3")


def randomness():
    import os
    import random

    assert os.urandom(16) != os.urandom(16)
    assert random.Random(42).randint(1, 10**9) == random.Random(42).randint(1, 10**9)


def environment():
    import os

    assert dict(os.environ) == {"PYWASM_CHECK": "yes"}, dict(os.environ)


def sysconfig_data():
    import sysconfig

    assert sysconfig.get_config_var("HOST_GNU_TYPE") == "wasm32-unknown-wasip1"


def deep_recursion():
    def down():
        return down()

    try:
        down()
    except RecursionError:
        return
    raise AssertionError("no RecursionError")


def deep_data():
    # Recursion in C: 3.13 raises RecursionError, 3.14 has enough stack. Neither may trap.
    value = []
    for _ in range(100_000):
        value = [value]
    for work in (repr, json.dumps, lambda value: json.loads("[" * 100_000 + "]" * 100_000)):
        try:
            work(value)
        except RecursionError:
            pass


def threads_are_refused():
    import threading

    try:
        threading.Thread(target=print).start()
    except RuntimeError:
        return
    raise AssertionError("a thread was started")


CHECKS = [
    arithmetic,
    text,
    json_round_trip,
    regular_expressions,
    dates,
    files,
    stdlib_is_read_only,
    stdlib_as_a_zip,
    hashes,
    decimals,
    randomness,
    environment,
    sysconfig_data,
    deep_recursion,
    deep_data,
    threads_are_refused,
]

split = sys.argv.index("--")
builtin, absent = sys.argv[1:split], sys.argv[split + 1 :]
for name in builtin:
    try:
        __import__(name)
    except Exception as error:
        sys.exit(f"cannot import built-in module {name}: {error!r}")
passed, left_out = [], []
for check in CHECKS:
    try:
        check()
    except Exception as error:
        # A check may need a module that the recipe leaves out.
        if isinstance(error, ImportError) and error.name in absent:
            left_out.append(f"{check.__name__} (no {error.name})")
            continue
        import traceback

        traceback.print_exc()
        sys.exit(f"check {check.__name__} failed: {error!r}")
    passed.append(check.__name__)
print(
    json.dumps(
        {
            "version": sys.version.split()[0],
            "checks": passed,
            "left_out": left_out,
            "modules": len(builtin),
        }
    )
)
