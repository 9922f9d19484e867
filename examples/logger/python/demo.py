"""Writes a log file and counts errors in a callback, which fails at the second error."""

import tempfile
from pathlib import Path

from logger import Logger


class TooManyErrors(Exception):
    pass


class ErrorCounter:
    def __init__(self, limit):
        self.limit, self.count = limit, 0

    def __call__(self):
        self.count += 1
        if self.count > self.limit:
            raise TooManyErrors(f"{self.count} errors")


with tempfile.TemporaryDirectory(dir=".") as directory:
    path = Path(directory, "app.log")
    try:
        with Logger(ErrorCounter(limit=1), path=path) as log:
            log.log("ready\n")
            log.log("ERROR: no response\n")
            log.log("ERROR: still no response\n")
            log.log("never reached\n")
    except TooManyErrors as error:
        print("stopped:", error)
    print(path.read_text(), end="")
