"""Programs that the interpreter is trained on, in addition to CPython's own PROFILE_TASK.

CPython's tests reach every branch once, while typical programs run the same few loops a million
times. Each kernel here is such a loop. All kernels take about the same time, so that no single one
determines what is hot.
"""
import collections
import datetime
import functools
import itertools
import json
import math
import operator
import re
import string

KERNELS = []


def kernel(function):
    KERNELS.append(function)
    return function


@kernel
def floats(n=90_000):
    x, y, z, total = 0.5, 1.25, -2.0, 0.0
    for i in range(n):
        x = x * 1.0000001 + y / 3.0 - z
        y = (x - y) * 0.25
        z = -z * 0.5 + i * 1e-6
        total += x * x + y * y + z * z
        if total > 1e9:
            total -= 1e9
    return math.sqrt(abs(total)) + total ** 0.5


@kernel
def bodies(n=4000):
    system = [([0.1 * i, 0.2 * i, 0.3 * i], [0.01, 0.02, 0.03], 1.0 + i) for i in range(5)]
    pairs = list(itertools.combinations(system, 2))
    for _ in range(n):
        for (([x1, y1, z1], v1, m1), ([x2, y2, z2], v2, m2)) in pairs:
            dx, dy, dz = x1 - x2, y1 - y2, z1 - z2
            mag = 0.001 * ((dx * dx + dy * dy + dz * dz + 0.01) ** -1.5)
            b1, b2 = m1 * mag, m2 * mag
            v1[0] -= dx * b2
            v1[1] -= dy * b2
            v1[2] -= dz * b2
            v2[0] += dx * b1
            v2[1] += dy * b1
            v2[2] += dz * b1
        for (r, [vx, vy, vz], _m) in system:
            r[0] += 0.001 * vx
            r[1] += 0.001 * vy
            r[2] += 0.001 * vz


@kernel
def integers(n=50_000):
    a, b, count = 0, 1, 0
    for i in range(n):
        a, b = b, (a * 31 + b + i) % 1_000_003
        if a & 1:
            count += a >> 3
        elif a > b:
            count ^= b << 2
        else:
            count -= a // 7
    while n > 0:
        n -= 3
        count += n
    return count


@kernel
def unpacking(n=20_000):
    pair, triple, row, long = (1, 2), [3, 4, 5], (1, 2, 3, 4, 5, 6), list(range(10))
    wide = tuple(long)
    for _ in range(n):
        p, q, r, s, t, u, v, w, x, y = wide
        y, x, w, v, u, t, s, r, q, p = long
        a, b = pair
        b, a = a, b
        c, d, e = triple
        f, g, h, i, j, k = row
        first, *rest = triple
        (l, m), o = (a, b), c
        a, b, c, d = d, c, b, a


@kernel
def permutations(n=7):
    items, count = list(range(n)), list(range(n))
    flips, r = 0, n
    while True:
        while r != 1:
            count[r - 1] = r
            r -= 1
        if items[0] != 0:
            copy = items[:]
            k = copy[0]
            while k:
                copy[: k + 1] = copy[k::-1]
                flips += 1
                k = copy[0]
        while r != n:
            items.insert(r, items.pop(0))
            count[r] -= 1
            if count[r] > 0:
                break
            r += 1
        else:
            return flips


@kernel
def sieve(n=150_000):
    marks = bytearray([1]) * n
    for i in range(2, int(n ** 0.5) + 1):
        if marks[i]:
            marks[i * i :: i] = bytes(len(range(i * i, n, i)))
    numbers = [i for i in range(n) if marks[i]]
    table = [[(i * j) % 7 for j in range(60)] for i in range(60)]
    total = 0
    for i in range(60):
        for j in range(60):
            total += table[i][j] * table[j][i]
            table[i][j] = total & 255
    return sum(numbers) + total


class Vector:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x = x
        self.y = y
        self.z = z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def __eq__(self, other):
        return self.x == other.x and self.y == other.y and self.z == other.z

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z


@kernel
def vectors(n=6000):
    at, speed, total = Vector(0.0, 0.0, 0.0), Vector(1.0, 0.5, 0.25), 0.0
    for i in range(n):
        at = at + speed * 0.001
        total += at.dot(speed)
        if at == speed:
            total = 0.0
    return total


class Task:
    kind = "task"

    def __init__(self, name, work, following=None):
        self.name = name
        self.work = work
        self.following = following
        self.waiting = False
        self.done = 0

    def run(self, queue):
        self.done += 1
        if self.work is None or self.waiting:
            return self.following
        return self.step(queue)

    def step(self, queue):
        raise NotImplementedError

    @property
    def is_idle(self):
        return self.waiting or not self.work


