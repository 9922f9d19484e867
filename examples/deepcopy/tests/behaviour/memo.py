"""`__deepcopy__` methods (hooks), the memo that they receive, and memos that callers pass."""

import collections


class Hook:
    """Calls a function with the memo, and returns its result as the copy."""

    def __init__(self, function):
        self.function = function

    def __deepcopy__(self, memo):
        return self.function(memo)


class Thing:
    pass


def raises(error, call, *args):
    try:
        call(*args)
    except error as caught:
        return str(caught)
    raise AssertionError(f"{error.__name__} was not raised")


def hook_result_is_shared(deepcopy):
    calls = []
    hook = Hook(lambda memo: calls.append(memo) or "copy")
    assert deepcopy([hook, hook]) == ["copy", "copy"]
    assert len(calls) == 1


def hook_that_returns_self_is_called_each_time(deepcopy):
    calls = []
    hook = Hook(lambda memo: calls.append(memo) or hook)
    copied = deepcopy([hook, hook])
    assert copied[0] is copied[1] is hook
    assert len(calls) == 2


def hook_that_is_none_is_ignored(deepcopy):
    thing = Thing()
    thing.__deepcopy__ = None
    thing.items = [1]
    copied = deepcopy(thing)
    assert copied is not thing and copied.items is not thing.items


def hook_may_be_an_instance_attribute(deepcopy):
    thing = Thing()
    thing.__deepcopy__ = lambda memo: "copy"
    assert deepcopy([thing]) == ["copy"]


def hook_error_propagates(deepcopy):
    def fail(memo):
        raise LookupError("no copy")

    assert raises(LookupError, deepcopy, [1, ([2], Hook(fail))]) == "no copy"


def hook_lookup_error_propagates(deepcopy):
    class Broken:
        @property
        def __deepcopy__(self):
            raise ZeroDivisionError("broken")

    assert raises(ZeroDivisionError, deepcopy, [Broken()]) == "broken"


def hook_gets_all_copies_in_order(deepcopy):
    seen = []

    def inspect_memo(memo):
        assert type(memo) is dict
        kept = memo[id(memo)]
        # Record names instead of addresses, so that the order can be compared.
        for key, value in memo.items():
            seen.append("originals" if value is kept else (names[key], repr(value)))
        seen.append([names[id(each)] for each in kept])

    a, b, c = [1], {"k": 2}, ([3],)
    original = [a, b, c, Hook(inspect_memo)]
    names = {id(a): "a", id(b): "b", id(c): "c", id(c[0]): "c[0]", id(original): "all"}
    deepcopy(original)
    assert seen == [
        ("all", "[[1], {'k': 2}, ([3],)]"),
        ("a", "[1]"),
        "originals",
        ("b", "{'k': 2}"),
        ("c[0]", "[3]"),
        ("c", "([3],)"),
        ["a", "b", "c[0]", "c"],
    ], seen


def memo_without_finished_copies_has_no_originals(deepcopy):
    def inspect_memo(memo):
        assert id(memo) not in memo and len(memo) == 1

    deepcopy([Hook(inspect_memo)])


def first_hook_gets_an_empty_memo(deepcopy):
    seen = []
    deepcopy(Hook(lambda memo: seen.append(dict(memo))))
    assert seen == [{}]


def hook_sees_partial_copies(deepcopy):
    seen = []

    def inspect_memo(memo):
        seen.append(list(memo[id(original)]))
        seen.append(dict(memo[id(inner)]))

    inner = {"a": 1, "hook": Hook(inspect_memo), "b": 2}
    original = [1, [2], 3, inner, 4]
    deepcopy(original)
    assert seen == [[1, [2], 3], {"a": 1}], seen


def hook_copy_with_memo_is_shared(deepcopy):
    shared = [1]
    copied = deepcopy([shared, Hook(lambda memo: deepcopy(shared, memo)), shared])
    assert copied[0] is copied[1] is copied[2] and copied[0] is not shared


def hook_copy_without_memo_is_not_shared(deepcopy):
    shared = [1]
    copied = deepcopy([shared, Hook(lambda memo: deepcopy(shared))])
    assert copied[0] is not copied[1]


def memo_entries_added_by_a_hook_are_used(deepcopy):
    later, number, text, unchanged = [1], 10**30, "".join(["te", "xt"]), (1, 2)

    def add_entries(memo):
        memo[id(later)] = "added"
        memo[id(number)] = None
        memo[id(text)] = ["even for atoms"]
        memo[id(unchanged)] = 3
        memo[id(Thing)] = 4

    copied = deepcopy([Hook(add_entries), later, number, text, unchanged, Thing])
    assert copied[1:] == ["added", None, ["even for atoms"], 3, 4]
    assert deepcopy([Hook(add_entries), [number], {1: number, 2: text}])[1:] == [
        [None],
        {1: None, 2: ["even for atoms"]},
    ]


