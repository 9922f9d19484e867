"""The parts of pyperf that pyperformance uses, for interpreters without processes.

pyperf starts a process for each value. Here, one process takes a few samples and prints
`RESULT NAME SECONDS` with the best time of a loop. `cargo xtask bench` starts the processes.
"""

import argparse
import sys
from time import perf_counter

SAMPLES = 3
SHORTEST = 0.1  # the minimum length of a sample in seconds


def python_implementation():
    return sys.implementation.name


class Runner:
    def __init__(self, add_cmdline_args=None):
        self.argparser = argparse.ArgumentParser()
        self.metadata = {}

    def parse_args(self):
        return self.argparser.parse_args()

    def bench_func(self, name, func, *args, inner_loops=1):
        def sample(loops):
            rounds = range(loops)
            start = perf_counter()
            for _ in rounds:
                func(*args)
            return perf_counter() - start

        self._report(name, sample, inner_loops)

    def bench_time_func(self, name, func, *args, inner_loops=1):
        self._report(name, lambda loops: func(loops, *args), inner_loops)

    def _report(self, name, sample, inner_loops):
        loops = 1
        while sample(loops) < SHORTEST:
            loops *= 2
        best = min(sample(loops) for _ in range(SAMPLES))
        print("RESULT", name, best / (loops * inner_loops), flush=True)