class Worker(Task):
    kind = "worker"

    def step(self, queue):
        self.work.append(len(self.work) % 5)
        if len(self.work) > 8:
            self.work.clear()
            queue.append(self)
        return self.following


class Idler(Task):
    kind = "idler"

    def __init__(self, name, work, following=None):
        super().__init__(name, work, following)
        self.turn = 1

    def step(self, queue):
        self.turn = self.turn * 1103515245 + 12345 & 0x7FFFFFFF
        self.waiting = bool(self.turn & 64)
        return self.following


@kernel
def tasks(n=15_000):
    queue, last = [], None
    for number in range(6):
        kind = Worker if number % 2 else Idler
        last = kind(f"t{number}", [number], last)
    task, first = last, last
    for _ in range(n):
        task = task.run(queue)
        if task is None:
            task = first
        if task.is_idle and isinstance(task, Idler):
            task.waiting = False
        if len(queue) > 20:
            del queue[:10]
    return first.done


@kernel
def calls(n=5_000):
    def add(a, b=2, *, c=3):
        return a + b + c

    def many(*args, **words):
        return len(args) + len(words)

    def counter():
        count = 0

        def up():
            nonlocal count
            count += 1
            return count

        return up

    up, total = counter(), 0
    half = functools.partial(add, c=1)
    for i in range(n):
        total += add(i) + add(i, 1) + add(i, c=4) + up()
        total += many(i, total, key=i) + half(i)
        total += max(i, 3) + abs(-i) + len(str(i))
    return total


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


@kernel
def recursion():
    return fibonacci(23)


def tree(depth):
    if depth:
        yield from tree(depth - 1)
        yield depth
        yield from tree(depth - 1)


@kernel
def generators(n=13):
    total = sum(x * 2 for x in tree(n))
    total += sum(1 for _ in zip(tree(8), itertools.count()))
    sent = (lambda: (yield (yield 1)))()
    next(sent)
    for chunk in iter(lambda it=iter(range(3000)): list(itertools.islice(it, 7)), []):
        total += len(chunk)
    return total


@kernel
def comprehensions(n=500):
    for _ in range(n):
        squares = [i * i for i in range(40)]
        even = {i for i in squares if not i % 2}
        index = {str(i): i for i in even}
        picked = [value for key, value in index.items() if key in index and value > 3]
        flat = [x for row in [picked, squares] for x in row]
        any(x > 1e9 for x in flat)
    return flat


@kernel
def dictionaries(n=8000):
    words = [f"word{i % 97}" for i in range(n)]
    count, groups = {}, collections.defaultdict(list)
    for at, word in enumerate(words):
        count[word] = count.get(word, 0) + 1
        groups[word[-1]].append(at)
        if word in groups:
            del groups[word]
    top = collections.Counter(words).most_common(5)
    merged = {**count, "other": 1} | dict(top)
    return sorted(merged.items(), key=lambda item: (-item[1], item[0]))


@kernel
def lists(n=9000):
    queue, heap = collections.deque(range(50)), []
    for i in range(n):
        queue.append(queue.popleft() + i)
        heap.append((i * 7919) % 1009)
        if len(heap) > 60:
            heap.sort()
            heap = heap[10:-10]
        heap.extend(queue.copy() if i % 50 == 0 else ())
        heap.reverse()
    return sorted(heap, key=operator.neg)[:10]


@kernel
def strings(n=2500):
    lines, out = [], []
    for i in range(n):
        lines.append("%s=%d; " % (string.ascii_lowercase[i % 26], i) + f"{i:>6}|{i / 7:.3f}|{i!r}")
    text = "\n".join(lines)
    for line in text.split("\n"):
        key, _, value = line.partition("=")
        value = value.strip().replace("|", ",").upper()
        if value.startswith("1") or key in "aeiou":
            out.append(value[::-1])
        else:
            out.append(value.encode("utf-8").decode("latin-1"))
    return len("".join(out)) + text.count("|") + text.find("zzz")


@kernel
def expressions(n=60):
    pattern = re.compile(r"(?P<name>[a-z_]\w*)\s*=\s*(?P<value>\d+(?:\.\d+)?|\"[^\"]*\");?", re.I)
    text = 'alpha = 12; beta="some text"; _gamma = 3.25; Delta=7;\n' * 6
    total = 0
    for _ in range(n):
        total += sum(len(match["name"]) for match in pattern.finditer(text))
        total += len(re.sub(r"\b(\w)(\w*)", lambda m: m[1].upper() + m[2], text))
        total += len(re.split(r"[;\n]+", text))
    return total


