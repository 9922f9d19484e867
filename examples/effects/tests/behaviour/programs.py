"""Programs: results, exceptions, calls, and objects that are not programs."""

import traceback

from effects import Effect, Get, Pause, Pure, Put, Spawn, WithHandler, run


def raises(error, program, *parts):
    try:
        run(program)
    except error as raised:
        for part in parts:
            assert part in str(raised), str(raised)
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


def run_returns_the_programs_result():
    def program():
        yield Pure(1)
        return "done"

    assert run(program()) == "done"


def program_continues_where_it_yielded():
    seen = []

    def program():
        for number in range(3):
            seen.append((yield Pure(number)))

    assert run(program()) is None
    assert seen == [0, 1, 2]


def program_is_called_by_yielding_it():
    def inner(number):
        return (yield Pure(number)) * 2

    def outer():
        return (yield inner(1)), (yield from inner(2))

    assert run(outer()) == (2, 4)


def effect_or_control_operation_is_a_program():
    assert run(Pure(1)) == 1
    program = WithHandler(lambda effect, k: Pure("handled"), WithHandler(delegates, Effect()))
    assert run(program) == "handled"


def delegates(effect, k):
    from effects import Delegate

    yield Delegate()


def traceback_includes_all_callers():
    def inner():
        yield Pure(1)
        raise LookupError("here")

    def middle():
        yield inner()

    def outer():
        yield from middle()

    error = raises(LookupError, outer(), "here")
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names == ["raises", "outer", "middle", "inner"], names


def callers_can_catch_and_clean_up():
    seen = []

    def inner():
        yield Pure(1)
        raise LookupError("here")

    def middle():
        try:
            yield inner()
        finally:
            seen.append((yield Pure("cleaned up")))

    def outer():
        try:
            yield middle()
        except LookupError as error:
            return str(error)

    assert run(outer()) == "here"
    assert seen == ["cleaned up"]


def exception_keeps_its_context():
    def outer():
        try:
            yield failing("first")
        except LookupError:
            yield failing("second")

    def failing(text):
        yield Pure(1)
        raise LookupError(text)

    assert raises(LookupError, outer(), "second").__context__.args == ("first",)


def base_exceptions_propagate():
    def program(error):
        yield Pure(1)
        raise error

    for error in KeyboardInterrupt, SystemExit, GeneratorExit:
        raises(error, program(error))


def stop_iteration_is_not_a_result():
    def program():
        yield Pure(1)
        raise StopIteration("no result")

    raises(RuntimeError, program(), "StopIteration")


def deeply_nested_programs_run():
    def down(depth):
        if depth:
            return 1 + (yield down(depth - 1))
        return (yield Pure(0))

    assert run(down(50_000)) == 50_000


def exception_propagates_from_any_depth():
    def down(depth):
        yield down(depth - 1) if depth else Pure(1 / 0)

    raises(ZeroDivisionError, down(10_000))


def other_objects_are_not_programs():
    async def coroutine():
        pass

    def generator_function():
        yield

    unawaited = coroutine()
    for other in 42, None, "text", [], iter([]), unawaited, lambda: None:
        raises(TypeError, other, "calling a generator function", type(other).__name__)
    unawaited.close()
    raises(TypeError, generator_function, "generator_function is a generator function", "call it")
    for operation in Spawn, lambda program: WithHandler(print, program):
        try:
            operation(42)
        except TypeError as error:
            assert "a program is" in str(error)
        else:
            raise AssertionError("it was accepted as a program")


def started_generator_is_refused():
    def program():
        yield Pure(1)

    def runs_itself():
        yield this

    finished = program()
    run(finished)
    suspended = program()
    next(suspended)
    for generator in finished, suspended:
        raises(ValueError, generator, "call the generator function again")
    this = runs_itself()
    raises(ValueError, this, "call the generator function again")

    def runs_itself_apart():
        raises(ValueError, this, "call the generator function again")
        yield Pure("continued")

    this = runs_itself_apart()
    run(this)


def invalid_yield_raises_type_error():
    def program(junk):
        try:
            yield junk
        except TypeError as error:
            assert f"not {type(junk).__name__}" in str(error), error
            return (yield Pure("continued"))

    for junk in 42, None, "text", print, Effect, program:
        assert run(program(junk)) == "continued"


def invalid_yield_after_exception_raises_type_error():
    def program():
        try:
            yield failing()
        except LookupError:
            yield 42

    def failing():
        yield Pure(1)
        raise LookupError

    raises(TypeError, program(), "not int")


def program_returns_after_caught_exception():
    def program():
        try:
            yield Get("missing")
        except KeyError:
            return "returned"

    assert run(program()) == "returned"


def runs_may_be_nested():
    def outer():
        yield Put("x", "outer")
        inner = run(Put("x", "inner"))
        return inner, (yield Get("x"))

    assert run(outer()) == (None, "outer")


def endless_nested_runs_raise_recursion_error():
    def endless():
        yield Pause()
        run(endless())

    raises(RecursionError, endless())


def repr_and_match_use_constructor_arguments():
    assert repr(Put("x", [1])) == "Put('x', [1])"
    assert repr(Pause()) == "Pause()"
    match Put("x", 2):
        case Put(key, value):
            assert (key, value) == ("x", 2)


def yielded_objects_are_immutable():
    try:
        Put("x", 1).value = 2
    except AttributeError:
        return
    raise AssertionError("the attribute was changed")
