"""Runs pytest in wasm, and writes the results as JSON to /out/result.json.

The arguments are those of pytest. Runs in the directory /src.
"""

import json
import os
import sys

import pytest


class Results:
    def __init__(self):
        # The failed tests have their errors.
        self.passed, self.skipped, self.failed = set(), set(), {}

    @pytest.fixture(name="capfd")
    def no_capfd(self):
        """A test that fails in this fixture would leave it in a state in which all later tests fail."""
        pytest.skip("WASI cannot duplicate file descriptors")

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.setdefault(report.nodeid, error_of(report))
        elif report.skipped:
            self.skipped.add(report.nodeid)
        elif report.when == "call":
            self.passed.add(report.nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.setdefault(report.nodeid, error_of(report))
        elif report.skipped:
            self.skipped.add(report.nodeid)


def error_of(report):
    """Returns the first line of the error's message."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash else str(report.longrepr).rpartition("\nE ")[2]).strip().splitlines()
    return lines[0] if lines else ""


os.chdir("/src")
results = Results()
options = [
    # File descriptors cannot be duplicated, and the directory of the tests is read-only.
    "-p", "no:cacheprovider", "-p", "no:faulthandler", "--capture=sys", "--basetemp=/tmp/pytest", "-q", "--tb=line",
]
code = pytest.main([*options, *sys.argv[1:]], plugins=[results])
with open("/out/result.json", "w") as file:
    json.dump({
        "ended": code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED),
        "passed": len(results.passed - results.failed.keys()),
        "skipped": len(results.skipped - results.failed.keys()),
        "failed": results.failed,
    }, file, sort_keys=True)
