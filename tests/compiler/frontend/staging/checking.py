"""Functions with assertions; pytest would rewrite those of a test module."""

import numpy as np


def positive(x):
    """Message with values of the call."""
    assert np.all(x > 0), f"the smallest is {np.min(x):.2f} of {len(x)}"
    return np.sum(x)


def bare(x):
    """Without a message."""
    assert np.min(x) > 0
    return np.sum(x)


def nested(x):
    """In a helper, in a loop."""

    def check(value):
        assert value > 0, ("negative", value)

    for i in range(3):
        check(x[i])
    return np.sum(x)


def of_an_array(x):
    """Of an array with one element."""
    assert x[1:2] > 0
    return np.sum(x)


def of_the_shape(x):
    """Nothing of it depends on the numbers; the message fails where it is made for nothing."""
    assert x.ndim == 2, "a matrix, please" if x.ndim == 1 else None.missing
    return np.sum(x)


class State:
    """Counts."""

    def __init__(self):
        self.count = 0


def stores_then_asserts(x, state):
    """Changes an argument and an attribute before it fails."""
    x[0] = 7.0
    state.count += 1
    assert x[1] > 0
    return np.sum(x)
