"""Tasks: scheduling, waiting, races, and the end of a run."""

import sys
import traceback

from effects import (
    Deadlock, Delegate, Effect, Gather, Get, GetHandlers, Modify, Pause, Pure, Put, Race, Resume,
    Spawn, Store, TaskCancelled, TaskError, WithHandler, run,
)


def worker(name, turns, seen=None):
    """Takes a number of turns, and records them."""
    seen = [] if seen is None else seen
    try:
        for turn in range(turns):
            seen.append(f"{name}{turn}")
            yield Pause()
        return name
    finally:
        seen.append(f"{name} is closed")


def failing(turns=0):
    for _ in range(turns):
        yield Pause()
    raise LookupError("failed")


def spawn_all(programs):
    tasks = []
    for program in programs:
        tasks.append((yield Spawn(program)))
    return tasks


def gather(*programs):
    return (yield Gather(*(yield spawn_all(programs))))


def race(*programs):
    return (yield Race(*(yield spawn_all(programs))))


def expect_error(error, operation, *parts):
    try:
        yield operation
    except error as raised:
        for part in parts:
            assert part in str(raised), raised
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


def reported_failures(program):
    """Returns the failures that the run of a program reports."""
    reported = []
    hook, sys.unraisablehook = sys.unraisablehook, reported.append
    try:
        run(program)
        return [str(report.exc_value) for report in reported]
    finally:
        reported.clear()
        sys.unraisablehook = hook


def gather_keeps_the_order_of_tasks():
    assert run(gather(worker("a", 3), worker("b", 1), worker("c", 2))) == ["a", "b", "c"]
    assert run(Gather()) == []


def tasks_run_in_the_order_they_were_spawned():
    seen = []
    run(gather(worker("a", 2, seen), worker("b", 3, seen), worker("c", 1, seen)))
    assert seen == [
        "a0", "b0", "c0", "a1", "b1", "c is closed", "a is closed", "b2", "b is closed",
    ]


def scheduling_is_deterministic():
    def turns():
        seen = []

        def nested(name):
            yield gather(worker(name + "x", 2, seen), worker(name + "y", 3, seen))

        run(race(nested("a"), gather(worker("b", 4, seen), nested("c"))))
        return seen

    assert turns() == turns()


def spawner_continues_first():
    seen = []

    def main():
        task = yield Spawn(worker("task", 1, seen))
        seen.append("main")
        yield Gather(task)

    run(main())
    assert seen == ["main", "task0", "task is closed"]


def gather_raises_the_first_failure():
    seen = []

    def main():
        tasks = yield spawn_all([worker("slow", 3, seen), failing(1)])
        error = yield expect_error(LookupError, Gather(*tasks), "failed")
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert names[-1] == "failing", names
        assert "slow is closed" not in seen
        return (yield Gather(tasks[0]))

    assert run(main()) == ["slow"]


def task_can_be_waited_for_repeatedly():
    def main():
        task = yield Spawn(worker("task", 1))
        return (yield Gather(task)), (yield Gather(task, task)), (yield Race(task))

    assert run(main()) == (["task"], ["task", "task"], "task")


def first_task_to_end_wins_and_others_are_closed():
    seen = []

    def outer(name, turns):
        try:
            return (yield worker(name, turns, seen))
        finally:
            seen.append(f"outer {name} is closed")

    assert run(race(outer("slow", 9), worker("fast", 1, seen))) == "fast"
    events = ["slow0", "fast0", "slow1", "fast is closed", "slow is closed", "outer slow is closed"]
    assert seen == events


def unstarted_loser_does_not_run():
    seen = []

    def main():
        first, = yield spawn_all([Pure("first")])
        yield Gather(first)
        late = yield Spawn(worker("late", 1, seen))
        return (yield Race(late, first))

    assert run(main()) == "first"
    assert seen == []


def failure_may_win_a_race():
    seen = []
    run(expect_error(LookupError, race(worker("slow", 9, seen), failing(1)), "failed"))
    assert seen[-1] == "slow is closed"


def race_needs_a_task():
    try:
        Race()
    except TypeError as error:
        assert "first" in str(error)
        return
    raise AssertionError("a race without tasks was accepted")


