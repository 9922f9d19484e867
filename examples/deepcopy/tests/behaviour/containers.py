"""Atomic objects and the built-in containers."""

import collections
import types
import weakref


class Thing:
    pass


class Meta(type):
    pass


def atomic_objects_are_their_own_copies(deepcopy):
    class Classic:
        pass

    class WithMeta(metaclass=Meta):
        def __deepcopy__(self, memo):
            raise AssertionError("a class was treated as an instance")

    thing = Thing()
    atoms = [
        None, ..., NotImplemented, 0, 2**100, 1.5, True, 1j, "text", b"bytes", range(3),
        (lambda: 0).__code__, (lambda: 0), len, [].append, property(), weakref.ref(thing),
        int, type, Classic, WithMeta, Meta,
    ]  # fmt: skip
    for atom in atoms:
        assert deepcopy(atom) is atom, atom
        assert deepcopy([[], atom])[1] is atom, atom
        assert deepcopy(atom, {}) is atom, atom


def nested_containers_are_copied(deepcopy):
    original = {"list": [[1], {"k": [2]}], "tuple": ([3],), 4: {5: {6: [7]}}}
    copied = deepcopy(original)
    assert copied == original
    assert copied is not original
    assert copied["list"] is not original["list"]
    assert copied["list"][0] is not original["list"][0]
    assert copied["list"][1]["k"] is not original["list"][1]["k"]
    assert copied["tuple"][0] is not original["tuple"][0]
    assert copied[4][5][6] is not original[4][5][6]


def empty_containers_are_copied(deepcopy):
    for original in ([], {}, set(), bytearray()):
        copied = deepcopy(original)
        assert copied == original and type(copied) is type(original)
        assert copied is not original
    empty = ()
    assert deepcopy(empty) is empty


def list_may_mix_atomic_and_other_items(deepcopy):
    for original in ([1, 2, [3]], [[1], 2, 3], [1, [2], 3, [4], 5], [1, 2, 3]):
        copied = deepcopy(original)
        assert copied == original and copied is not original
        for old, new in zip(original, copied):
            assert (old is new) == (type(old) is int)


def copied_list_can_grow(deepcopy):
    copied = deepcopy([1, 2, 3])
    copied.extend(range(100))
    assert len(copied) == 103


def list_may_contain_itself(deepcopy):
    original = [1]
    original.append(original)
    copied = deepcopy(original)
    assert copied is not original
    assert copied[1] is copied and len(copied) == 2


def dict_may_contain_itself(deepcopy):
    original = {"a": 1}
    original["self"] = original
    copied = deepcopy(original)
    assert copied is not original
    assert copied["self"] is copied and copied["a"] == 1


def tuple_may_contain_itself(deepcopy):
    original = ([], 1)
    original[0].append(original)
    copied = deepcopy(original)
    assert copied is not original
    assert copied[0][0] is copied
    inner = deepcopy(original[0])
    assert inner[0][0] is inner


def recursive_tuple_may_be_nested(deepcopy):
    inner = ([], 1)
    inner[0].append(inner)
    copied = deepcopy(([2], inner, 3))
    assert len(copied) == 3 and copied[0] == [2] and copied[2] == 3
    assert copied[1][0][0] is copied[1] and copied[1][1] == 1


def unchanged_tuple_is_its_own_copy(deepcopy):
    for original in ((), (1, "a", None), (1, (2, (3, len))), tuple(range(1000))):
        assert deepcopy(original) is original
        assert deepcopy([original])[0] is original


def changed_tuple_keeps_its_order(deepcopy):
    for place in range(5):
        items = [str(number) for number in range(5)]
        items[place] = [place]
        original = tuple(items)
        copied = deepcopy(original)
        assert copied == original and copied is not original
        assert copied[place] is not original[place]


