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


def get_returns_the_value_of_put():
    value = object()

    def program():
        assert (yield Put("x", value)) is None
        return (yield Get("x"))

    assert run(program()) is value


def missing_key_raises_key_error():
    def modifies(x):
        raise AssertionError("there is no value to modify")

    raises(KeyError, Get("x"), "no state 'x'")
    raises(KeyError, Modify("x", modifies), "no state 'x'")
    raises(KeyError, Ask("x"), "'x'", "env")


def modify_stores_and_answers_the_result():
    store = Store({"x": 5})
    assert run(Modify("x", lambda x: x * 2), store) == 10
    assert store.state == {"x": 10}


def failed_modify_changes_nothing():
    store = Store({"x": 0})
    raises(ZeroDivisionError, Modify("x", lambda x: 1 / x), store=store)
    assert store.state == {"x": 0}


def environment_is_constant():
    store = Store({"x": "state"}, {"x": "environment"})

    def program():
        yield Put("x", "changed")
        return (yield Ask("x"))

    assert run(program(), store) == "environment"
    assert store.env == {"x": "environment"}


def handler_may_override_the_environment():
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


def messages_are_logged_in_order():
    def program():
        for word in "first", "second":
            yield Tell(word)

    store = Store()
    run(program(), store)
    assert store.log == ["first", "second"]


def store_is_reused_by_the_next_run():
    store = Store({"x": 1})
    for _ in range(3):
        run(Modify("x", lambda x: x + 1), store)
    assert store.state == {"x": 4}


def store_survives_a_failed_run():
    def program():
        yield Put("x", 1)
        raise LookupError

    store = Store()
    raises(LookupError, program(), store=store)
    assert store.state == {"x": 1}


def store_is_exclusive_to_a_run():
    store = Store({"x": 1})

    def program():
        raises(RuntimeError, Get("x"), "in use by a run", store=store)
        try:
            store.state
        except RuntimeError:
            return (yield Get("x"))

    assert run(program(), store) == 1
    assert store.state == {"x": 1}


def store_copies_its_dicts():
    state = {"x": 1}
    store = Store(state)
    state["x"] = 2
    store.state["x"] = 3
    assert store.state == {"x": 1}


def keys_must_be_strings():
    for make in Get, lambda name: Put(name, 1), Ask, lambda name: Store({name: 1}):
        try:
            make(1)
        except TypeError as error:
            assert "int" in str(error)
        else:
            raise AssertionError("the object was accepted as a key")


def values_live_as_long_as_the_store():
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