@kernel
def documents(n=60):
    value = {"id": 17, "name": "caf\u00e9 \u2603", "tags": ["a", "b", "long tag"] * 5, "ok": True, "none": None,
             "points": [{"x": i / 3, "y": -i, "label": f"p{i}"} for i in range(20)]}
    for i in range(n):
        text = json.dumps(value, indent=2 if i % 4 == 0 else None, sort_keys=i % 3 == 0)
        again = json.loads(text)
        json.loads(json.dumps(again, ensure_ascii=False))
    return len(text)


@kernel
def exceptions(n=15000):
    count = 0
    for i in range(n):
        try:
            if i % 3 == 0:
                raise ValueError(i)
            {}[i]
        except ValueError as error:
            count += error.args[0]
        except (KeyError, IndexError):
            count -= 1
        finally:
            count += 2
    return count


class Shape:
    def __init__(self, **words):
        self.__dict__.update(words)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return 0

    def __len__(self):
        return len(self.__dict__)

    def __getitem__(self, key):
        return self.__dict__[key]

    def __contains__(self, key):
        return key in self.__dict__

    def __iter__(self):
        return iter(self.__dict__)

    @classmethod
    def of(cls, size):
        return cls(size=size, name=str(size))

    @staticmethod
    def unit():
        return 1


@kernel
def shapes(n=1500):
    total = 0
    for i in range(n):
        shape = Shape.of(i)
        total += shape.size + len(shape) + shape["size"] + Shape.unit() + shape.missing
        total += sum(1 for _ in shape) + ("name" in shape) + hasattr(shape, "_hidden")
        setattr(shape, "size", getattr(shape, "other", 3))
    return total


def deep(value, memo):
    key = id(value)
    if key in memo:
        return memo[key]
    kind = type(value)
    if kind in (int, str, float, bool):
        return value
    if kind is list:
        made = memo[key] = []
        for item in value:
            made.append(deep(item, memo))
    elif kind is dict:
        made = memo[key] = {}
        for name, item in value.items():
            made[deep(name, memo)] = deep(item, memo)
    else:
        made = memo[key] = tuple([deep(item, memo) for item in value])
    return made


@kernel
def copies(n=120):
    value = {"list": [1, 2, (3, 43)], "text": ["a", "b"], "deep": {str(i): [i, {"x": i}] for i in range(20)}}
    for _ in range(n):
        made = deep(value, {})
    return made


@kernel
def matching(n=6000):
    total = 0
    for i in range(n):
        match (i % 4, i):
            case (0, x):
                total += x
            case (1, x) if x > 100:
                total -= 1
            case (kind, _):
                total += kind
        match {"kind": "point", "x": i}:
            case {"kind": "line"}:
                total += 2
            case {"kind": "point", "x": x}:
                total += x
    return total


@kernel
def dates(n=9000):
    day, step, total = datetime.datetime(2024, 2, 28, 12, 30), datetime.timedelta(hours=7, minutes=13), 0
    for i in range(n):
        day += step
        total += day.day + day.weekday()
        if i % 10 == 0:
            total += len(day.isoformat()) + (datetime.datetime.fromisoformat(day.isoformat()) - day).days
            total += len(day.strftime("%Y-%m-%d %H:%M"))
    return total


@kernel
def bits(n=30_000):
    board, total, table = 0x0F0F_F0F0_1234, 0, {}
    for i in range(n):
        low = board & -board
        board = (board >> 1) | ((board ^ low) & 1) << 47
        total += low.bit_length()
        table[i & 1023] = total
        total ^= hash((i, low)) & 15
    big = 3 ** 600
    for i in range(200):
        big = big * 7 // 5 + i
    return total + len(str(big))


@kernel
def managers(n=5000):
    class Guard:
        def __init__(self):
            self.depth = 0

        def __enter__(self):
            self.depth += 1
            return self

        def __exit__(self, *details):
            self.depth -= 1
            return False

    guard, total = Guard(), 0
    for i in range(n):
        with guard as held, held:
            total += held.depth
        slot = slice(i % 5, None, 2)
        total += len("abcdefgh"[slot]) + [1, 2, 3][-1] + (i if i is not None else 0)
        del slot
    return total


def main(rounds):
    for _ in range(rounds):
        for function in KERNELS:
            function()


if __name__ == "__main__":
    import sys

    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
