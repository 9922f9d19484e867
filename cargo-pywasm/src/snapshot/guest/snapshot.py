"""What a snapshot does in Python: before it is taken, and whenever a program goes on from it."""

import sys


def before(names):
    """Imports what is to be kept, and lets go of what was read from files that may change."""
    for name in names.split(","):
        if name:
            __import__(name)
    # Finders know what their directories had; what they find is looked for when it is wanted.
    sys.path_importer_cache.clear()
    if "zipimport" in sys.modules:
        sys.modules["zipimport"]._zip_directory_cache.clear()
    for stream in sys.stdout, sys.stderr:
        if stream is not None:
            stream.flush()


def resume(environ, encoding, errors, buffered, reseed):
    """Makes right what was true of the build only. It imports nothing: what is not there has no state."""
    modules = sys.modules
    if "posix" in modules:
        # That of `os` is a view of it.
        kept = modules["posix"].environ
        kept.clear()
        kept.update(environ)
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
        # Nanoseconds since 3.13.
        whole = isinstance(logging._startTime, int)
        logging._startTime = time.time_ns() if whole else time.time()


def stream(name, fd, encoding, errors, buffered):
    """A stream as it is when a program starts, in the same object, which others may have kept.

    Source: create_stdio in CPython's Python/pylifecycle.c.
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
        # Let go of, it would close what it writes to.
        buffer = buffer.detach()
    text.__init__(buffer, encoding, errors, "\n", lines, not buffered)
    text.mode = "w" if fd else "r"
