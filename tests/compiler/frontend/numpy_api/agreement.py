"""Whether a captured function does what NumPy does: values, types, first and second slopes.

Slopes are taken of sum(weight * sin(output)), along one random direction, so that the function
itself needs not be nonlinear for the second order to say something.
"""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.frontend.tracer import Tracer

from gradc import compile_grad, func

STEP = 1e-5
# Central differences at this step: truncation 1e-10, rounding 1e-16 / 1e-5 times the value.
TOLERANCE = {"rtol": 1e-6, "atol": 1e-7}


def leaves_of(results: Any) -> list[Any]:
    """Return the arrays of nested tuples and lists in order."""
    if isinstance(results, tuple | list):
        return [leaf for one in results for leaf in leaves_of(one)]
    return [results]


def assert_same(got: Any, expected: Any) -> None:
    """Check structure, shape, dtype, and values up to a few roundings."""
    if isinstance(expected, tuple | list):
        assert type(got) is type(expected)
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
        return
    got, expected = np.asarray(got), np.asarray(expected)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    tolerance = 1e-5 if expected.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def is_array(one: Any) -> bool:
    """Whether an argument is traced by these tests."""
    return isinstance(one, np.ndarray | np.generic | Tracer)


def assert_agrees(function: Any, *args: Any) -> None:
    """Check a function of arrays (traced) and other things (static) against itself run by NumPy."""
    arrays = [one for one in args if is_array(one)]

    def call(arrays: Any) -> Any:
        rest = iter(arrays)
        return function(*(next(rest) if is_array(one) else one for one in args))

    copies = [np.copy(one) if isinstance(one, np.ndarray) else one for one in arrays]
    expected = call(copies)
    assert_same(compile_grad(call)(arrays), expected)
    floats = [i for i, one in enumerate(arrays) if np.asarray(one).dtype.kind == "f"]
    outputs = [np.asarray(one) for one in leaves_of(expected)]
    if floats and any(out.dtype.kind == "f" and out.size for out in outputs):
        assert_slopes(call, arrays, floats, outputs)


def assert_slopes(call: Any, arrays: Any, floats: list[int], outputs: Any) -> None:
    """Check gradients of first and second order against differences, in double precision."""
    rng = np.random.default_rng(7)
    weights = [rng.normal(size=out.shape) for out in outputs]

    def loss(wanted: Any, others: Any) -> Any:
        rest = iter(others)
        whole = iter(wanted)
        given = [next(whole) if i in floats else next(rest) for i in range(len(arrays))]
        pairs = zip(weights, leaves_of(call(given)), strict=True)
        # What is float32 whatever comes in has no differences to speak of.
        return sum(
            (
                np.sum(w * np.sin(out))
                for w, out in pairs
                if getattr(out, "dtype", None) == np.float64
            ),
            start=0.0 * np.sum(wanted[0]),
        )

    start = [np.array(arrays[i], float) for i in floats]
    others = [one for i, one in enumerate(arrays) if i not in floats]
    direction = [rng.normal(size=one.shape) for one in start]

    def along(function: Any) -> float:
        ends = [
            function([one + s * STEP * way for one, way in zip(start, direction, strict=True)])
            for s in (1, -1)
        ]
        return float((ends[0] - ends[1]) / (2 * STEP))

    def dot(gradients: Any) -> Any:
        return sum(np.sum(g * way) for g, way in zip(gradients, direction, strict=True))

    gradient = func.grad(loss)
    first = gradient(start, others)
    np.testing.assert_allclose(dot(first), along(lambda at: loss(at, others)), **TOLERANCE)
    second = func.grad(lambda wanted, others: dot(gradient(wanted, others)))(start, others)
    expected = along(lambda at: dot(gradient(at, others)))
    np.testing.assert_allclose(dot(second), expected, **TOLERANCE)


def table(cases: Any) -> Any:
    """Return the parameters of a list of (function, *args); equal labels are numbered."""
    found = []
    for number, (function, *args) in enumerate(cases):
        label = getattr(function, "__name__", "case").strip("<>")
        found.append(pytest.param(function, args, id=f"{label}-{number}"))
    return pytest.mark.parametrize(("function", "args"), found)
