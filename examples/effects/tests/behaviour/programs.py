"""Programs: what they return and raise, how they call each other, and what is none."""

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


def the_result_of_a_run_is_what_the_program_returns():
    def program():
        yield Pure(1)
        return "done"

    assert run(program()) == "done"


def a_program_goes_on_where_it_yielded():
    seen = []

    def program():
        for number in range(3):
            seen.append((yield Pure(number)))

    assert run(program()) is None
    assert seen == [0, 1, 2]


def a_program_runs_another_one_by_yielding_it():
    def inner(number):
        return (yield Pure(number)) * 2

    def outer():
        return (yield inner(1)), (yield from inner(2))

    assert run(outer()) == (2, 4)


def an_effect_or_an_order_is_a_program_of_one_yield():
    assert run(Pure(1)) == 1
    assert run(WithHandler(lambda effect, k: Pure("handled"), WithHandler(passes, Effect()))) == "handled"


def passes(effect, k):
    from effects import Delegate

    yield Delegate()


def an_exception_goes_through_the_callers_with_its_traceback():
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


def a_caller_can_catch_and_clean_up():
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


def what_is_raised_while_another_exception_is_handled_has_it_as_context():
    def outer():
        try:
            yield failing("first")
        except LookupError:
            yield failing("second")

    def failing(text):
        yield Pure(1)
        raise LookupError(text)

    assert raises(LookupError, outer(), "second").__context__.args == ("first",)


def exceptions_that_are_no_errors_go_the_same_way():
    def program(error):
        yield Pure(1)
        raise error

    for error in KeyboardInterrupt, SystemExit, GeneratorExit:
        raises(error, program(error))


def a_stop_iteration_is_never_taken_for_a_result():
    def program():
        yield Pure(1)
        raise StopIteration("no result")

    raises(RuntimeError, program(), "StopIteration")


def programs_nest_deeper_than_any_stack():
    def down(depth):
        if depth:
            return 1 + (yield down(depth - 1))
        return (yield Pure(0))

    assert run(down(50_000)) == 50_000


def an_exception_comes_up_from_any_depth():
    def down(depth):
        yield down(depth - 1) if depth else Pure(1 / 0)

    raises(ZeroDivisionError, down(10_000))


def what_is_no_program_is_refused_with_what_to_do():
    async def coroutine():
        pass

    def generator_function():
        yield

    unawaited = coroutine()
    for other in 42, None, "text", [], iter([]), unawaited, lambda: None:
        raises(TypeError, other, "calling a generator function", type(other).__name__)
    unawaited.close()
    raises(TypeError, generator_function, "generator_function is a generator function", "call it")
    for order in Spawn, lambda program: WithHandler(print, program):
        try:
            order(42)
        except TypeError as error:
            assert "a program is" in str(error)
        else:
            raise AssertionError("it was taken for a program")


def a_generator_that_was_started_is_refused():
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
        yield Pure("went on")

    this = runs_itself_apart()
    run(this)


def what_means_nothing_is_refused_where_it_is_yielded():
    def program(junk):
        try:
            yield junk
        except TypeError as error:
            assert f"not {type(junk).__name__}" in str(error), error
            return (yield Pure("went on"))

    for junk in 42, None, "text", print, Effect, program:
        assert run(program(junk)) == "went on"


def what_means_nothing_is_refused_after_an_exception_too():
    def program():
        try:
            yield failing()
        except LookupError:
            yield 42

    def failing():
        yield Pure(1)
        raise LookupError

    raises(TypeError, program(), "not int")


def a_program_can_return_after_an_exception():
    def program():
        try:
            yield Get("missing")
        except KeyError:
            return "returned"

    assert run(program()) == "returned"


def a_program_can_run_another_run():
    def outer():
        yield Put("x", "outer")
        inner = run(Put("x", "inner"))
        return inner, (yield Get("x"))

    assert run(outer()) == (None, "outer")


def runs_that_never_stop_nesting_end_with_a_recursion_error():
    def endless():
        yield Pause()
        run(endless())

    raises(RecursionError, endless())


def what_is_yielded_is_shown_as_it_is_written():
    assert repr(Put("x", [1])) == "Put('x', [1])"
    assert repr(Pause()) == "Pause()"
    match Put("x", 2):
        case Put(key, value):
            assert (key, value) == ("x", 2)


def what_is_yielded_cannot_be_changed():
    try:
        Put("x", 1).value = 2
    except AttributeError:
        return
    raise AssertionError("it was changed")
