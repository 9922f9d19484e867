"""Measures the cost of an effect: the median over interleaved rounds, in microseconds.

The first line is a lower bound for any VM: a loop in Python that sends to a generator.
"""

from statistics import median
from time import perf_counter

from effects import (
    Delegate, Effect, Get, Pause, Resume, Spawn, Store, Transfer, WithHandler, Gather, run,
)

EFFECTS = 10_000
ROUNDS = 11


class Question(Effect):
    pass


def performs(effect):
    for _ in range(EFFECTS):
        yield effect


def resumes(effect, k):
    return (yield Resume(k, 1))


def transfers(effect, k):
    yield Transfer(k, 1)


def transfers_directly(effect, k):
    return Transfer(k, 1)


def delegates(effect, k):
    yield Delegate()


def calls(effect):
    for _ in range(EFFECTS // 2):
        yield perform_twice(effect)


def perform_twice(effect):
    yield effect
    yield effect


def pair():
    tasks = []
    for _ in range(2):
        tasks.append((yield Spawn(pauses())))
    yield Gather(*tasks)


def pauses():
    for _ in range(EFFECTS // 2):
        yield Pause()


def send_loop():
    generator = performs(Question())
    generator.send(None)
    try:
        while True:
            generator.send(1)
    except StopIteration:
        pass


def in_vm(make):
    return lambda: run(make(), Store({"x": 1}))


CASES = {
    "send to a generator": send_loop,
    "Get": in_vm(lambda: performs(Get("x"))),
    "Get, in a called program": in_vm(lambda: calls(Get("x"))),
    "Get, delegated by a handler": in_vm(lambda: WithHandler(delegates, performs(Get("x")))),
    "Transfer, in a generator": in_vm(lambda: WithHandler(transfers, performs(Question()))),
    "Transfer, returned": in_vm(lambda: WithHandler(transfers_directly, performs(Question()))),
    "Resume": in_vm(lambda: WithHandler(resumes, performs(Question()))),
    "Pause, two tasks": in_vm(pair),
}

times = {name: [] for name in CASES}
for _ in range(ROUNDS):
    for name, case in CASES.items():
        start = perf_counter()
        case()
        times[name].append(perf_counter() - start)
for name, rounds in times.items():
    print(f"{name:30} {median(rounds) / EFFECTS * 1e6:8.3f}")
