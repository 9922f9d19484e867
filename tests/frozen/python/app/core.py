"""Line 7 of this file is in a traceback."""


def fail():
    # Imported in a function: inside because the code is ours.
    import heapq
    raise ValueError(heapq.nsmallest(1, [2, 1]))
