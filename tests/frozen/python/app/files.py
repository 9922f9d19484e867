"""Functions that use the files of this package, which are part of the wasm module."""

import errno
import os

HERE = os.path.dirname(__file__)
TABLE = f"{HERE}/data/table.csv"


def contents():
    import importlib.resources
    import pkgutil

    with open(TABLE) as file:
        found = {file.read()}
    found.add(importlib.resources.files("app").joinpath("data", "table.csv").read_text())
    found.add(pkgutil.get_data("app", "data/table.csv").decode())
    with importlib.resources.as_file(importlib.resources.files("app") / "data/table.csv") as path:
        found.add(path.read_text())
    return "".join(found)


def names():
    import glob
    import pkgutil

    walked = sum(len(files) for _, _, files in os.walk(HERE))
    modules = sorted(module.name for module in pkgutil.walk_packages([HERE], "app."))
    data = sorted(os.listdir(f"{HERE}/data"))
    [only] = glob.glob(f"{HERE}/**/*.csv", recursive=True)
    kinds = [entry.name for entry in os.scandir("/pywasm") if entry.is_dir()]
    return repr((walked, modules, data, only, sorted(kinds)))


def metadata():
    from importlib import metadata

    [point] = metadata.entry_points(group="app.plugins")
    return f"{metadata.version('app-demo')} {point.load()()}"


def properties():
    import stat

    found = os.stat(TABLE)
    assert stat.S_ISREG(found.st_mode) and stat.S_ISDIR(os.stat(HERE).st_mode)
    assert os.stat(f"{HERE}/../app/./data//table.csv").st_ino == found.st_ino != os.stat(HERE).st_ino
    with open(TABLE, "rb") as file:
        assert file.seek(-4, os.SEEK_END) == 10 and file.tell() == 10 and file.read() == b"a,1\n"
        assert file.read(5) == b"" and os.fstat(file.fileno()).st_size == found.st_size == 14
        assert os.pread(file.fileno(), 4, 5) == b"size" and file.seek(100) == 100 and file.read() == b""
    files = [open(TABLE) for _ in range(100)]
    assert {file.readline() for file in files} == {"name,size\n"}
    for file in files:
        file.close()
    return str(found.st_mtime)


def refusals():
    reading = os.open(TABLE, os.O_RDONLY)
    with open(TABLE) as file:
        closed = file.fileno()
    calls = {
        "append": lambda: open(TABLE, "a"),
        "change": lambda: os.utime(TABLE),
        "chdir to a file": lambda: os.listdir(f"{TABLE}/"),
        "closed": lambda: os.read(closed, 1),
        "create": lambda: open(f"{HERE}/new", "w"),
        "create exclusively": lambda: open(TABLE, "x"),
        "leave": lambda: os.stat("/pywasm/../secret"),
        "link": lambda: os.readlink(TABLE),
        "make": lambda: os.mkdir(f"{HERE}/new"),
        "make again": lambda: os.mkdir(f"{HERE}/data"),
        "missing": lambda: os.remove(f"{HERE}/none"),
        "open a directory": lambda: open(HERE),
        "remove": lambda: os.remove(TABLE),
        "rename": lambda: os.rename(TABLE, f"{HERE}/new"),
        "seek before the start": lambda: os.lseek(reading, -1, os.SEEK_SET),
        "through a file": lambda: os.stat(f"{TABLE}/x"),
        "truncate": lambda: open(TABLE, "w"),
        "update": lambda: open(TABLE, "r+"),
        "write": lambda: os.write(reading, b"x"),
    }
    found = {}
    for name, call in calls.items():
        try:
            call()
            found[name] = "none"
        except OSError as error:
            found[name] = errno.errorcode[error.errno]
    os.close(reading)
    return ", ".join(f"{name}: {code}" for name, code in found.items())