def memo_entry_removed_by_a_hook_is_copied_again(deepcopy):
    first = [1]
    copied = deepcopy([first, Hook(lambda memo: memo.pop(id(first))), first])
    assert copied[0] is copied[1] and copied[2] == [1] and copied[0] is not copied[2]


def removed_container_is_added_again_when_finished(deepcopy):
    inner = []
    inner.append(Hook(lambda memo: memo.pop(id(inner)) and None))
    copied = deepcopy([inner, inner])
    assert copied[0] is copied[1]


def hook_may_replace_the_list_of_originals(deepcopy):
    kept = collections.deque()
    tail = [1]
    deepcopy([Hook(lambda memo: memo.__setitem__(id(memo), kept)), tail])
    assert any(each is tail for each in kept)


def hook_may_keep_the_memo(deepcopy):
    memos = []
    part = [1]
    copied = deepcopy([part, Hook(memos.append), [2]])
    (memo,) = memos
    assert memo[id(part)] is copied[0]
    assert deepcopy(part, memo) is copied[0]
    assert any(each is part for each in memo[id(memo)])


def all_hooks_get_the_same_memo(deepcopy):
    memos = []
    deepcopy([Hook(memos.append), [Hook(memos.append)], (Hook(memos.append),)])
    assert len(memos) == 3
    assert memos[0] is memos[1] is memos[2]


def callers_memo_is_read(deepcopy):
    known, none = [1], [2]
    memo = {id(known): "known", id(none): None}
    assert deepcopy([known, none, [3]], memo) == ["known", None, [3]]
    assert deepcopy(known, memo) == "known"
    assert deepcopy(known, memo=memo) == "known"


def callers_memo_is_filled(deepcopy):
    memo = {}
    inner = [1]
    original = {"a": inner}
    copied = deepcopy(original, memo)
    assert memo[id(original)] is copied and memo[id(inner)] is copied["a"]
    assert memo.pop(id(memo)) == [inner, original]
    assert len(memo) == 2


def atomic_objects_are_not_added_to_the_memo(deepcopy):
    memo = {}
    for original in (1, "a", (1, 2), Thing, len):
        assert deepcopy(original, memo) is original
    assert memo == {}


def memo_may_be_none(deepcopy):
    assert deepcopy([1], None) == [1]


def memo_methods_are_called_in_order(deepcopy):
    calls = []

    class Memo(dict):
        def get(self, key, default=None):
            calls.append("get")
            return super().get(key, default)

        def __getitem__(self, key):
            calls.append("getitem")
            return super().__getitem__(key)

        def __setitem__(self, key, value):
            calls.append("setitem")
            super().__setitem__(key, value)

    memo = Memo()
    inner = [1]
    original = (inner, inner)
    copied = deepcopy(original, memo)
    assert copied == original and copied[0] is copied[1]
    assert calls == [
        "get",  # is there a copy of the tuple?
        "get",  # is there a copy of the list?
        "setitem",  # the list, before its items are copied
        "get",  # is there a copy of the int?
        "setitem",  # the list, when it is finished
        "getitem",  # is there a list of originals?
        "setitem",  # the list of originals
        "get",  # is there a copy of the list?
        "getitem",  # is there a copy of the tuple now?
        "setitem",  # the tuple
        "getitem",  # the list of originals
    ], calls


def memo_may_be_another_mapping(deepcopy):
    memo = collections.UserDict()
    inner = [1]
    copied = deepcopy([inner, inner, {2: (inner,)}, Hook(lambda m: m is memo)], memo)
    assert copied == [[1], [1], {2: ([1],)}, True]
    assert copied[0] is copied[1] is copied[2][2][0]
    assert memo[id(inner)] is copied[0] and memo[id(memo)][0] is inner


def memo_must_be_a_mapping(deepcopy):
    assert "'get'" in raises(AttributeError, deepcopy, [1], 5)


def memo_error_propagates(deepcopy):
    class Full(dict):
        def __setitem__(self, key, value):
            raise OSError("full")

    assert raises(OSError, deepcopy, [1], Full()) == "full"


def temporary_objects_are_not_confused(deepcopy):
    # Each state is a new list. If the memo did not keep it alive, it would be freed after its copy,
    # and the next state would get the same address.
    class Maker:
        def __init__(self, number):
            self.number = number

        def __reduce_ex__(self, protocol):
            return Thing, (), {"state": [[self.number]]}

    for count in (5, 300):
        copied = deepcopy([Maker(number) for number in range(count)])
        assert [thing.state for thing in copied] == [[[number]] for number in range(count)]
