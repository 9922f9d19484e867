"""Python code that changes objects while they are copied, endless structures, and errors."""

import copy
import gc
import sys
import weakref


class Hook:
    """Calls a function when it is copied."""

    def __init__(self, function):
        self.function = function

    def __deepcopy__(self, memo):
        self.function()
        return "hook"


class Thing:
    pass


def raises(error, call, *args):
    try:
        call(*args)
    except error as caught:
        return str(caught)
    raise AssertionError(f"{error.__name__} was not raised")


def growing_dict_raises_runtime_error(deepcopy):
    original = {1: [], 2: Hook(lambda: original.update({3: 4})), 5: 6}
    assert "changed size" in raises(RuntimeError, deepcopy, original)


def shrinking_dict_raises_runtime_error(deepcopy):
    original = {1: [], 2: Hook(lambda: original.pop(1)), 5: 6}
    assert "changed size" in raises(RuntimeError, deepcopy, original)


def cleared_dict_raises_runtime_error(deepcopy):
    original = {1: [], 2: Hook(lambda: original.clear()), 5: []}
    assert "changed size" in raises(RuntimeError, deepcopy, original)


def removed_last_item_raises_runtime_error(deepcopy):
    original = {1: [], 2: Hook(lambda: original.pop(2))}
    assert "changed size" in raises(RuntimeError, deepcopy, original)


def changed_keys_raise_runtime_error(deepcopy):
    def swap():
        del original[1]
        original[7] = 8

    original = {1: [], 2: Hook(swap)}
    assert "keys changed" in raises(RuntimeError, deepcopy, original)


def changed_dict_values_are_copied(deepcopy):
    original = {1: Hook(lambda: original.update({2: "new"})), 2: "old"}
    assert deepcopy(original) == {1: "hook", 2: "new"}


def added_attribute_raises_runtime_error(deepcopy):
    thing = Thing()
    thing.hook = Hook(lambda: setattr(thing, "more", 1))
    assert "changed size" in raises(RuntimeError, deepcopy, thing)


def growing_list_is_copied_with_new_items(deepcopy):
    original = [1, Hook(lambda: original.extend([[2], 3])), 4]
    assert deepcopy(original) == [1, "hook", 4, [2], 3]


def shrinking_list_is_copied_to_its_new_end(deepcopy):
    original = [1, [2], Hook(lambda: original.__delitem__(slice(1, None))), [4], [5]]
    assert deepcopy(original) == [1, [2], "hook"]
    original = [Hook(lambda: original.clear()), [1], [2]]
    assert deepcopy(original) == ["hook"]


def inserted_item_shifts_the_rest(deepcopy):
    original = [[1], Hook(lambda: len(original) < 4 and original.insert(0, "new")), [2]]
    assert deepcopy(original) == [[1], "hook", "hook", [2]]


def changing_set_is_copied_unchanged(deepcopy):
    hook = Hook(lambda: original.clear())
    original = {hook, 1}
    assert deepcopy(original) == {"hook", 1}


def partial_copy_may_be_changed(deepcopy):
    class ListChanger:
        def __deepcopy__(self, memo):
            memo[id(original)].append("added")
            return "hook"

    original = [1, [2], ListChanger(), 3]
    assert deepcopy(original) == [1, [2], "added", "hook", 3]

    class DictChanger:
        def __deepcopy__(self, memo):
            memo[id(mapping)].clear()
            return "hook"

    mapping = {1: [], 2: DictChanger(), 3: []}
    assert deepcopy(mapping) == {2: "hook", 3: []}


def dropped_original_stays_alive(deepcopy):
    inner = [Hook(lambda: (outer.clear(), gc.collect())), [1], [2]]
    outer = [inner, [3]]
    del inner
    assert deepcopy(outer) == [["hook", [1], [2]]]

    holder = {"a": {"hook": Hook(lambda: holder.update(a=None)), "b": [1]}}
    assert deepcopy(holder) == {"a": {"hook": "hook", "b": [1]}}


def garbage_collection_may_run_at_any_time(deepcopy):
    original = [([n], {n: {n}}, Thing()) for n in range(50)]
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        copied = deepcopy(original)
    finally:
        gc.set_threshold(*threshold)
    assert [each[:2] for each in copied] == [each[:2] for each in original]


def deep_nesting_raises_recursion_error(deepcopy):
    def nest(wrap):
        value = []
        for _ in range(20000):
            value = wrap(value)
        return value

    def thing(inner):
        new = Thing()
        new.inner = inner
        return new

    wraps = [lambda v: [v], lambda v: (v,), lambda v: {1: v}, lambda v: [(v, {1: v})], thing]
    for wrap in wraps:
        raises(RecursionError, deepcopy, nest(wrap))
        assert deepcopy([[1]]) == [[1]]


def nested_frozensets_raise_recursion_error(deepcopy):
    value = frozenset()
    for _ in range(20000):
        value = frozenset([value])
    raises(RecursionError, deepcopy, value)


def hundreds_of_levels_are_copied(deepcopy):
    value = []
    for _ in range(300):
        value = [value]
    copied = deepcopy(value)
    depth = 0
    while copied:
        copied = copied[0]
        depth += 1
    assert depth == 300


def endless_hooks_raise_recursion_error(deepcopy):
    class Endless:
        def __deepcopy__(self, memo):
            return deepcopy([Endless()], memo)

    raises(RecursionError, deepcopy, Endless())


def endless_reduction_raises_recursion_error(deepcopy):
    class Endless:
        def __reduce_ex__(self, protocol):
            return Thing, (), {"next": Endless()}

    raises(RecursionError, deepcopy, Endless())


def unhashable_copied_key_raises_type_error(deepcopy):
    class Key:
        def __deepcopy__(self, memo):
            return []

    assert "unhashable" in raises(TypeError, deepcopy, {Key(): 1})
    assert "unhashable" in raises(TypeError, deepcopy, {Key()})


def equal_copied_keys_are_merged(deepcopy):
    class Key:
        def __deepcopy__(self, memo):
            return "same"

    assert deepcopy({Key(): 1, Key(): 2}) == {"same": 2}


def failed_copy_leaks_no_references(deepcopy):
    class Fails:
        def __deepcopy__(self, memo):
            raise LookupError

    thing = Thing()
    gone = weakref.ref(thing)
    original = [thing, (1, [thing], (2, [thing], Fails())), {3: thing}]
    counts = [sys.getrefcount(each) for each in (thing, original, original[1])]
    raises(LookupError, deepcopy, original)
    gc.collect()
    assert [sys.getrefcount(each) for each in (thing, original, original[1])] == counts
    del thing, original
    assert gone() is None


def copy_keeps_reference_counts(deepcopy):
    atom, thing, items = object.__new__(Thing).__class__.__name__ + "!", Thing(), [1]
    original = [atom, thing, items, (items, atom), {atom: items, 1: (thing,)}, {atom}]
    counts = [sys.getrefcount(each) for each in (atom, thing, items, *original)]
    for _ in range(100):
        deepcopy(original)
        deepcopy(original, {})
    gc.collect()
    assert [sys.getrefcount(each) for each in (atom, thing, items, *original)] == counts


def copies_die_with_their_last_reference(deepcopy):
    copied = deepcopy([Thing()])
    gone = weakref.ref(copied[0])
    del copied
    assert gone() is None


def module_copy_is_unchanged(deepcopy):
    before = dict(vars(copy))
    deepcopy([Thing(), {1: {2}}])
    assert dict(vars(copy)) == before
