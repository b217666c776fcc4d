"""A case's value and gradient against the plain call."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from gradc import compile_grad

from ..references import tree_leaves, tree_map
from .case import Case

# As in references: fourth-order differences, truncation and rounding both near 1e-11.
STEP = 1e-4


def is_differentiable(leaf: Any) -> bool:
    """Whether a leaf of the result carries a gradient."""
    return np.asarray(leaf).dtype.kind == "f"


def value_of(outputs: Any) -> Any:
    """Return one number of all outputs, weighted such that errors do not cancel."""
    total = 0.0
    for leaf in tree_leaves(outputs):
        if is_differentiable(leaf):
            total = total + np.sum(np.cos(np.arange(np.size(leaf)).reshape(np.shape(leaf))) * leaf)
    return total


def slope(value: Callable[[float], float]) -> float:
    """Return the slope of a value at zero, by fourth-order central differences."""
    near = (value(STEP) - value(-STEP)) / (2 * STEP)
    far = (value(2 * STEP) - value(-2 * STEP)) / (4 * STEP)
    return (4 * near - far) / 3


def shrunk(tree: Any) -> Any:
    """Return other numbers, which serve wherever the first ones did."""
    return tree_map(lambda leaf: leaf * 0.97, tree)


def compare(case: Case) -> None:
    """Compile a case's function; its value and gradient must be those of the plain call."""
    function = case.function()

    def scalar(wanted: list[Any], others: list[Any]) -> Any:
        args = list(others)
        for position, one in zip(case.wrt, wanted, strict=True):
            args[position] = one
        return value_of(function(*args, **case.options))

    compiled = compile_grad(function)
    moved = [shrunk(one) if n in case.wrt else one for n, one in enumerate(case.args)]
    for args in (case.args, moved):  # the second call finds the first one's code
        expected = tree_leaves(function(*copy.deepcopy(args), **case.options))
        actual = tree_leaves(compiled(*copy.deepcopy(args), **case.options))
        assert len(actual) == len(expected)
        for got, wanted in zip(actual, expected, strict=True):
            assert np.asarray(got).dtype == np.asarray(wanted).dtype
            assert np.shape(got) == np.shape(wanted)
            np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)

    start = [case.args[position] for position in case.wrt]
    others = [None if n in case.wrt else one for n, one in enumerate(case.args)]
    gradient = compile_grad(scalar).grad(copy.deepcopy(start), copy.deepcopy(others))
    rng = np.random.default_rng(7)
    direction = tree_map(lambda leaf: rng.normal(size=np.shape(leaf)), start)
    found = sum(
        float(np.sum(g * d))
        for g, d in zip(tree_leaves(gradient), tree_leaves(direction), strict=True)
    )

    def along(step: float) -> float:
        ways = iter(tree_leaves(direction))
        there = tree_map(lambda leaf: leaf + step * next(ways), start)
        return float(scalar(there, copy.deepcopy(others)))

    np.testing.assert_allclose(found, slope(along), rtol=1e-6, atol=1e-8)
