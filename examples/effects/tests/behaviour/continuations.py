"""Continuations are resumed once, and closed when the last reference is gone."""

import sys

from effects import (
    ContinuationError, CreateContinuation, Delegate, Effect, GetContinuation, GetHandlers, Pure,
    Resume, ResumeContinuation, Transfer, WithHandler, run,
)


class Step(Effect):
    pass


def expect_error(error, operation, *parts):
    """A program that returns if the operation raises the error with these parts in its message."""
    try:
        yield operation
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


def return_continuation(effect, k):
    """A handler that returns the continuation."""
    yield Pure(None)
    return k


def continuation_is_resumed_once():
    for again in Resume, Transfer, ResumeContinuation:
        seen = []

        def handler(effect, k):
            result = yield Resume(k, "once")
            yield expect_error(ContinuationError, again(k, "twice"), "resumed only once")
            return result

        assert run(WithHandler(handler, stepping(seen))) == "body"
        assert seen == ["once", "once", "body is closed"]


def transferred_continuation_cannot_be_resumed():
    ks = []

    def handler(effect, k):
        ks.append(k)
        yield Transfer(k, None)

    def main():
        yield WithHandler(handler, stepping([]))
        for k in ks:
            yield expect_error(ContinuationError, Resume(k, None), "once")

    run(main())
    assert len(ks) == 2


def continuation_may_be_resumed_outside_the_handler():
    seen = []

    def main():
        k = yield WithHandler(return_continuation, stepping(seen))
        assert seen == []
        k = yield Resume(k, 1)
        return (yield Resume(k, 2))

    assert run(main()) == "body"
    assert seen == [1, 2, "body is closed"]


def exception_after_resume_propagates_to_the_resumer():
    def body():
        yield Step()
        raise LookupError

    def main():
        k = yield WithHandler(return_continuation, body())
        yield expect_error(LookupError, Resume(k, None))
        return "went on"

    assert run(main()) == "went on"


def created_continuation_must_be_started_first():
    def main():
        k = yield CreateContinuation(Pure("started"))
        for operation in Resume, Transfer:
            yield expect_error(ContinuationError, operation(k, None), "ResumeContinuation")
        result = yield ResumeContinuation(k)
        yield expect_error(ContinuationError, ResumeContinuation(k), "once")
        return result

    assert run(main()) == "started"


def created_continuation_has_its_handlers():
    def inner(effect, k):
        yield Delegate()

    def outer(effect, k):
        return (yield Resume(k, "outer"))

    def main():
        k = yield CreateContinuation(Step(), [inner, outer])
        handlers = yield CreateContinuation(GetHandlers(), [inner, outer])
        return (yield ResumeContinuation(k)), (yield ResumeContinuation(handlers))

    assert run(main()) == ("outer", [inner, outer])


def resume_continuation_resumes_captured_continuations():
    def handler(effect, k):
        return (yield ResumeContinuation(k, "value"))

    assert run(WithHandler(handler, Step())) == "value"


def handler_gets_its_continuation():
    def handler(effect, k):
        same = yield GetContinuation()
        assert same == k and hash(same) == hash(k)
        return (yield Resume(same, "value"))

    assert run(WithHandler(handler, Step())) == "value"


def program_called_by_a_handler_may_resume():
    def resumes(value):
        return (yield Resume((yield GetContinuation()), value))

    def handler(effect, k):
        return (yield resumes("value"))

    assert run(WithHandler(handler, Step())) == "value"


def handler_operations_are_refused_elsewhere():
    def body():
        for operation in GetContinuation(), Delegate():
            name = type(operation).__name__
            yield expect_error(ContinuationError, operation, name, "only be yielded by a handler")
        yield Step()
        # A resumed program is not a handler, even if a handler waits for its result.
        yield expect_error(ContinuationError, Delegate(), "only be yielded by a handler")

    def handler(effect, k):
        return (yield Resume(k, None))

    run(WithHandler(handler, body()))


def continuation_of_another_run_is_refused():
    k = run(WithHandler(return_continuation, Step()))
    run(expect_error(ContinuationError, Resume(k, None), "another call of `run`"))

    def handler(effect, k):
        run(expect_error(ContinuationError, Resume(k, None), "another call of `run`"))
        return (yield Resume(k, "still good"))

    assert run(WithHandler(handler, Step())) == "still good"


def other_objects_are_not_continuations():
    for operation in Resume, Transfer, ResumeContinuation:
        try:
            operation(42, None)
        except TypeError as error:
            assert "not an instance of 'Continuation'" in str(error)
        else:
            raise AssertionError("the object was accepted as a continuation")


def dropped_continuation_is_closed_at_once():
    seen = []

    def main():
        k = yield WithHandler(return_continuation, stepping(seen))
        yield Pure("held")
        seen.append("dropped")
        del k
        yield Pure("closed before this is answered")
        seen.append("main continues")

    run(main())
    assert seen == ["dropped", "body is closed", "main continues"]


def continuation_held_after_the_run_is_closed():
    seen = []
    k = run(WithHandler(return_continuation, stepping(seen)))
    assert seen == ["body is closed"]
    assert repr(k) == "<Continuation 1>"


def raising_handler_abandons_its_continuation():
    ks = []

    def handler(effect, k):
        ks.append(k)
        yield Pure(None)
        raise LookupError

    def main():
        yield expect_error(LookupError, WithHandler(handler, Step()))
        yield expect_error(ContinuationError, Resume(ks[0], None), "abandoned")

    run(main())


def unstarted_continuation_does_not_run():
    seen = []

    def main():
        yield CreateContinuation(stepping(seen))
        yield Pure(None)

    run(main())
    assert seen == []


def yield_while_closing_is_reported():
    def stubborn():
        try:
            yield Step()
        finally:
            yield Step()

    reported = []
    hook, sys.unraisablehook = sys.unraisablehook, reported.append
    try:
        run(WithHandler(lambda effect, k: Pure("abandoned"), stubborn()))
        assert "ignored GeneratorExit" in str(reported[0].exc_value)
    finally:
        reported.clear()
        sys.unraisablehook = hook


def scheduler_can_be_written_in_python():
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
