"""What an effect costs: medians of interleaved rounds, in microseconds an effect.

The first line is what no VM can be faster than: a loop in Python that sends to a generator.
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


def just_transfers(effect, k):
    return Transfer(k, 1)


def delegates(effect, k):
    yield Delegate()


def calls(effect):
    for _ in range(EFFECTS // 2):
        yield one(effect)


def one(effect):
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
    "a loop that sends": send_loop,
    "Get": in_vm(lambda: performs(Get("x"))),
    "Get, two in a called program": in_vm(lambda: calls(Get("x"))),
    "Get, past a handler": in_vm(lambda: WithHandler(delegates, performs(Get("x")))),
    "a handler transfers": in_vm(lambda: WithHandler(transfers, performs(Question()))),
    "a function transfers": in_vm(lambda: WithHandler(just_transfers, performs(Question()))),
    "a handler resumes": in_vm(lambda: WithHandler(resumes, performs(Question()))),
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
