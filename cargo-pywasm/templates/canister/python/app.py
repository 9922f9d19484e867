"""Makes the canister's decisions; Rust keeps the state."""


def greet(name):
    return f"Hello, {name}!"


def next_count(count):
    """Returns the value that Rust stores after `count`."""
    return count + 1