def waiting_for_a_loser_raises_task_cancelled():
    def main():
        tasks = yield spawn_all([worker("slow", 9), worker("fast", 1)])
        waits = yield Spawn(Gather(tasks[0]))
        yield Race(*tasks)
        for operation in Gather(tasks[0]), Race(tasks[0]), Gather(waits):
            yield expect_error(TaskCancelled, operation, "lost a race")
        return (yield Race(*tasks))

    assert run(main()) == "fast"


def waiting_loser_is_closed_but_its_tasks_continue():
    seen = []

    def waits():
        try:
            yield gather(worker("inner", 3, seen))
        finally:
            seen.append("waits is closed")

    def main():
        yield race(waits(), worker("fast", 1))
        for _ in range(5):
            yield Pause()

    run(main())
    assert seen.index("waits is closed") < seen.index("inner is closed")
    assert "inner2" in seen


def tasks_share_the_store():
    def adds():
        for _ in range(10):
            yield Modify("x", lambda x: x + 1)
            yield Pause()

    store = Store({"x": 0})
    run(gather(adds(), adds(), adds()), store)
    assert store.state == {"x": 30}


def task_inherits_the_handlers_of_its_spawner():
    class Question(Effect):
        pass

    def answers(effect, k):
        match effect:
            case Question():
                return (yield Resume(k, "answer"))
            case _:
                yield Delegate()

    def main():
        # The handler encloses the spawning, but not the gathering.
        tasks = yield WithHandler(answers, spawn_all([Question(), GetHandlers()]))
        return (yield Gather(*tasks))

    assert run(main()) == ["answer", [answers]]


def continuation_may_be_resumed_in_another_task():
    class Step(Effect):
        pass

    def kept(effect, k):
        yield Put("k", k)
        return "kept"

    def first():
        return (yield WithHandler(kept, Step()))

    def second():
        yield Pause()
        return (yield Resume((yield Get("k")), "resumed"))

    assert run(gather(first(), second())) == ["kept", "resumed"]


def deadlock_is_raised_in_the_main_program():
    def waits_for(name):
        yield Pause()
        return (yield Gather((yield Get(name))))

    def main():
        a, b = yield spawn_all([waits_for("b"), waits_for("a")])
        yield Put("a", a)
        yield Put("b", b)
        yield expect_error(Deadlock, Gather(a, b), "every task waits")
        yield Pause()
        return "continued"

    assert run(main()) == "continued"


def task_cannot_wait_for_itself():
    def selfish():
        yield expect_error(TaskError, Gather((yield Get("self"))), "itself")
        yield expect_error(TaskError, Race((yield Get("self"))), "itself")

    def main():
        task = yield Spawn(selfish())
        yield Put("self", task)
        yield Gather(task)

    run(main())


def task_of_another_run_is_refused():
    task = run(Spawn(Pure(1)))
    for effect in Gather, Race:
        run(expect_error(TaskError, effect(task), "another call of `run`"))


def other_objects_are_not_tasks():
    for effect in Gather, Race:
        try:
            effect(42)
        except TypeError as error:
            assert "int" in str(error)
        else:
            raise AssertionError("the object was accepted as a task")


def run_ends_with_the_main_program():
    seen = []

    def main():
        yield Spawn(worker("a", 9, seen))
        yield Pause()
        return "done"

    assert run(main()) == "done"
    assert seen == ["a0", "a is closed"]


def unobserved_failure_is_reported():
    def main(task):
        yield Spawn(task)
        yield Pause()
        yield Pause()

    assert reported_failures(main(failing())) == ["failed"]
    assert reported_failures(main(worker("task", 0))) == []


def observed_failure_is_not_reported():
    def main():
        yield expect_error(LookupError, gather(failing(), failing(1)))
        yield Pause()

    assert reported_failures(main()) == []


def failure_is_raised_in_every_waiting_task():
    def main():
        task = yield Spawn(failing(2))
        programs = [expect_error(LookupError, Gather(task)), expect_error(LookupError, Race(task))]
        waiters = yield spawn_all(programs)
        first, second = yield Gather(*waiters)
        assert first is second

    run(main())
