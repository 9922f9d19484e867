"""A test asserts that line 7 of this file is in a traceback."""


def fail():
    # Not in the list `freeze`: embedded because this package imports it.
    import heapq
    raise ValueError(heapq.nsmallest(1, [2, 1]))
