"""Handlers: which effects they are offered, and what becomes of what they are around."""

from effects import (
    Ask, ContinuationError, Delegate, Effect, Gather, Get, GetHandlers, Modify, Pause, Pure, Put,
    Race, Resume, Spawn, Store, Tell, Transfer, UnhandledEffect, WithHandler, run,
)


class Question(Effect):
    def __init__(self, text="?"):
        self.text = text

    def __repr__(self):
        return f"Question({self.text!r})"


def answers(value):
    """A handler that resumes every effect with this."""

    def handler(effect, k):
        return (yield Resume(k, value))

    return handler


def passes(seen, name):
    """A handler that takes nothing, and notes what it was offered."""

    def handler(effect, k):
        seen.append((name, effect.text))
        yield Delegate()

    return handler


def ask(*texts):
    """A program with one question after the other."""
    found = []
    for text in texts:
        found.append((yield Question(text)))
    return found


def a_handler_answers_the_effects_of_users():
    def handler(effect, k):
        return (yield Resume(k, effect.text.upper()))

    assert run(WithHandler(handler, ask("a", "b"))) == ["A", "B"]


def a_handler_comes_back_with_the_result_of_what_it_is_around():
    def handler(effect, k):
        result = yield Resume(k, effect.text)
        return result + ["handled"]

    assert run(WithHandler(handler, ask("a", "b"))) == ["a", "b", "handled", "handled"]


def a_transferring_handler_does_not_come_back():
    seen = []

    def handler(effect, k):
        try:
            yield Transfer(k, effect.text)
            seen.append("came back")
        finally:
            seen.append("handler is closed")

    def body():
        answer = yield Question("a")
        seen.append("body goes on")
        return answer

    assert run(WithHandler(handler, body())) == "a"
    assert seen == ["handler is closed", "body goes on"]


def any_callable_is_a_handler_and_may_just_return_an_order():
    class Handler:
        def __call__(self, effect, k):
            return Transfer(k, 1)

    for handler in Handler(), lambda effect, k: Transfer(k, 1):
        assert run(WithHandler(handler, ask("a"))) == [1]


def without_a_resumption_the_handlers_result_is_the_result_and_the_rest_is_closed():
    seen = []

    def handler(effect, k):
        yield Pure(None)
        return "given up"

    def inner():
        try:
            yield Question()
        finally:
            seen.append("inner")

    def body():
        try:
            yield inner()
        finally:
            seen.append("body")

    def main():
        result = yield WithHandler(handler, body())
        seen.append("main")
        return result

    assert run(main()) == "given up"
    assert seen == ["inner", "body", "main"]


def what_a_handler_raises_goes_on_after_the_rest_is_closed():
    seen = []

    def handler(effect, k):
        yield Pure(None)
        raise LookupError("refused")

    def body():
        try:
            yield Question()
        finally:
            seen.append("body")

    def main():
        try:
            yield WithHandler(handler, body())
        except LookupError:
            seen.append("main")

    run(main())
    assert seen == ["body", "main"]


def a_handler_can_catch_what_is_raised_above_it():
    def handler(effect, k):
        try:
            return (yield Resume(k, 0))
        except ZeroDivisionError:
            return "caught"

    def body():
        return 1 / (yield Question())

    assert run(WithHandler(handler, body())) == "caught"


def a_handler_is_not_offered_its_own_effects():
    def inner(effect, k):
        answer = yield Question(effect.text + " again")
        return (yield Resume(k, answer))

    def outer(effect, k):
        return (yield Resume(k, f"outer answers {effect.text}"))

    program = WithHandler(outer, WithHandler(inner, ask("once")))
    assert run(program) == ["outer answers once again"]


def a_handler_is_offered_the_effects_of_what_it_resumed():
    seen = []

    def handler(effect, k):
        seen.append(effect.text)
        return (yield Resume(k, None))

    run(WithHandler(handler, ask("a", "b", "c")))
    assert seen == ["a", "b", "c"]


def delegating_offers_the_effect_further_out():
    seen = []
    program = WithHandler(passes(seen, "inner"), ask("a", "b"))
    program = WithHandler(answers(1), WithHandler(passes(seen, "middle"), program))
    assert run(program) == [1, 1]
    assert seen == [("inner", "a"), ("middle", "a"), ("inner", "b"), ("middle", "b")]


