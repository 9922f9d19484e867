"""Copies random graphs with both functions: the copies and the memos must be equal."""

import collections
import copy
import random


class Thing:
    pass


class Slots:
    __slots__ = ("a", "b")


class Hook:
    deepcopy = None

    def __init__(self, inner):
        self.inner = inner

    def __deepcopy__(self, memo):
        new = Hook(None)
        memo[id(self)] = new
        new.inner = Hook.deepcopy(self.inner, memo)
        return new


class Reduced:
    def __init__(self, inner):
        self.inner = inner

    def __reduce_ex__(self, protocol):
        return Reduced, ([self.inner],)


class SubList(list):
    pass


class SubDict(dict):
    pass


KINDS = (
    list, list, dict, dict, tuple, tuple, set, frozenset, Thing, Slots, Reduced, SubList, SubDict,
    collections.deque, collections.OrderedDict, Hook,
)  # fmt: skip
ATOMS = (None, 0, 1, "text", 2.5, b"bytes", True, len, int, range(3), 10**20)


def random_graph(source, with_hooks):
    """Returns a list of objects that refer to each other."""
    objects = [source.choice(ATOMS)]

    def some_values():
        return [
            source.choice(objects) if source.random() < 0.6 else source.choice(ATOMS)
            for _ in range(source.randrange(6))
        ]

    def hashable(values):
        return [value for value in values if not is_unhashable(value)]

    for _ in range(source.randrange(3, 60)):
        kind = source.choice(KINDS)
        if kind is Hook and not with_hooks:
            continue
        values = some_values()
        if kind in (dict, SubDict, collections.OrderedDict):
            keys = hashable(some_values())
            new = kind(zip(keys, values))
        elif kind in (set, frozenset):
            new = kind(hashable(values))
        elif kind is Thing:
            new = Thing()
            vars(new).update((f"a{number}", value) for number, value in enumerate(values))
        elif kind is Slots:
            new = Slots()
            if values:
                new.a = values[0]
        elif kind in (Hook, Reduced):
            new = kind(values)
        else:
            new = kind(values)
        objects.append(new)
    # Add cycles.
    for _ in range(source.randrange(5)):
        holder = source.choice(objects)
        target = source.choice(objects)
        if isinstance(holder, (list, collections.deque)):
            holder.append(target)
        elif isinstance(holder, Thing):
            holder.cycle = target
    return objects


def is_unhashable(value):
    try:
        hash(value)
    except TypeError:
        return True
    return False


def shape(root, originals):
    """Describes a graph independently of addresses, as a list of nodes and their parts.

    Originals are marked as such, so that both functions must copy the same objects.
    """
    numbers = {}
    nodes = []
    alive = []

    def visit(value):
        if id(value) in originals:
            return f"original {originals[id(value)]}"
        if isinstance(value, (type(None), int, str, float, bytes, range, type, type(len))):
            return repr(value)
        if id(value) in numbers:
            return numbers[id(value)]
        number = numbers[id(value)] = len(nodes)
        alive.append(value)
        node = [type(value).__name__]
        nodes.append(node)
        if isinstance(value, dict):
            node.extend((visit(key), visit(item)) for key, item in value.items())
        elif isinstance(value, (set, frozenset)):
            # The order of items may depend on addresses.
            node.append(len(value))
        elif isinstance(value, (list, tuple, collections.deque)):
            node.extend(visit(item) for item in value)
        if hasattr(value, "__dict__"):
            node.append(visit(vars(value)))
        if isinstance(value, Slots):
            node.append(visit(getattr(value, "a", "unset")))
        return number

    visit(root)
    return nodes


def compare(deepcopy, with_hooks, with_memo):
    for seed in range(200):
        objects = random_graph(random.Random(seed), with_hooks)
        originals = {id(each): number for number, each in enumerate(objects)}
        results = []
        for function in (copy.deepcopy, deepcopy):
            Hook.deepcopy = function
            memo = {} if with_memo else None
            copied = function(objects, memo)
            result = [shape(copied, originals)]
            if with_memo:
                kept = memo.pop(id(memo))
                result.append([originals.get(key) for key in memo])
                result.append([originals.get(id(each)) for each in kept])
            results.append(result)
        assert results[0] == results[1], f"seed {seed}: {results[0]} != {results[1]}"


def random_graphs_have_equal_copies(deepcopy):
    compare(deepcopy, with_hooks=False, with_memo=False)


def random_graphs_with_hooks_have_equal_copies(deepcopy):
    compare(deepcopy, with_hooks=True, with_memo=False)


def random_graphs_fill_equal_memos(deepcopy):
    compare(deepcopy, with_hooks=True, with_memo=True)
