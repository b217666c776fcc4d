"""Whether a rewritten function does what it does as it is written: value and gradient."""

from typing import Any

import numpy as np

from gradc import compile_grad

STEP = 1e-5


def assert_agrees(function: Any, *args: Any, times: int = 2) -> None:
    """Compare a function compiled with itself run by Python and NumPy.

    The gradient, by the first argument, is compared with a central difference along one direction:
    truncation 1e-10, rounding 1e-16 / 1e-5 times the value.

    Args:
        function: Returns one float.
        *args: Its arguments; the first one is an array of floats or a float.
        times: How often it is called: the second call takes another way than the first.
    """
    compiled = compile_grad(function)
    direction = np.zeros_like(args[0], dtype=float)  # with the axes in memory as they are there
    direction[...] = np.random.default_rng(3).normal(size=np.shape(args[0]))
    for _ in range(times):
        expected = function(*args)
        slope = _difference(function, args, direction)
        np.testing.assert_allclose(compiled(*args), expected, rtol=1e-12)
        value, gradient = compiled.value_and_grad(*args)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-6, atol=1e-7)


def _difference(function: Any, args: Any, direction: Any) -> Any:
    first, rest = args[0], args[1:]
    ends = [function(first + sign * STEP * direction, *rest) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * STEP)
