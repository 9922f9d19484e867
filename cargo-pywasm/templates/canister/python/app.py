"""What this canister decides. Rust keeps the state and speaks Candid."""


def greet(name):
    return f"Hello, {name}!"


def next_count(count):
    """Rust asks for it before it stores it."""
    return count + 1