def delegating_ends_the_handler():
    seen = []

    def handler(effect, k):
        try:
            yield Delegate()
            seen.append("came back")
        finally:
            seen.append("closed")

    def outer(effect, k):
        seen.append("outer")
        return (yield Resume(k, None))

    run(WithHandler(outer, WithHandler(handler, ask("a"))))
    assert seen == ["closed", "outer"]


def another_effect_can_be_delegated_in_its_place():
    def polite(effect, k):
        yield Delegate(Question(effect.text + ", please"))

    def echo(effect, k):
        return (yield Resume(k, effect.text))

    assert run(WithHandler(echo, WithHandler(polite, ask("tea")))) == ["tea, please"]
    assert run(WithHandler(lambda effect, k: Delegate(Get("x")), ask("x")), Store({"x": 1})) == [1]


def only_an_effect_can_be_delegated():
    try:
        Delegate(42)
    except TypeError as error:
        assert "derived from `Effect`, not int" in str(error)
        return
    raise AssertionError("it was taken")


def who_has_resumed_cannot_delegate():
    def handler(effect, k):
        yield Resume(k, None)
        try:
            yield Delegate()
        except ContinuationError as error:
            return str(error)

    assert "once" in run(WithHandler(handler, ask("a")))


def an_unhandled_effect_is_named_where_it_was_performed():
    def program():
        try:
            yield Question("why")
        except UnhandledEffect as error:
            return str(error)

    expected = "no handler for the effect Question('why')"
    assert run(program()).startswith(expected)
    assert run(WithHandler(lambda effect, k: Delegate(), program())).startswith(expected)


def an_unhandled_effect_that_cannot_be_shown_is_still_named():
    class Shy(Effect):
        def __repr__(self):
            raise LookupError("no words")

    try:
        run(Shy())
    except UnhandledEffect as error:
        assert "Shy" in str(error)
        assert isinstance(error.__cause__, LookupError)
        return
    raise AssertionError("it was handled")


def every_effect_is_offered_to_handlers_first():
    store = Store({"x": 1}, {"x": 1})

    def program():
        task = yield Spawn(Pure(1))
        effects = [
            Get("x"), Put("x", 2), Modify("x", lambda x: x + 1), Ask("x"), Tell("x"),
            Spawn(Pure(1)), Gather(task), Race(task), Pause(), Question(),
        ]
        seen = []

        def handler(effect, k):
            seen.append(effect)
            return (yield Transfer(k, "handled"))

        for effect in effects:
            assert (yield WithHandler(handler, effect)) == "handled"
        assert seen == effects

    run(program(), store)
    assert store.state == {"x": 1} and store.log == []


def the_handlers_around_are_told_innermost_first():
    inner, outer = answers(1), answers(2)

    def busy(effect, k):
        return (yield Resume(k, (yield GetHandlers())))

    assert run(WithHandler(outer, WithHandler(inner, GetHandlers()))) == [inner, outer]
    assert run(WithHandler(outer, WithHandler(busy, Question()))) == [outer]
    assert run(GetHandlers()) == []


def what_cannot_handle_is_refused():
    def forgot_to_yield(effect, k):
        return 42

    try:
        WithHandler(42, ask("a"))
    except TypeError as error:
        assert "not int" in str(error)
    else:
        raise AssertionError("it was taken for a handler")
    try:
        run(WithHandler(forgot_to_yield, ask("a")))
    except TypeError as error:
        assert "forgot_to_yield returned int" in str(error), error
    else:
        raise AssertionError("it was taken for a program")


def a_handler_of_other_parameters_raises_where_it_is_around():
    def program():
        try:
            yield WithHandler(lambda effect: Pure(1), ask("a"))
        except TypeError as error:
            return str(error)

    assert "positional argument" in run(program())


def an_effect_in_a_finally_block_is_handled_when_an_exception_goes_through():
    def body():
        try:
            yield Question("first")
            raise LookupError
        finally:
            yield Question("last")

    seen = []

    def handler(effect, k):
        seen.append(effect.text)
        return (yield Resume(k, None))

    try:
        run(WithHandler(handler, body()))
    except LookupError:
        assert seen == ["first", "last"]
        return
    raise AssertionError("the exception is gone")


def ten_thousand_handlers_can_wait_for_their_resumptions():
    def body():
        for _ in range(10_000):
            yield Question()
        return 0

    def counts(effect, k):
        return 1 + (yield Resume(k, None))

    assert run(WithHandler(counts, body())) == 10_000
