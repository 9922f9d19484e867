"""The reduce protocol, and classes that are copied by it."""

import collections
import copy
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import types
import uuid


class Thing:
    def __init__(self, **attributes):
        vars(self).update(attributes)


class Reducible:
    """Reduces to the arguments of its constructor."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce_ex__(self, protocol):
        assert protocol == 4
        return self.reduced


def raises(error, call, *args):
    try:
        call(*args)
    except error as caught:
        return str(caught)
    raise AssertionError(f"{error.__name__} was not raised")


def attributes_are_copied(deepcopy):
    original = Thing(items=[1], other=Thing())
    copied = deepcopy(original)
    assert type(copied) is Thing and copied is not original
    assert copied.items == [1] and copied.items is not original.items
    assert type(copied.other) is Thing and copied.other is not original.other
    copied.more = 1
    assert not hasattr(original, "more")


def object_may_refer_to_itself(deepcopy):
    original = Thing()
    original.me = original
    original.list = [original]
    copied = deepcopy(original)
    assert copied.me is copied and copied.list[0] is copied and copied is not original


def slots_are_copied(deepcopy):
    class Slots:
        __slots__ = ("a", "b")

    class Both(Slots):
        pass

    for kind in (Slots, Both):
        original = kind()
        original.a = [1]
        if kind is Both:
            original.c = [2]
        copied = deepcopy(original)
        assert copied.a == [1] and copied.a is not original.a
        assert not hasattr(copied, "b")
        if kind is Both:
            assert copied.c == [2] and copied.c is not original.c


def attributes_bypass_setattr(deepcopy):
    class Guarded:
        def __setattr__(self, name, value):
            raise AssertionError("the state must go into __dict__")

    original = Guarded()
    vars(original)["x"] = [1]
    assert deepcopy(original).x == [1]


def constructor_arguments_are_copied(deepcopy):
    class Args:
        def __new__(cls, *args, **kwargs):
            self = super().__new__(cls)
            self.args, self.kwargs = args, kwargs
            return self

    class New(Args):
        def __getnewargs__(self):
            return self.args

    class NewEx(Args):
        def __getnewargs_ex__(self):
            return self.args, self.kwargs

    for original in (New([1], 2), NewEx([1], key=[2]), New()):
        copied = deepcopy(original)
        assert type(copied) is type(original)
        assert copied.args == original.args and copied.kwargs == original.kwargs
        if original.args:
            assert copied.args[0] is not original.args[0]


def getstate_and_setstate_are_used(deepcopy):
    class Stateful:
        def __getstate__(self):
            return self.state

        def __setstate__(self, state):
            self.state = state
            self.restored = True

    for state in ([1], {}, 0, False, "", ([1], [2])):
        original = Stateful()
        original.state = state
        copied = deepcopy(original)
        assert copied.state == state and copied.restored
    original.state = None
    assert not hasattr(deepcopy(original), "restored")


def registry_precedes_methods(deepcopy):
    class Registered:
        def __reduce_ex__(self, protocol):
            raise AssertionError("the registry was not consulted")

    copyreg.pickle(Registered, lambda self: (list, ([1],)))
    try:
        assert deepcopy([Registered()]) == [[1]]
    finally:
        del copyreg.dispatch_table[Registered]


def registry_applies_to_sets_but_not_lists(deepcopy):
    for kind in (set, frozenset, list):
        copyreg.pickle(kind, lambda self: "itself")
        try:
            original = kind([1])
            assert (deepcopy(original) is original) == (kind is not list)
        finally:
            del copyreg.dispatch_table[kind]


def reduce_is_used_without_reduce_ex(deepcopy):
    class Old:
        __reduce_ex__ = None

        def __reduce__(self):
            return list, ([1],)

    assert deepcopy(Old()) == [1]


def uncopyable_object_raises_copy_error(deepcopy):
    class Uncopyable:
        __reduce_ex__ = None
        __reduce__ = None

    message = raises(copy.Error, deepcopy, [Uncopyable()])
    assert message.startswith("un(deep)copyable object of type <class "), message


def unpicklable_object_raises_type_error(deepcopy):
    generator = (number for number in ())
    assert "generator" in raises(TypeError, deepcopy, [generator])


def reduced_string_means_the_object_itself(deepcopy):
    class Global:
        def __reduce_ex__(self, protocol):
            return "name"

    original = Global()
    pair = deepcopy([original, original])
    assert pair[0] is pair[1] is original


def two_to_five_reduced_items_are_accepted(deepcopy):
    assert deepcopy(Reducible(list, ((1, 2),))) == [1, 2]
    assert deepcopy(Reducible(Thing, (), {"a": [1]})).a == [1]
    assert deepcopy(Reducible(list, (), None, iter([[1], 2]))) == [[1], 2]
    assert deepcopy(Reducible(dict, (), None, None, iter([("a", [1])]))) == {"a": [1]}


def other_item_counts_raise_type_error(deepcopy):
    for reduced in ((), (list,), (list, (), None, None, None, None)):
        raises(TypeError, deepcopy, Reducible(*reduced))


def reduced_value_must_be_iterable(deepcopy):
    class Number:
        def __reduce_ex__(self, protocol):
            return 5

    class Nothing:
        def __reduce_ex__(self, protocol):
            return None

    raises(TypeError, deepcopy, Number())
    raises(TypeError, deepcopy, Nothing())
    raises(TypeError, deepcopy, Reducible(list, None))
    raises(TypeError, deepcopy, Reducible(5, ()))


def arguments_may_be_any_iterable(deepcopy):
    inner = [1]
    copied = deepcopy(Reducible(lambda *args: list(args), iter([inner, inner])))
    assert copied == [[1], [1]]
    assert copied[0] is copied[1] and copied[0] is not inner


def arguments_are_copied_one_by_one(deepcopy):
    events = []

    class Recorder:
        def __deepcopy__(self, memo):
            events.append("copied")

    def arguments():
        for number in range(2):
            events.append(f"created {number}")
            yield Recorder()

    deepcopy(Reducible(lambda *args: None, arguments()))
    assert events == ["created 0", "copied", "created 1", "copied"], events


def falsy_arguments_are_not_copied(deepcopy):
    class FalsyList(list):
        def __bool__(self):
            return False

    inner = [1]
    assert deepcopy(Reducible(lambda arg: [arg], FalsyList([inner])))[0] is inner


def items_are_added_by_overridden_methods(deepcopy):
    class Upper(list):
        def append(self, item):
            super().append(item.upper())

    class Doubled(dict):
        def __setitem__(self, key, value):
            super().__setitem__(key, value * 2)

    assert deepcopy(Upper(["a"])) == ["A"]
    assert deepcopy(Doubled(a=2)) == {"a": 4}


def state_pair_sets_dict_and_slots(deepcopy):
    copied = deepcopy(Reducible(Thing, (), ({"a": 1}, {"b": [2]})))
    assert vars(copied) == {"a": 1, "b": [2]}
    assert vars(deepcopy(Reducible(Thing, (), (None, {"b": 2})))) == {"b": 2}
    assert vars(deepcopy(Reducible(Thing, (), ({"a": 1}, None)))) == {"a": 1}
    raises(TypeError, deepcopy, Reducible(Thing, (), (None, {1: 2})))


def state_may_be_a_mapping_or_pairs(deepcopy):
    for state in (collections.OrderedDict(a=1), [("a", 1)], collections.UserDict(a=1)):
        assert vars(deepcopy(Reducible(Thing, (), state))) == {"a": 1}


def object_may_reduce_to_itself(deepcopy):
    original = Reducible()
    original.reduced = (lambda: original, ())
    assert deepcopy([original, original]) == [original, original]


def newobj_may_be_explicit(deepcopy):
    class WithArgs:
        def __new__(cls, *args):
            self = super().__new__(cls)
            self.args = args
            return self

    assert deepcopy(Reducible(copyreg.__newobj__, (WithArgs, [1], 2))).args == ([1], 2)
    raises(TypeError, deepcopy, Reducible(copyreg.__newobj__, ()))
    raises(TypeError, deepcopy, Reducible(copyreg.__newobj__, (5,)))


def standard_library_classes_are_copied(deepcopy):
    @dataclasses.dataclass(frozen=True, slots=True)
    class Frozen:
        items: list

    class Colour(enum.Enum):
        RED = [1]

    Pair = collections.namedtuple("Pair", "a b")
    originals = [
        Frozen([1]),
        Pair([1], 2),
        collections.Counter("aab"),
        collections.ChainMap({"a": [1]}, {}),
        collections.UserList([[1]]),
        collections.defaultdict(list, a=[1]),
        collections.deque([[1]], maxlen=3),
        datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc),
        decimal.Decimal("1.50"),
        fractions.Fraction(1, 3),
        pathlib.PurePosixPath("/a/b"),
        types.SimpleNamespace(a=[1]),
        uuid.UUID(int=5),
        slice(1, [2], 3),
        re.compile("a+"),
        types.MappingProxyType,
    ]
    for original in originals:
        copied = deepcopy(original)
        assert type(copied) is type(original) and copied == original, original
    assert deepcopy(Colour.RED) is Colour.RED
    assert deepcopy(Frozen([1])).items is not originals[0].items
    partial = deepcopy(functools.partial(max, [1], key=len))
    assert partial.func is max and partial.args == ([1],)
    error = deepcopy(ValueError("message", [1]))
    assert error.args == ("message", [1])


def dynamic_attributes_are_ignored(deepcopy):
    class Anything:
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return name

    assert type(deepcopy(Anything())) is Anything
