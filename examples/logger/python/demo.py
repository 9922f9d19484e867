"""A log file, a callback that counts, and what happens when it has enough."""

import tempfile
from pathlib import Path

from logger import Logger


class TooMany(Exception):
    pass


class Alarm:
    def __init__(self, limit):
        self.limit, self.seen = limit, 0

    def __call__(self):
        self.seen += 1
        if self.seen > self.limit:
            raise TooMany(f"{self.seen} errors")


with tempfile.TemporaryDirectory(dir=".") as directory:
    path = Path(directory, "app.log")
    try:
        with Logger(Alarm(limit=1), path=path) as log:
            log.log("ready\n")
            log.log("ERROR: no answer\n")
            log.log("ERROR: still none\n")
            log.log("never reached\n")
    except TooMany as error:
        print("stopped:", error)
    print(path.read_text(), end="")
