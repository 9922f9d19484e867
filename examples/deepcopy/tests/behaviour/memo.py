"""`__deepcopy__` methods, the memo they are handed, and memos that callers bring."""

import collections


class Hook:
    """Calls a function with the memo when it is copied, and returns what it returns."""

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


def a_hook_makes_the_copy_and_shared_references_share_it(deepcopy):
    calls = []
    hook = Hook(lambda memo: calls.append(memo) or "made")
    assert deepcopy([hook, hook]) == ["made", "made"]
    assert len(calls) == 1


def a_hook_that_returns_the_object_is_asked_each_time(deepcopy):
    calls = []
    hook = Hook(lambda memo: calls.append(memo) or hook)
    copied = deepcopy([hook, hook])
    assert copied[0] is copied[1] is hook
    assert len(calls) == 2


def a_hook_that_is_none_counts_as_absent(deepcopy):
    thing = Thing()
    thing.__deepcopy__ = None
    thing.items = [1]
    copied = deepcopy(thing)
    assert copied is not thing and copied.items is not thing.items


def a_hook_may_be_an_attribute_of_the_instance(deepcopy):
    thing = Thing()
    thing.__deepcopy__ = lambda memo: "made"
    assert deepcopy([thing]) == ["made"]


def an_error_of_a_hook_is_passed_on(deepcopy):
    def fail(memo):
        raise LookupError("no copy")

    assert raises(LookupError, deepcopy, [1, ([2], Hook(fail))]) == "no copy"


def an_error_on_the_way_to_the_hook_is_passed_on(deepcopy):
    class Broken:
        @property
        def __deepcopy__(self):
            raise ZeroDivisionError("broken")

    assert raises(ZeroDivisionError, deepcopy, [Broken()]) == "broken"


def a_hook_gets_a_dict_with_all_copies_in_the_order_they_were_made(deepcopy):
    seen = []

    def look(memo):
        assert type(memo) is dict
        kept = memo[id(memo)]
        # Nothing here may be another reference to a copy: it is the order that counts.
        for key, value in memo.items():
            seen.append("originals" if value is kept else (names[key], repr(value)))
        seen.append([names[id(each)] for each in kept])

    a, b, c = [1], {"k": 2}, ([3],)
    original = [a, b, c, Hook(look)]
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


def a_memo_without_finished_copies_keeps_no_originals(deepcopy):
    def look(memo):
        assert id(memo) not in memo and len(memo) == 1

    deepcopy([Hook(look)])


def a_hook_gets_an_empty_memo_when_it_comes_first(deepcopy):
    seen = []
    deepcopy(Hook(lambda memo: seen.append(dict(memo))))
    assert seen == [{}]


def a_hook_sees_half_made_copies(deepcopy):
    seen = []

    def look(memo):
        seen.append(list(memo[id(original)]))
        seen.append(dict(memo[id(inner)]))

    inner = {"a": 1, "hook": Hook(look), "b": 2}
    original = [1, [2], 3, inner, 4]
    deepcopy(original)
    assert seen == [[1, [2], 3], {"a": 1}], seen


def what_a_hook_copies_with_the_memo_is_shared(deepcopy):
    shared = [1]
    copied = deepcopy([shared, Hook(lambda memo: deepcopy(shared, memo)), shared])
    assert copied[0] is copied[1] is copied[2] and copied[0] is not shared


def what_a_hook_copies_without_the_memo_is_not_shared(deepcopy):
    shared = [1]
    copied = deepcopy([shared, Hook(lambda memo: deepcopy(shared))])
    assert copied[0] is not copied[1]


def what_a_hook_puts_into_the_memo_counts(deepcopy):
    later, number, text, unchanged = [1], 10**30, "".join(["te", "xt"]), (1, 2)

    def plant(memo):
        memo[id(later)] = "planted"
        memo[id(number)] = None
        memo[id(text)] = ["even for atoms"]
        memo[id(unchanged)] = 3
        memo[id(Thing)] = 4

    copied = deepcopy([Hook(plant), later, number, text, unchanged, Thing])
    assert copied[1:] == ["planted", None, ["even for atoms"], 3, 4]
    assert deepcopy([Hook(plant), [number], {1: number, 2: text}])[1:] == [
        [None],
        {1: None, 2: ["even for atoms"]},
    ]


