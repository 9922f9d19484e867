"""Handlers: the effects that they receive, and how they end the body."""

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
    """A handler that resumes every effect with the value."""

    def handler(effect, k):
        return (yield Resume(k, value))

    return handler


def delegates(seen, name):
    """A handler that records every effect and delegates it."""

    def handler(effect, k):
        seen.append((name, effect.text))
        yield Delegate()

    return handler


def ask(*texts):
    """A program that performs a series of questions."""
    found = []
    for text in texts:
        found.append((yield Question(text)))
    return found


def handler_answers_user_defined_effects():
    def handler(effect, k):
        return (yield Resume(k, effect.text.upper()))

    assert run(WithHandler(handler, ask("a", "b"))) == ["A", "B"]


def resume_returns_the_result_of_the_body():
    def handler(effect, k):
        result = yield Resume(k, effect.text)
        return result + ["handled"]

    assert run(WithHandler(handler, ask("a", "b"))) == ["a", "b", "handled", "handled"]


def transfer_does_not_return():
    seen = []

    def handler(effect, k):
        try:
            yield Transfer(k, effect.text)
            seen.append("returned")
        finally:
            seen.append("handler is closed")

    def body():
        answer = yield Question("a")
        seen.append("body continues")
        return answer

    assert run(WithHandler(handler, body())) == "a"
    assert seen == ["handler is closed", "body continues"]


def any_callable_may_be_a_handler():
    class Handler:
        def __call__(self, effect, k):
            return Transfer(k, 1)

    for handler in Handler(), lambda effect, k: Transfer(k, 1):
        assert run(WithHandler(handler, ask("a"))) == [1]


def handler_without_resume_replaces_the_result():
    seen = []

    def handler(effect, k):
        yield Pure(None)
        return "abandoned"

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

    assert run(main()) == "abandoned"
    assert seen == ["inner", "body", "main"]


def body_is_closed_before_handler_error_propagates():
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


def handler_catches_exception_after_resume():
    def handler(effect, k):
        try:
            return (yield Resume(k, 0))
        except ZeroDivisionError:
            return "caught"

    def body():
        return 1 / (yield Question())

    assert run(WithHandler(handler, body())) == "caught"


def handler_does_not_receive_its_own_effects():
    def inner(effect, k):
        answer = yield Question(effect.text + " again")
        return (yield Resume(k, answer))

    def outer(effect, k):
        return (yield Resume(k, f"outer answers {effect.text}"))

    program = WithHandler(outer, WithHandler(inner, ask("once")))
    assert run(program) == ["outer answers once again"]


def handler_receives_effects_after_resume():
    seen = []

    def handler(effect, k):
        seen.append(effect.text)
        return (yield Resume(k, None))

    run(WithHandler(handler, ask("a", "b", "c")))
    assert seen == ["a", "b", "c"]


def delegate_offers_the_effect_to_outer_handlers():
    seen = []
    program = WithHandler(delegates(seen, "inner"), ask("a", "b"))
    program = WithHandler(answers(1), WithHandler(delegates(seen, "middle"), program))
    assert run(program) == [1, 1]
    assert seen == [("inner", "a"), ("middle", "a"), ("inner", "b"), ("middle", "b")]


def delegate_ends_the_handler():
    seen = []

    def handler(effect, k):
        try:
            yield Delegate()
            seen.append("returned")
        finally:
            seen.append("closed")

    def outer(effect, k):
        seen.append("outer")
        return (yield Resume(k, None))

    run(WithHandler(outer, WithHandler(handler, ask("a"))))
    assert seen == ["closed", "outer"]


def delegate_may_replace_the_effect():
    def polite(effect, k):
        yield Delegate(Question(effect.text + ", please"))

    def echo(effect, k):
        return (yield Resume(k, effect.text))

    assert run(WithHandler(echo, WithHandler(polite, ask("tea")))) == ["tea, please"]
    assert run(WithHandler(lambda effect, k: Delegate(Get("x")), ask("x")), Store({"x": 1})) == [1]


def delegate_accepts_only_effects():
    try:
        Delegate(42)
    except TypeError as error:
        assert "derived from `Effect`, not int" in str(error)
        return
    raise AssertionError("the object was accepted as an effect")


def delegate_after_resume_is_refused():
    def handler(effect, k):
        yield Resume(k, None)
        try:
            yield Delegate()
        except ContinuationError as error:
            return str(error)

    assert "once" in run(WithHandler(handler, ask("a")))


def unhandled_effect_is_named():
    def program():
        try:
            yield Question("why")
        except UnhandledEffect as error:
            return str(error)

    expected = "no handler for the effect Question('why')"
    assert run(program()).startswith(expected)
    assert run(WithHandler(lambda effect, k: Delegate(), program())).startswith(expected)


def unhandled_effect_without_repr_is_named():
    class Unprintable(Effect):
        def __repr__(self):
            raise LookupError("no repr")

    try:
        run(Unprintable())
    except UnhandledEffect as error:
        assert "Unprintable" in str(error)
        assert isinstance(error.__cause__, LookupError)
        return
    raise AssertionError("the effect was handled")


def builtin_effects_are_offered_to_handlers_first():
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


def get_handlers_returns_innermost_first():
    inner, outer = answers(1), answers(2)

    def busy(effect, k):
        return (yield Resume(k, (yield GetHandlers())))

    assert run(WithHandler(outer, WithHandler(inner, GetHandlers()))) == [inner, outer]
    assert run(WithHandler(outer, WithHandler(busy, Question()))) == [outer]
    assert run(GetHandlers()) == []


def invalid_handlers_are_refused():
    def forgot_to_yield(effect, k):
        return 42

    try:
        WithHandler(42, ask("a"))
    except TypeError as error:
        assert "not int" in str(error)
    else:
        raise AssertionError("the object was accepted as a handler")
    try:
        run(WithHandler(forgot_to_yield, ask("a")))
    except TypeError as error:
        assert "forgot_to_yield returned int" in str(error), error
    else:
        raise AssertionError("the object was accepted as a program")


def handler_with_wrong_parameters_raises_type_error():
    def program():
        try:
            yield WithHandler(lambda effect: Pure(1), ask("a"))
        except TypeError as error:
            return str(error)

    assert "positional argument" in run(program())


def effect_in_finally_block_is_handled():
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
    raise AssertionError("the exception was lost")


def ten_thousand_handlers_may_wait():
    def body():
        for _ in range(10_000):
            yield Question()
        return 0

    def counts(effect, k):
        return 1 + (yield Resume(k, None))

    assert run(WithHandler(counts, body())) == 10_000
