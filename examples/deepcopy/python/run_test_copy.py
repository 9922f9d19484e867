"""Run CPython's own tests of copy.deepcopy against fastcopy.deepcopy.

    run_test_copy.py [TEST ...]

A TEST is a module, class or method as unittest names it; `test.test_copy` when none is given.
CPython's `Lib` must be mounted at /cpython, for an installation comes without `test`.

Before any test module is imported, `copy.deepcopy` becomes the native one. All tests are run, and
each is put down as one that called it or as one that did not and so says nothing about it.
"""

import copy
import sys
import unittest

import fastcopy

DEFAULT = ["test.test_copy"]

# The last place: all but `test` comes from the installation.
SOURCES = "/cpython"

# Test id -> why it can't hold for the native deepcopy. Such tests are not run.
SKIPPED = {
    "test.test_copy.MiscTestCase.test__all__": "asks that what copy exports is defined in copy.py",
}


class Result(unittest.TextTestResult):
    """Notes for each test whether it called `fastcopy.deepcopy`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.calls = {}

    def startTest(self, test):
        super().startTest(test)
        self.calls[test.id()] = 0
        sys.setprofile(lambda frame, event, arg: self.note(test, event, arg))

    def stopTest(self, test):
        sys.setprofile(None)
        super().stopTest(test)

    def note(self, test, event, function):
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
    bad = {test.id() for test, _ in result.failures + result.errors}
    skipped = {test.id(): reason for test, reason in result.skipped}
    show("passed, calling fastcopy.deepcopy", sorted(called - bad - skipped.keys()))
    show(
        "not applicable, never calls deepcopy",
        sorted(result.calls.keys() - called - bad - skipped.keys()),
    )
    show("skipped by CPython", sorted(f"{id}: {reason}" for id, reason in skipped.items()))
    show("skipped here", sorted(f"{id}: {reason}" for id, reason in SKIPPED.items()))
    show("skipped here, but not there any more", sorted(stale))
    show("failed", sorted(bad))
    return 0 if result.wasSuccessful() and called and not stale else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or DEFAULT))
