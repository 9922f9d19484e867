"""The Python part: an ordinary module, which the reactor has inside."""

total = 0


def add(number):
    global total
    total += number
    return total
