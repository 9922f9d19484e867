"""The Python part: an ordinary module, which the command has inside."""

import sys

import host


def main(args):
    text = " ".join(args) or "Hello from Python inside WebAssembly"
    version = sys.version.split()[0]
    print(f"{text}: {host.count_words(text)} words, says Python {version} on {sys.platform}")
