"""Continuations: one-shot, started or not, and closed when nobody holds them any more."""

import sys

from effects import (
    ContinuationError, CreateContinuation, Delegate, Effect, GetContinuation, GetHandlers, Pure,
    Resume, ResumeContinuation, Transfer, WithHandler, run,
)


class Step(Effect):
    pass


def fails(error, order, *parts):
    """A program that returns once the order has raised, and nothing else has changed."""
    try:
        yield order
    except error as raised:
        for part in parts:
            assert part in str(raised), raised
        return
    raise AssertionError(f"{error.__name__} was not raised")


def stepping(seen, name="body"):
    try:
        seen.append((yield Step()))
        seen.append((yield Step()))
        return name
    finally:
        seen.append(f"{name} is closed")


def kept(effect, k):
    """A handler whose result is the continuation itself."""
    yield Pure(None)
    return k


def a_continuation_is_resumed_once():
    for again in Resume, Transfer, ResumeContinuation:
        seen = []

        def handler(effect, k):
            result = yield Resume(k, "once")
            yield fails(ContinuationError, again(k, "twice"), "each can be resumed once")
            return result

        assert run(WithHandler(handler, stepping(seen))) == "body"
        assert seen == ["once", "once", "body is closed"]


def a_continuation_that_was_transferred_to_cannot_be_resumed():
    ks = []

    def handler(effect, k):
        ks.append(k)
        yield Transfer(k, None)

    def main():
        yield WithHandler(handler, stepping([]))
        for k in ks:
            yield fails(ContinuationError, Resume(k, None), "once")

    run(main())
    assert len(ks) == 2


def a_continuation_can_be_resumed_by_whoever_holds_it():
    seen = []

    def main():
        k = yield WithHandler(kept, stepping(seen))
        assert seen == []
        k = yield Resume(k, 1)
        return (yield Resume(k, 2))

    assert run(main()) == "body"
    assert seen == [1, 2, "body is closed"]


def what_is_raised_after_a_resumption_comes_to_who_resumed():
    def body():
        yield Step()
        raise LookupError

    def main():
        k = yield WithHandler(kept, body())
        yield fails(LookupError, Resume(k, None))
        return "went on"

    assert run(main()) == "went on"


def a_created_continuation_is_started_before_it_is_resumed():
    def main():
        k = yield CreateContinuation(Pure("started"))
        for order in Resume, Transfer:
            yield fails(ContinuationError, order(k, None), "ResumeContinuation")
        result = yield ResumeContinuation(k)
        yield fails(ContinuationError, ResumeContinuation(k), "once")
        return result

    assert run(main()) == "started"


def a_created_continuation_has_the_handlers_that_it_was_created_with():
    def inner(effect, k):
        yield Delegate()

    def outer(effect, k):
        return (yield Resume(k, "outer"))

    def main():
        k = yield CreateContinuation(Step(), [inner, outer])
        handlers = yield CreateContinuation(GetHandlers(), [inner, outer])
        return (yield ResumeContinuation(k)), (yield ResumeContinuation(handlers))

    assert run(main()) == ("outer", [inner, outer])


def a_captured_continuation_is_resumed_by_either_order():
    def handler(effect, k):
        return (yield ResumeContinuation(k, "value"))

    assert run(WithHandler(handler, Step())) == "value"


def a_handler_can_ask_for_its_continuation():
    def handler(effect, k):
        same = yield GetContinuation()
        assert same == k and hash(same) == hash(k)
        return (yield Resume(same, "value"))

    assert run(WithHandler(handler, Step())) == "value"


def a_program_that_a_handler_calls_acts_for_it():
    def resumes(value):
        return (yield Resume((yield GetContinuation()), value))

    def handler(effect, k):
        return (yield resumes("value"))

    assert run(WithHandler(handler, Step())) == "value"


def what_is_for_handlers_is_refused_elsewhere():
    def body():
        for order in GetContinuation(), Delegate():
            yield fails(ContinuationError, order, type(order).__name__, "for handlers")
        yield Step()
        # A resumed program is no handler, though one waits below it.
        yield fails(ContinuationError, Delegate(), "for handlers")

    def handler(effect, k):
        return (yield Resume(k, None))

    run(WithHandler(handler, body()))


def a_continuation_of_another_run_is_refused():
    k = run(WithHandler(kept, Step()))
    run(fails(ContinuationError, Resume(k, None), "another call of `run`"))

    def handler(effect, k):
        run(fails(ContinuationError, Resume(k, None), "another call of `run`"))
        return (yield Resume(k, "still good"))

    assert run(WithHandler(handler, Step())) == "still good"


def what_is_no_continuation_is_refused():
    for order in Resume, Transfer, ResumeContinuation:
        try:
            order(42, None)
        except TypeError as error:
            assert "not an instance of 'Continuation'" in str(error)
        else:
            raise AssertionError("it was taken for a continuation")


def a_dropped_continuation_is_closed_at_once():
    seen = []

    def main():
        k = yield WithHandler(kept, stepping(seen))
        yield Pure("held")
        seen.append("dropped")
        del k
        yield Pure("closed before this is answered")
        seen.append("main goes on")

    run(main())
    assert seen == ["dropped", "body is closed", "main goes on"]


def what_is_held_after_the_run_is_closed_with_it():
    seen = []
    k = run(WithHandler(kept, stepping(seen)))
    assert seen == ["body is closed"]
    assert repr(k) == "<Continuation 1>"


def a_handler_that_raised_has_given_its_continuation_up():
    ks = []

    def handler(effect, k):
        ks.append(k)
        yield Pure(None)
        raise LookupError

    def main():
        yield fails(LookupError, WithHandler(handler, Step()))
        yield fails(ContinuationError, Resume(ks[0], None), "given up")

    run(main())


def a_created_continuation_that_is_never_started_never_runs():
    seen = []

    def main():
        yield CreateContinuation(stepping(seen))
        yield Pure(None)

    run(main())
    assert seen == []


def an_effect_of_what_is_closed_is_reported_not_lost():
    def stubborn():
        try:
            yield Step()
        finally:
            yield Step()

    reported = []
    hook, sys.unraisablehook = sys.unraisablehook, reported.append
    try:
        run(WithHandler(lambda effect, k: Pure("given up"), stubborn()))
        assert "ignored GeneratorExit" in str(reported[0].exc_value)
    finally:
        reported.clear()
        sys.unraisablehook = hook


def a_scheduler_can_be_written_in_python():
    seen = []

    def worker(name):
        for turn in range(2):
            yield Step()
            seen.append(f"{name}{turn}")

    def scheduler(programs):
        queue = []

        def handler(effect, k):
            queue.append(k)
            yield Pure(None)

        for program in programs:
            queue.append((yield CreateContinuation(program, [handler])))
        while queue:
            yield ResumeContinuation(queue.pop(0))

    run(scheduler([worker("a"), worker("b")]))
    assert seen == ["a0", "b0", "a1", "b1"]
