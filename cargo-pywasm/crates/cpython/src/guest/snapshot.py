"""The Python part of a snapshot: one function for when it is made, one for when it is resumed."""

import sys


def before(names):
    """Imports the requested modules and drops cached contents of directories, which may change."""
    for name in names.split(","):
        if name:
            __import__(name)
    sys.path_importer_cache.clear()
    if "zipimport" in sys.modules:
        sys.modules["zipimport"]._zip_directory_cache.clear()
    for stream in sys.stdout, sys.stderr:
        if stream is not None:
            stream.flush()


def resume(environ, encoding, errors, buffered, reseed):
    """Updates state that was valid only during the build. Modules that are not imported have none."""
    modules = sys.modules
    if "posix" in modules:
        # `os.environ` is a view of this dictionary.
        current = modules["posix"].environ
        current.clear()
        current.update(environ)
    stream("stdin", 0, encoding, errors, True)
    stream("stdout", 1, encoding, errors, buffered)
    stream("stderr", 2, encoding, "backslashreplace", buffered)
    if reseed:
        if "random" in modules:
            modules["random"]._inst.seed()
        if "tempfile" in modules:
            modules["tempfile"]._name_sequence = None
        if "uuid" in modules:
            uuid = modules["uuid"]
            for name in "_node", "_last_timestamp", "_last_timestamp_v7":
                if hasattr(uuid, name):
                    setattr(uuid, name, None)
    if "logging" in modules:
        logging, time = modules["logging"], modules["time"]
        # An integer of nanoseconds since 3.13.
        nanoseconds = isinstance(logging._startTime, int)
        logging._startTime = time.time_ns() if nanoseconds else time.time()


def stream(name, fd, encoding, errors, buffered):
    """Initializes a standard stream like create_stdio in CPython's Python/pylifecycle.c, but in the
    existing object, which other code may refer to.
    """
    text = getattr(sys, f"__{name}__")
    if text is None:
        return
    buffer = text.buffer
    raw = getattr(buffer, "raw", buffer)
    try:
        raw.__init__(fd, "wb" if fd else "rb", closefd=False)
    except OSError:
        if getattr(sys, name) is text:
            setattr(sys, name, None)
        setattr(sys, f"__{name}__", None)
        return
    raw.name = f"<{name}>"
    lines = buffered and (fd == 2 or raw.isatty())
    if buffered:
        buffer.__init__(raw)
    elif buffer is not raw:
        # When collected, it would close the raw stream.
        buffer = buffer.detach()
    text.__init__(buffer, encoding, errors, "\n", lines, not buffered)
    text.mode = "w" if fd else "r"
