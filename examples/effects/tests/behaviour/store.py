"""The store: state, environment and log of a run."""

import gc
import weakref

from effects import Ask, Delegate, Get, Modify, Pure, Put, Resume, Store, Tell, WithHandler, run


def raises(error, program, *parts, store=None):
    try:
        run(program, store)
    except error as raised:
        for part in parts:
            assert part in str(raised), str(raised)
        return
    raise AssertionError(f"{error.__name__} was not raised")


def what_is_put_can_be_got():
    value = object()

    def program():
        assert (yield Put("x", value)) is None
        return (yield Get("x"))

    assert run(program()) is value


def what_was_never_put_is_a_key_error_of_who_gets_it():
    def modifies(x):
        raise AssertionError("there is nothing to modify")

    raises(KeyError, Get("x"), "no state 'x'")
    raises(KeyError, Modify("x", modifies), "no state 'x'")
    raises(KeyError, Ask("x"), "'x'", "env")


def modifying_puts_and_answers_what_the_function_makes():
    store = Store({"x": 5})
    assert run(Modify("x", lambda x: x * 2), store) == 10
    assert store.state == {"x": 10}


def a_function_that_raises_modifies_nothing():
    store = Store({"x": 0})
    raises(ZeroDivisionError, Modify("x", lambda x: 1 / x), store=store)
    assert store.state == {"x": 0}


def the_environment_is_asked_and_never_changes():
    store = Store({"x": "state"}, {"x": "environment"})

    def program():
        yield Put("x", "changed")
        return (yield Ask("x"))

    assert run(program(), store) == "environment"
    assert store.env == {"x": "environment"}


def a_handler_can_be_an_environment_of_its_own():
    def local(effect, k):
        match effect:
            case Ask("x"):
                return (yield Resume(k, "local"))
            case _:
                yield Delegate()

    def both():
        return (yield Ask("x")), (yield Ask("y"))

    def program():
        return (yield WithHandler(local, both())), (yield Ask("x"))

    store = Store(env={"x": "outer x", "y": "outer y"})
    assert run(program(), store) == (("local", "outer y"), "outer x")


def what_is_told_is_logged_in_order():
    def program():
        for word in "first", "second":
            yield Tell(word)

    store = Store()
    run(program(), store)
    assert store.log == ["first", "second"]


def a_store_goes_on_with_the_next_run():
    store = Store({"x": 1})
    for _ in range(3):
        run(Modify("x", lambda x: x + 1), store)
    assert store.state == {"x": 4}


def a_store_keeps_what_a_failing_run_did():
    def program():
        yield Put("x", 1)
        raise LookupError

    store = Store()
    raises(LookupError, program(), store=store)
    assert store.state == {"x": 1}


def a_run_has_its_store_for_itself():
    store = Store({"x": 1})

    def program():
        raises(RuntimeError, Get("x"), "a run has this store", store=store)
        try:
            store.state
        except RuntimeError:
            return (yield Get("x"))

    assert run(program(), store) == 1
    assert store.state == {"x": 1}


def a_store_is_not_changed_from_outside():
    state = {"x": 1}
    store = Store(state)
    state["x"] = 2
    store.state["x"] = 3
    assert store.state == {"x": 1}


def names_are_text():
    for make in Get, lambda name: Put(name, 1), Ask, lambda name: Store({name: 1}):
        try:
            make(1)
        except TypeError as error:
            assert "int" in str(error)
        else:
            raise AssertionError("it was taken for a name")


def what_is_put_lives_as_long_as_its_store():
    class Value:
        pass

    def program(value):
        yield Put("x", value)
        yield Pure(value)

    value = Value()
    alive = weakref.ref(value)
    store = Store()
    run(program(value), store)
    del value
    gc.collect()
    assert alive() is store.state["x"]
    del store
    gc.collect()
    assert alive() is None
