"""Code that changes what is being copied, objects without end, and errors half way."""

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


def a_dict_that_grows_meanwhile_is_a_runtime_error(deepcopy):
    original = {1: [], 2: Hook(lambda: original.update({3: 4})), 5: 6}
    assert "changed size" in raises(RuntimeError, deepcopy, original)


def a_dict_that_shrinks_meanwhile_is_a_runtime_error(deepcopy):
    original = {1: [], 2: Hook(lambda: original.pop(1)), 5: 6}
    assert "changed size" in raises(RuntimeError, deepcopy, original)


def a_dict_that_is_cleared_meanwhile_is_a_runtime_error(deepcopy):
    original = {1: [], 2: Hook(lambda: original.clear()), 5: []}
    assert "changed size" in raises(RuntimeError, deepcopy, original)


def a_dict_whose_last_item_removes_itself_is_a_runtime_error(deepcopy):
    original = {1: [], 2: Hook(lambda: original.pop(2))}
    assert "changed size" in raises(RuntimeError, deepcopy, original)


def a_dict_whose_keys_change_meanwhile_is_a_runtime_error(deepcopy):
    def swap():
        del original[1]
        original[7] = 8

    original = {1: [], 2: Hook(swap)}
    assert "keys changed" in raises(RuntimeError, deepcopy, original)


def a_dict_whose_values_change_meanwhile_is_copied_as_it_is_then(deepcopy):
    original = {1: Hook(lambda: original.update({2: "new"})), 2: "old"}
    assert deepcopy(original) == {1: "hook", 2: "new"}


def attributes_that_change_meanwhile_are_a_runtime_error(deepcopy):
    thing = Thing()
    thing.hook = Hook(lambda: setattr(thing, "more", 1))
    assert "changed size" in raises(RuntimeError, deepcopy, thing)


def a_list_that_grows_meanwhile_is_copied_with_what_came_in(deepcopy):
    original = [1, Hook(lambda: original.extend([[2], 3])), 4]
    assert deepcopy(original) == [1, "hook", 4, [2], 3]


def a_list_that_shrinks_meanwhile_is_copied_as_far_as_it_goes(deepcopy):
    original = [1, [2], Hook(lambda: original.__delitem__(slice(1, None))), [4], [5]]
    assert deepcopy(original) == [1, [2], "hook"]
    original = [Hook(lambda: original.clear()), [1], [2]]
    assert deepcopy(original) == ["hook"]


def items_inserted_before_the_hook_shift_the_rest(deepcopy):
    original = [[1], Hook(lambda: len(original) < 4 and original.insert(0, "new")), [2]]
    assert deepcopy(original) == [[1], "hook", "hook", [2]]


def a_set_that_changes_meanwhile_is_copied_as_it_was(deepcopy):
    hook = Hook(lambda: original.clear())
    original = {hook, 1}
    assert deepcopy(original) == {"hook", 1}


def a_half_made_copy_may_be_changed(deepcopy):
    class Meddler:
        def __deepcopy__(self, memo):
            memo[id(original)].append("meddled")
            return "hook"

    original = [1, [2], Meddler(), 3]
    assert deepcopy(original) == [1, [2], "meddled", "hook", 3]

    class DictMeddler:
        def __deepcopy__(self, memo):
            memo[id(mapping)].clear()
            return "hook"

    mapping = {1: [], 2: DictMeddler(), 3: []}
    assert deepcopy(mapping) == {2: "hook", 3: []}


def what_the_hook_lets_go_of_stays_alive_while_it_is_copied(deepcopy):
    inner = [Hook(lambda: (outer.clear(), gc.collect())), [1], [2]]
    outer = [inner, [3]]
    del inner
    assert deepcopy(outer) == [["hook", [1], [2]]]

    holder = {"a": {"hook": Hook(lambda: holder.update(a=None)), "b": [1]}}
    assert deepcopy(holder) == {"a": {"hook": "hook", "b": [1]}}


def garbage_collection_at_any_moment_is_harmless(deepcopy):
    original = [([n], {n: {n}}, Thing()) for n in range(50)]
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        copied = deepcopy(original)
    finally:
        gc.set_threshold(*threshold)
    assert [each[:2] for each in copied] == [each[:2] for each in original]


def too_deep_nesting_is_a_recursion_error(deepcopy):
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


def frozensets_in_each_other_are_a_recursion_error(deepcopy):
    value = frozenset()
    for _ in range(20000):
        value = frozenset([value])
    raises(RecursionError, deepcopy, value)


def nesting_of_some_hundred_levels_is_copied(deepcopy):
    value = []
    for _ in range(300):
        value = [value]
    copied = deepcopy(value)
    depth = 0
    while copied:
        copied = copied[0]
        depth += 1
    assert depth == 300


def a_hook_without_end_is_a_recursion_error(deepcopy):
    class Endless:
        def __deepcopy__(self, memo):
            return deepcopy([Endless()], memo)

    raises(RecursionError, deepcopy, Endless())


def reducing_without_end_is_a_recursion_error(deepcopy):
    class Endless:
        def __reduce_ex__(self, protocol):
            return Thing, (), {"next": Endless()}

    raises(RecursionError, deepcopy, Endless())


def a_key_that_can_not_be_hashed_after_the_copy_is_an_error(deepcopy):
    class Key:
        def __deepcopy__(self, memo):
            return []

    assert "unhashable" in raises(TypeError, deepcopy, {Key(): 1})
    assert "unhashable" in raises(TypeError, deepcopy, {Key()})


def keys_that_become_equal_are_merged(deepcopy):
    class Key:
        def __deepcopy__(self, memo):
            return "same"

    assert deepcopy({Key(): 1, Key(): 2}) == {"same": 2}


def an_error_half_way_leaves_nothing_behind(deepcopy):
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


def a_copy_leaves_the_reference_counts_of_the_originals_as_they_were(deepcopy):
    atom, thing, items = object.__new__(Thing).__class__.__name__ + "!", Thing(), [1]
    original = [atom, thing, items, (items, atom), {atom: items, 1: (thing,)}, {atom}]
    counts = [sys.getrefcount(each) for each in (atom, thing, items, *original)]
    for _ in range(100):
        deepcopy(original)
        deepcopy(original, {})
    gc.collect()
    assert [sys.getrefcount(each) for each in (atom, thing, items, *original)] == counts


def copies_are_freed_with_their_last_reference(deepcopy):
    copied = deepcopy([Thing()])
    gone = weakref.ref(copied[0])
    del copied
    assert gone() is None


def the_tables_of_copy_are_untouched(deepcopy):
    before = dict(vars(copy))
    deepcopy([Thing(), {1: {2}}])
    assert dict(vars(copy)) == before
