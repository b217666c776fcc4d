"""Stores that fill most of an array: how many loops there are, and the values all the same."""

import numpy as np
import pytest
from gradc.compiler.backends.llvm.steps import Nest

from gradc import compile_grad

from .test_inventory import program_of

X = np.random.default_rng(4).normal(size=(40, 50))


def nests(function, *specs):
    steps = program_of(function, *specs).section.plan.steps
    return [step for step in steps if isinstance(step, Nest)]


def framed(x):
    """What is stored is read from the array by its neighbours, and on its own."""
    inner = np.tanh(x[1:-1, 1:-1]) * np.exp(x[1:-1, :-2])
    y = x.copy()
    y[1:-1, 1:-1] = inner
    return y, y[:-2, 1:-1] + inner


def replaced(x):
    """The inner part goes one way, the frame another."""
    y = np.sin(x) * np.cos(x)
    z = y.copy()
    z[1:-1, 1:-1] = 0.0
    return z, y[2:-1, 1:-1] * 2.0


def covered(x):
    """The part that is read is not all covered by the store: elements are needed by both."""
    y = np.sin(x) * np.cos(x)
    z = y.copy()
    z[1:-1, 1:-1] = 0.0
    return z, y[0:-1, 1:-1] * 2.0


@pytest.mark.parametrize("function", [framed, replaced, covered], ids=lambda one: one.__name__)
def test_values_are_those_of_numpy_code(function):
    native, reference = (compile_grad(function, backend=one) for one in ("llvm", "numpy"))
    for found, expected in zip(native(X), reference(X), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_what_is_stored_has_no_loops_of_its_own():
    """It is computed where it is stored to, and read from there."""
    assert [nest.shape for nest in nests(framed, "f8[40,50]")] == [(40, 50), (38, 48)]


def test_what_two_parts_are_made_of_is_not_stored():
    """Each element is computed once, by the part that it belongs to."""
    assert [len(nest.values) for nest in nests(replaced, "f8[40,50]")] == [1, 1]


def test_what_both_parts_read_is_stored():
    assert sum(len(nest.values) for nest in nests(covered, "f8[40,50]")) == 3
