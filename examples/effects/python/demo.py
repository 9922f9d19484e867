"""Shows programs that perform effects, and handlers that decide what the effects mean."""

from dataclasses import dataclass

from effects import (
    Delegate, Effect, Gather, Modify, Pause, Race, Resume, Spawn, Store, Tell, Transfer,
    WithHandler, run,
)


@dataclass(frozen=True)
class Fetch(Effect):
    """Requests the text at an address. A handler decides where it comes from."""

    address: str


@dataclass(frozen=True)
class Missing(Effect):
    """Reports that there is no text at an address. A handler decides what to do."""

    address: str


def fetch_from(pages):
    """A handler that fetches from a dict. For a missing page it performs `Missing`."""

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
    """A program that requests a text, takes some time, and returns the length of the text."""
    text = yield Fetch(address)
    for _ in range(turns):
        yield Pause()
    yield Modify("pages", lambda pages: pages + 1)
    yield Tell(f"{address} has {len(text)} characters")
    return len(text)


def all_lengths(addresses):
    """A program that runs tasks. Each task inherits the handlers of this program."""
    tasks = []
    for address in addresses:
        tasks.append((yield Spawn(length_of(address, turns=1))))
    return (yield Gather(*tasks))


def fastest(address):
    slow = yield Spawn(length_of(address, turns=100))
    fast = yield Spawn(length_of(address, turns=2))
    return (yield Race(slow, fast))


def give_up(effect, k):
    """A handler that does not resume: its result replaces that of the program."""
    match effect:
        case Missing(address):
            yield Tell(f"{address} is missing")
            return None
        case _:
            yield Delegate()


def empty_page(effect, k):
    """A handler that resumes with an empty text. It logs this after the program has finished."""
    match effect:
        case Missing(address):
            result = yield Resume(k, "")
            yield Tell(f"{address} was treated as empty")
            return result
        case _:
            yield Delegate()


def main():
    web = fetch_from({"/": "welcome", "/about": "an example"})
    for missing in give_up, empty_page:
        program = WithHandler(web, all_lengths(["/", "/about", "/nowhere"]))
        print(missing.__name__, (yield WithHandler(missing, program)))
    print("fastest", (yield WithHandler(web, fastest("/about"))))


store = Store(state={"pages": 0})
run(main(), store)
print(store.state)
print(*store.log, sep="\n")
