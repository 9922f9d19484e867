"""Compares the speed of fastcopy.deepcopy and copy.deepcopy, and prints a Markdown table.

    bench.py [--rounds N] [SHAPE ...]

Both functions copy the same object in the same process. They take turns for N rounds; a round
repeats the copy for some milliseconds. The table shows the median time of one copy over all rounds,
and the ratio of the medians.
"""

import copy
import json
import statistics
import sys
import time
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import fastcopy

ROUND_SECONDS = 0.02


@dataclass
class Point:
    x: float
    y: float


@dataclass
class Order:
    number: int
    customer: str
    lines: list = field(default_factory=list)
    tags: dict = field(default_factory=dict)


@dataclass(slots=True)
class Slotted:
    a: int
    b: str
    c: tuple


class Hooked:
    """Copies itself with the given memo and the `deepcopy` under test."""

    deepcopy = None

    def __init__(self, items):
        self.items = items

    def __deepcopy__(self, memo):
        return Hooked(Hooked.deepcopy(self.items, memo))


class Stateful:
    def __init__(self, items):
        self.items = items

    def __getstate__(self):
        return {"items": self.items}

    def __setstate__(self, state):
        self.items = state["items"]


def nested_list(depth):
    inner = []
    for _ in range(depth):
        inner = [inner]
    return inner


def json_document():
    user = {
        "id": 17,
        "name": "Ada",
        "email": "ada@example.org",
        "active": True,
        "score": 0.75,
        "tags": ["a", "b", "c"],
        "address": {"street": "Main", "zip": "12345", "geo": [51.5, -0.1]},
        "friends": [{"id": n, "name": f"friend {n}"} for n in range(5)],
    }
    return json.loads(json.dumps([user] * 50))


def shared_references():
    shared = [{"key": n} for n in range(20)]
    return [shared[n % 20] for n in range(1000)]


def cyclic_graph():
    nodes = [{"edges": []} for _ in range(200)]
    for number, node in enumerate(nodes):
        node["edges"] = [nodes[(number * 7 + step) % 200] for step in (1, 2, 3)]
    return nodes


SHAPES = {
    "an int": lambda: 42,
    "small flat dict": lambda: {"a": 1, "b": 2, "c": 3},
    "small nested dict": lambda: {"a": [1, 2], "b": {"c": (3, [4])}},
    "list of 1000 strings": lambda: [f"item {n}" for n in range(1000)],
    "flat dict, 1000 items": lambda: {f"key {n}": n for n in range(1000)},
    "100 x 10 matrix": lambda: [[float(n) for n in range(10)] for _ in range(100)],
    "JSON document": json_document,
    "nested dicts, 4 deep": lambda: {
        a: {b: {c: {d: d for d in "wxyz"} for c in "abcd"} for b in "abcd"} for a in "abcd"
    },
    "1000 unchanged tuples": lambda: [(n, str(n), None) for n in range(1000)],
    "1000 changed tuples": lambda: [(n, [n]) for n in range(1000)],
    "set of 1000 ints": lambda: set(range(1000)),
    "100 small sets": lambda: [{n, n + 1, n + 2} for n in range(100)],
    "1000 references to 20 dicts": shared_references,
    "graph with cycles": cyclic_graph,
    "lists, 200 deep": lambda: nested_list(200),
    "1000 small dataclasses": lambda: [Point(n, n) for n in range(1000)],
    "100 nested dataclasses": lambda: [
        Order(n, "c", [Point(1.0, 2.0)] * 2, {"k": [n]}) for n in range(100)
    ],
    "1000 slotted dataclasses": lambda: [Slotted(n, "b", (n,)) for n in range(1000)],
    "200 objects with __deepcopy__": lambda: [Hooked([[n], {"n": n}]) for n in range(200)],
    "200 objects with __setstate__": lambda: [Stateful([n]) for n in range(200)],
    "OrderedDict, defaultdict, deque": lambda: [
        OrderedDict(a=[1], b=[2]),
        defaultdict(list, a=[1], b=[2]),
        deque([[1], [2]]),
    ],
    "datetime, timedelta, Decimal": lambda: [
        [datetime(2024, 1, 1), timedelta(1), Decimal(n)] for n in range(100)
    ],
}


def seconds_per_copy(deepcopy, value, repeats):
    Hooked.deepcopy = deepcopy
    start = time.perf_counter()
    for _ in range(repeats):
        deepcopy(value)
    return (time.perf_counter() - start) / repeats


def repeats_per_round(deepcopy, value):
    single = seconds_per_copy(deepcopy, value, 1)
    estimate = max(1, int(ROUND_SECONDS / 10 / max(single, 1e-7)))
    return max(1, int(ROUND_SECONDS / seconds_per_copy(deepcopy, value, estimate)))


def measure(value, rounds):
    """Returns the median seconds per copy of copy.deepcopy and of fastcopy.deepcopy."""
    functions = [copy.deepcopy, fastcopy.deepcopy]
    repeats = [repeats_per_round(deepcopy, value) for deepcopy in functions]
    times = [[], []]
    for number in range(rounds):
        # Alternate which function goes first.
        for which in (0, 1) if number % 2 else (1, 0):
            times[which].append(seconds_per_copy(functions[which], value, repeats[which]))
    return [statistics.median(series) for series in times]


def main(arguments):
    rounds = 15
    if arguments[:1] == ["--rounds"]:
        rounds = int(arguments[1])
        arguments = arguments[2:]
    ratios = []
    print("| shape | copy.deepcopy, µs | fastcopy.deepcopy, µs | times faster |")
    print("|---|---:|---:|---:|")
    for name in arguments or SHAPES:
        slow, fast = measure(SHAPES[name](), rounds)
        ratios.append(slow / fast)
        print(f"| {name} | {slow * 1e6:.2f} | {fast * 1e6:.2f} | {slow / fast:.1f} |", flush=True)
    print(f"| geometric mean | | | {statistics.geometric_mean(ratios):.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
