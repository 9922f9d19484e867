"""Programs say what they want; handlers decide what that means."""

from dataclasses import dataclass

from effects import (
    Delegate, Effect, Gather, Modify, Pause, Race, Resume, Spawn, Store, Tell, Transfer, WithHandler,
    run,
)


@dataclass(frozen=True)
class Fetch(Effect):
    """The text behind an address. How to get it is not this program's business."""

    address: str


@dataclass(frozen=True)
class Missing(Effect):
    """There is nothing at this address."""

    address: str


def fetched(pages):
    """A handler that fetches from a dict; who has no such page gets what `Missing` gives."""

    def handler(effect, k):
        match effect:
            case Fetch(address) if address in pages:
                yield Transfer(k, pages[address])
            case Fetch(address):
                yield Transfer(k, (yield Missing(address)))
            case _:
                yield Delegate()

    return handler


def length_of(address, turns):
    """A program: it asks for a text, is slow, and counts."""
    text = yield Fetch(address)
    for _ in range(turns):
        yield Pause()
    yield Modify("pages", lambda pages: pages + 1)
    yield Tell(f"{address} has {len(text)} characters")
    return len(text)


def all_lengths(addresses):
    """Every task has the handlers of the program that spawned it."""
    tasks = []
    for address in addresses:
        tasks.append((yield Spawn(length_of(address, turns=1))))
    return (yield Gather(*tasks))


def fastest(address):
    slow = yield Spawn(length_of(address, turns=100))
    fast = yield Spawn(length_of(address, turns=2))
    return (yield Race(slow, fast))


def give_up(effect, k):
    """Without resuming: its own result is the result of what it is around."""
    match effect:
        case Missing(address):
            yield Tell(f"{address} is missing")
            return None
        case _:
            yield Delegate()


def empty_page(effect, k):
    """Goes on with an empty text, and says so when all is done."""
    match effect:
        case Missing(address):
            result = yield Resume(k, "")
            yield Tell(f"{address} was taken for empty")
            return result
        case _:
            yield Delegate()


def main():
    web = fetched({"/": "welcome", "/about": "an example"})
    for missing in give_up, empty_page:
        program = WithHandler(web, all_lengths(["/", "/about", "/nowhere"]))
        print(missing.__name__, (yield WithHandler(missing, program)))
    print("fastest", (yield WithHandler(web, fastest("/about"))))


store = Store(state={"pages": 0})
run(main(), store)
print(store.state)
print(*store.log, sep="\n")
