"""An ordinary Python module, embedded in the reactor."""

total = 0


def add(number):
    global total
    total += number
    return total
