"""An ordinary Python module, embedded in the command."""

import sys

import host


def main(args):
    text = " ".join(args) or "Hello from Python inside WebAssembly"
    version = sys.version.split()[0]
    print(f"{text}: {host.count_words(text)} words (Python {version} on {sys.platform})")
