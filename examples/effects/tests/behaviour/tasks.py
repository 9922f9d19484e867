"""Tasks: turns, waiting, races, and what becomes of those that are left."""

import sys
import traceback

from effects import (
    Deadlock, Delegate, Effect, Gather, Get, GetHandlers, Modify, Pause, Pure, Put, Race, Resume,
    Spawn, Store, TaskCancelled, TaskError, WithHandler, run,
)


def worker(name, turns, seen=None):
    """Takes this many turns, and is seen to."""
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


def fails(error, order, *parts):
    try:
        yield order
    except error as raised:
        for part in parts:
            assert part in str(raised), raised
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


def unheard(program):
    """What the run of a program reports."""
    reported = []
    hook, sys.unraisablehook = sys.unraisablehook, reported.append
    try:
        run(program)
        return [str(report.exc_value) for report in reported]
    finally:
        reported.clear()
        sys.unraisablehook = hook


def gathered_results_are_in_the_order_of_the_tasks():
    assert run(gather(worker("a", 3), worker("b", 1), worker("c", 2))) == ["a", "b", "c"]
    assert run(Gather()) == []


def tasks_take_turns_in_the_order_of_their_spawning():
    seen = []
    run(gather(worker("a", 2, seen), worker("b", 3, seen), worker("c", 1, seen)))
    assert seen == [
        "a0", "b0", "c0", "a1", "b1", "c is closed", "a is closed", "b2", "b is closed",
    ]


def every_run_takes_the_same_turns():
    def turns():
        seen = []

        def nested(name):
            yield gather(worker(name + "x", 2, seen), worker(name + "y", 3, seen))

        run(race(nested("a"), gather(worker("b", 4, seen), nested("c"))))
        return seen

    assert turns() == turns()


def who_spawns_goes_on_and_the_task_waits_for_its_turn():
    seen = []

    def main():
        task = yield Spawn(worker("task", 1, seen))
        seen.append("main")
        yield Gather(task)

    run(main())
    assert seen == ["main", "task0", "task is closed"]


def gathering_raises_the_first_failure_and_the_others_go_on():
    seen = []

    def main():
        tasks = yield spawn_all([worker("slow", 3, seen), failing(1)])
        error = yield fails(LookupError, Gather(*tasks), "failed")
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert names[-1] == "failing", names
        assert "slow is closed" not in seen
        return (yield Gather(tasks[0]))

    assert run(main()) == ["slow"]


def a_task_can_be_waited_for_again():
    def main():
        task = yield Spawn(worker("task", 1))
        return (yield Gather(task)), (yield Gather(task, task)), (yield Race(task))

    assert run(main()) == (["task"], ["task", "task"], "task")


def the_first_to_end_wins_the_race_and_the_losers_are_closed():
    seen = []

    def outer(name, turns):
        try:
            return (yield worker(name, turns, seen))
        finally:
            seen.append(f"outer {name} is closed")

    assert run(race(outer("slow", 9), worker("fast", 1, seen))) == "fast"
    assert seen == ["slow0", "fast0", "slow1", "fast is closed", "slow is closed", "outer slow is closed"]


def a_loser_that_never_had_a_turn_is_not_started():
    seen = []

    def main():
        first, = yield spawn_all([Pure("first")])
        yield Gather(first)
        late = yield Spawn(worker("late", 1, seen))
        return (yield Race(late, first))

    assert run(main()) == "first"
    assert seen == []


def a_race_can_be_won_by_a_failure():
    seen = []
    run(fails(LookupError, race(worker("slow", 9, seen), failing(1)), "failed"))
    assert seen[-1] == "slow is closed"


def a_race_has_to_have_a_task():
    try:
        Race()
    except TypeError as error:
        assert "first" in str(error)
        return
    raise AssertionError("nobody can win it")


def who_waits_for_a_loser_is_told():
    def main():
        tasks = yield spawn_all([worker("slow", 9), worker("fast", 1)])
        waits = yield Spawn(Gather(tasks[0]))
        yield Race(*tasks)
        for order in Gather(tasks[0]), Race(tasks[0]), Gather(waits):
            yield fails(TaskCancelled, order, "lost a race")
        return (yield Race(*tasks))

    assert run(main()) == "fast"


def a_loser_that_waits_is_closed_and_what_it_waits_for_goes_on():
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


def a_task_has_the_handlers_of_who_spawned_it():
    class Question(Effect):
        pass

    def answers(effect, k):
        match effect:
            case Question():
                return (yield Resume(k, "answer"))
            case _:
                yield Delegate()

    def main():
        # The handler is not around the gathering, only around the spawning.
        tasks = yield WithHandler(answers, spawn_all([Question(), GetHandlers()]))
        return (yield Gather(*tasks))

    assert run(main()) == ["answer", [answers]]


def a_continuation_can_be_resumed_in_another_task():
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


def a_deadlock_is_raised_where_the_first_program_waits():
    def waits_for(name):
        yield Pause()
        return (yield Gather((yield Get(name))))

    def main():
        a, b = yield spawn_all([waits_for("b"), waits_for("a")])
        yield Put("a", a)
        yield Put("b", b)
        yield fails(Deadlock, Gather(a, b), "every task waits")
        yield Pause()
        return "went on"

    assert run(main()) == "went on"


def a_task_cannot_wait_for_itself():
    def selfish():
        yield fails(TaskError, Gather((yield Get("self"))), "itself")
        yield fails(TaskError, Race((yield Get("self"))), "itself")

    def main():
        task = yield Spawn(selfish())
        yield Put("self", task)
        yield Gather(task)

    run(main())


def a_task_of_another_run_is_refused():
    task = run(Spawn(Pure(1)))
    for effect in Gather, Race:
        run(fails(TaskError, effect(task), "another call of `run`"))


def what_is_no_task_is_refused():
    for effect in Gather, Race:
        try:
            effect(42)
        except TypeError as error:
            assert "int" in str(error)
        else:
            raise AssertionError("it was taken for a task")


def the_run_ends_with_its_first_program_and_closes_the_tasks():
    seen = []

    def main():
        yield Spawn(worker("a", 9, seen))
        yield Pause()
        return "done"

    assert run(main()) == "done"
    assert seen == ["a0", "a is closed"]


def a_failure_that_nobody_waited_for_is_reported():
    def main(task):
        yield Spawn(task)
        yield Pause()
        yield Pause()

    assert unheard(main(failing())) == ["failed"]
    assert unheard(main(worker("task", 0))) == []


def a_failure_that_was_raised_somewhere_is_not_reported():
    def main():
        yield fails(LookupError, gather(failing(), failing(1)))
        yield Pause()

    assert unheard(main()) == []


def what_two_wait_for_is_raised_in_both():
    def main():
        task = yield Spawn(failing(2))
        waiters = yield spawn_all([fails(LookupError, Gather(task)), fails(LookupError, Race(task))])
        first, second = yield Gather(*waiters)
        assert first is second

    run(main())
