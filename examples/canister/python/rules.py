"""The rules of the canister. Rust keeps the state and implements the Candid interface."""

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
    """Returns the value that Rust stores after `count`: even numbers only."""
    return count + 2


def summarize(text):
    """Counts the words of a text. Request and result are JSON."""
    request = json.loads(text)
    words = re.findall(r"[^\W\d_]+", request["text"].lower())
    common = Counter(words).most_common(request.get("top", 3))
    return json.dumps({"words": len(words), "common": dict(common)}, ensure_ascii=False)


def dates(text):
    """Finds dates such as 24.12.2026 and returns them in ISO 8601 format."""
    found = re.finditer(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", text)
    days = (datetime.date(int(it["year"]), int(it["month"]), int(it["day"])) for it in found)
    return [day.isoformat() for day in days]


def interest(principal, percent, years):
    """Returns principal plus compound interest, exact to the cent for large amounts."""
    with decimal.localcontext(prec=34):
        factor = (1 + decimal.Decimal(percent) / 100) ** years
        return str((decimal.Decimal(principal) * factor).quantize(decimal.Decimal("0.01")))


def withdraw(balance, amount):
    if amount > balance:
        raise ValueError(f"cannot withdraw {amount}: the balance is {balance}")
    return balance - amount


def write_note(name, text):
    if not re.fullmatch(r"[\w-]{1,64}", name):
        raise ValueError(f"{name!r} is not a valid note name")
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
    """Returns the time of the block in UTC."""
    at = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    return at.isoformat(timespec="seconds")


def seed(entropy):
    random.seed(entropy)


def roll(sides, times):
    return [random.randint(1, sides) for _ in range(times)]


def ticket(text):
    """Returns a random identifier and the digest of `text`."""
    return str(uuid.uuid4()), hashlib.sha256(text.encode()).hexdigest()