def changed_tuples_may_be_nested(deepcopy):
    original = ("a", ([1], "b", ("c", [2], ("d", [3], "e"), "f"), [4]), "g", ([5],))
    copied = deepcopy(original)
    assert copied == original
    assert copied[1][2][2][1] is not original[1][2][2][1]


def shared_references_stay_shared(deepcopy):
    for count in (1, 2, 7, 8, 9, 10, 33, 1000):
        parts = [[number] for number in range(count)]
        copied = deepcopy([parts, list(reversed(parts)), (parts[0], parts[-1])])
        assert copied[0] == parts
        for number in range(count):
            assert copied[0][number] is copied[1][count - 1 - number]
            assert copied[0][number] is not parts[number]
        assert copied[2][0] is copied[0][0] and copied[2][1] is copied[0][-1]


def calls_share_no_copies(deepcopy):
    original = [[1]]
    assert deepcopy(original)[0] is not deepcopy(original)[0]


def dict_keeps_its_order_and_copies_keys(deepcopy):
    class Key:
        pass

    key = Key()
    original = {"z": 1, key: 2, (1, frozenset([2])): [3], "a": 4}
    del original["z"]
    original["z"] = 5
    copied = deepcopy(original)
    assert list(copied.values()) == list(original.values()) == [2, [3], 4, 5]
    new_key = next(iter(copied))
    assert type(new_key) is Key and new_key is not key
    assert list(copied)[1] == (1, frozenset([2]))


def dict_value_is_copied_before_its_key(deepcopy):
    order = []

    class Recorder:
        def __init__(self, name):
            self.name = name

        def __deepcopy__(self, memo):
            order.append(self.name)
            return self

    deepcopy({Recorder("key 1"): Recorder("value 1"), Recorder("key 2"): Recorder("value 2")})
    assert order == ["value 1", "key 1", "value 2", "key 2"], order


def instance_dict_can_be_copied(deepcopy):
    thing = Thing()
    thing.b, thing.a = 1, 2
    copied = deepcopy(vars(thing))
    assert list(copied.items()) == [("b", 1), ("a", 2)]
    copied["c"] = 3
    assert not hasattr(thing, "c")


def set_items_are_copied(deepcopy):
    thing = Thing()
    for kind in (set, frozenset):
        copied = deepcopy(kind([1, thing]))
        assert type(copied) is kind and len(copied) == 2
        (new,) = (item for item in copied if item != 1)
        assert type(new) is Thing and new is not thing
        original = kind("abc")
        assert deepcopy(original) == original
        assert deepcopy(original) is not original
        pair = deepcopy([original, original])
        assert pair[0] is pair[1]


def set_may_be_reachable_from_its_item(deepcopy):
    thing = Thing()
    thing.home = {thing}
    copied = deepcopy(thing)
    assert copied is not thing
    assert copied.home == {copied}


def bound_method_gets_a_copied_receiver(deepcopy):
    class Receiver:
        def method(self):
            return self

    receiver = Receiver()
    copied, new_receiver = deepcopy([receiver.method, receiver])
    assert type(copied) is types.MethodType
    assert copied() is new_receiver and new_receiver is not receiver


def container_subclasses_keep_type_and_attributes(deepcopy):
    for base, items in (
        (list, [[1], 2]),
        (dict, {"a": [1]}),
        (set, {1, 2}),
        (frozenset, {1, 2}),
        (tuple, ([1], 2)),
        (collections.OrderedDict, {"a": [1]}),
        (collections.deque, [[1], [2]]),
        (bytearray, b"abc"),
    ):
        original = type("Sub", (base,), {})(items)
        original.extra = [3]
        copied = deepcopy(original)
        assert type(copied) is type(original) and copied == original
        assert copied is not original
        assert copied.extra == [3] and copied.extra is not original.extra


def class_attribute_does_not_change_the_rule(deepcopy):
    class Fake:
        __class__ = dict

        def __reduce_ex__(self, protocol):
            return list, ([1],)

    assert deepcopy(Fake()) == [1]