def what_a_hook_removes_from_the_memo_is_copied_again(deepcopy):
    first = [1]
    copied = deepcopy([first, Hook(lambda memo: memo.pop(id(first))), first])
    assert copied[0] is copied[1] and copied[2] == [1] and copied[0] is not copied[2]


def a_container_removed_while_it_is_copied_is_noted_again(deepcopy):
    inner = []
    inner.append(Hook(lambda memo: memo.pop(id(inner)) and None))
    copied = deepcopy([inner, inner])
    assert copied[0] is copied[1]


def a_hook_may_replace_the_list_of_originals(deepcopy):
    kept = collections.deque()
    tail = [1]
    deepcopy([Hook(lambda memo: memo.__setitem__(id(memo), kept)), tail])
    assert any(each is tail for each in kept)


def a_hook_may_keep_the_memo(deepcopy):
    memos = []
    part = [1]
    copied = deepcopy([part, Hook(memos.append), [2]])
    (memo,) = memos
    assert memo[id(part)] is copied[0]
    assert deepcopy(part, memo) is copied[0]
    assert any(each is part for each in memo[id(memo)])


def every_hook_of_a_copy_gets_the_same_memo(deepcopy):
    memos = []
    deepcopy([Hook(memos.append), [Hook(memos.append)], (Hook(memos.append),)])
    assert len(memos) == 3
    assert memos[0] is memos[1] is memos[2]


def the_callers_memo_is_read(deepcopy):
    known, none = [1], [2]
    memo = {id(known): "known", id(none): None}
    assert deepcopy([known, none, [3]], memo) == ["known", None, [3]]
    assert deepcopy(known, memo) == "known"
    assert deepcopy(known, memo=memo) == "known"


def the_callers_memo_is_filled(deepcopy):
    memo = {}
    inner = [1]
    original = {"a": inner}
    copied = deepcopy(original, memo)
    assert memo[id(original)] is copied and memo[id(inner)] is copied["a"]
    assert memo.pop(id(memo)) == [inner, original]
    assert len(memo) == 2


def own_copies_do_not_enter_the_memo(deepcopy):
    memo = {}
    for original in (1, "a", (1, 2), Thing, len):
        assert deepcopy(original, memo) is original
    assert memo == {}


def a_memo_that_is_none_is_no_memo(deepcopy):
    assert deepcopy([1], None) == [1]


def a_memo_may_be_any_mapping_and_is_asked_as_such(deepcopy):
    asked = []

    class Memo(dict):
        def get(self, key, default=None):
            asked.append("get")
            return super().get(key, default)

        def __getitem__(self, key):
            asked.append("getitem")
            return super().__getitem__(key)

        def __setitem__(self, key, value):
            asked.append("setitem")
            super().__setitem__(key, value)

    memo = Memo()
    inner = [1]
    original = (inner, inner)
    copied = deepcopy(original, memo)
    assert copied == original and copied[0] is copied[1]
    assert asked == (
        # the tuple, the list, its int
        ["get", "get", "get"][:2]
        + ["setitem", "get", "setitem", "getitem", "setitem"]
        # the list again; is the tuple there?; the tuple is, and is kept
        + ["get", "getitem", "setitem", "getitem"]
    ), asked


def a_memo_that_is_no_dict_works(deepcopy):
    memo = collections.UserDict()
    inner = [1]
    copied = deepcopy([inner, inner, {2: (inner,)}, Hook(lambda m: m is memo)], memo)
    assert copied == [[1], [1], {2: ([1],)}, True]
    assert copied[0] is copied[1] is copied[2][2][0]
    assert memo[id(inner)] is copied[0] and memo[id(memo)][0] is inner


def a_memo_that_is_no_mapping_is_refused(deepcopy):
    assert "'get'" in raises(AttributeError, deepcopy, [1], 5)


def an_error_of_the_memo_is_passed_on(deepcopy):
    class Full(dict):
        def __setitem__(self, key, value):
            raise OSError("full")

    assert raises(OSError, deepcopy, [1], Full()) == "full"


def temporary_objects_are_not_taken_for_one_another(deepcopy):
    # Each state is a new list that dies right after its copy, unless the memo keeps it; the next
    # one would get its address.
    class Maker:
        def __init__(self, number):
            self.number = number

        def __reduce_ex__(self, protocol):
            return Thing, (), {"state": [[self.number]]}

    for count in (5, 300):
        copied = deepcopy([Maker(number) for number in range(count)])
        assert [thing.state for thing in copied] == [[[number]] for number in range(count)]
