"""Runs CPython's own tests of copy.deepcopy with fastcopy.deepcopy.

    run_test_copy.py [TEST ...]

A TEST is the name of a module, class or method, as for unittest; the default is `test.test_copy`.
CPython's `Lib` must be mounted at /cpython, because an installation does not include `test`.

`copy.deepcopy` is replaced before any test module is imported. The report separates the tests that
called it from those that did not and therefore prove nothing about it.
"""

import copy
import sys
import unittest

import fastcopy

DEFAULT = ["test.test_copy"]

# Appended to sys.path: all modules except `test` come from the installation.
SOURCES = "/cpython"

# Tests that are not run, and why they cannot pass with a native deepcopy.
SKIPPED = {
    "test.test_copy.MiscTestCase.test__all__": "requires exports of copy to be defined in copy.py",
}


class Result(unittest.TextTestResult):
    """Counts the calls of `fastcopy.deepcopy` in each test."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.calls = {}

    def startTest(self, test):
        super().startTest(test)
        self.calls[test.id()] = 0
        sys.setprofile(lambda frame, event, arg: self.count_call(test, event, arg))

    def stopTest(self, test):
        sys.setprofile(None)
        super().stopTest(test)

    def count_call(self, test, event, function):
        if event == "c_call" and function is fastcopy.deepcopy:
            self.calls[test.id()] += 1


def tests_in(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_in(test)
        else:
            yield test


def show(title, lines):
    print(f"\n{title}: {len(lines)}")
    for line in lines:
        print(f"  {line}")


def main(names):
    sys.path.append(SOURCES)
    copy.deepcopy = fastcopy.deepcopy
    loaded = list(tests_in(unittest.defaultTestLoader.loadTestsFromNames(names)))
    suite = unittest.TestSuite(test for test in loaded if test.id() not in SKIPPED)
    result = unittest.TextTestRunner(stream=sys.stderr, resultclass=Result).run(suite)

    stale = SKIPPED.keys() - {test.id() for test in loaded} if names == DEFAULT else set()
    called = {id for id, calls in result.calls.items() if calls}
    failed = {test.id() for test, _ in result.failures + result.errors}
    skipped = {test.id(): reason for test, reason in result.skipped}
    show("passed, called fastcopy.deepcopy", sorted(called - failed - skipped.keys()))
    show(
        "passed, did not call fastcopy.deepcopy",
        sorted(result.calls.keys() - called - failed - skipped.keys()),
    )
    show("skipped by CPython", sorted(f"{id}: {reason}" for id, reason in skipped.items()))
    show("skipped by this script", sorted(f"{id}: {reason}" for id, reason in SKIPPED.items()))
    show("skipped by this script, but unknown", sorted(stale))
    show("failed", sorted(failed))
    return 0 if result.wasSuccessful() and called and not stale else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or DEFAULT))
