"""What this canister decides. Rust keeps the state and speaks Candid."""

import datetime
import decimal
import hashlib
import json
import math
import os
import random
import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from enum import Enum

NOTES = "/notes"


def greet(name):
    print(f"greeting {name}")
    return f"Hello, {name}!"


def next_count(count):
    """A rule that Rust asks before it stores: even numbers only, say."""
    return count + 2


def summarize(text):
    """JSON in, JSON out: how often each word of `text` stands in it."""
    request = json.loads(text)
    words = re.findall(r"[^\W\d_]+", request["text"].lower())
    common = Counter(words).most_common(request.get("top", 3))
    return json.dumps({"words": len(words), "common": dict(common)}, ensure_ascii=False)


def dates(text):
    """The days that a text names, as ISO 8601."""
    found = re.finditer(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", text)
    days = (datetime.date(int(it["year"]), int(it["month"]), int(it["day"])) for it in found)
    return [day.isoformat() for day in days]


def interest(principal, percent, years):
    """Compound interest to the cent, which no float can."""
    with decimal.localcontext(prec=34):
        factor = (1 + decimal.Decimal(percent) / 100) ** years
        return str((decimal.Decimal(principal) * factor).quantize(decimal.Decimal("0.01")))


def withdraw(balance, amount):
    if amount > balance:
        raise ValueError(f"{amount} are more than the {balance} that are there")
    return balance - amount


def write_note(name, text):
    if not re.fullmatch(r"[\w-]{1,64}", name):
        raise ValueError(f"{name!r} is no name for a note")
    os.makedirs(NOTES, exist_ok=True)
    with open(f"{NOTES}/{name}", "w", encoding="utf-8") as file:
        file.write(text)


def read_note(name):
    try:
        with open(f"{NOTES}/{name}", encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def notes():
    return sorted(os.listdir(NOTES)) if os.path.isdir(NOTES) else []


class Size(Enum):
    SMALL = "Small"
    LARGE = "Large"


@dataclass
class Circle:
    radius: float

    def area(self):
        return math.pi * self.radius**2


@dataclass
class Rectangle:
    width: float
    height: float

    def area(self):
        return self.width * self.height


@dataclass
class Polygon:
    points: list[tuple[float, float]]

    def area(self):
        pairs = zip(self.points, self.points[1:] + self.points[:1])
        return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


SHAPES = {"Circle": Circle, "Rectangle": Rectangle, "Polygon": Polygon}


def measure(kind, fields):
    shape = SHAPES[kind](**fields)
    area = round(shape.area(), 6)
    size = Size.SMALL if area < 100 else Size.LARGE
    return {"name": repr(shape), "area": area, "size": size.value}


def now():
    """The time of the block, and what Python makes of it."""
    at = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    return at.isoformat(timespec="seconds")


def seed(entropy):
    random.seed(entropy)


def roll(sides, times):
    return [random.randint(1, sides) for _ in range(times)]


def ticket(text):
    """An identifier of its own, and the digest of what it is for."""
    return str(uuid.uuid4()), hashlib.sha256(text.encode()).hexdigest()
