"""Functions of what lies outside, run beside themselves by plain NumPy while that changes."""

from typing import Any

import numpy as np

from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])


class Model:
    """Arrays, numbers, containers, and objects in objects."""

    scale = 2.0

    def __init__(self, w: Any = None) -> None:
        self.w = X.copy() if w is None else w
        self.bias = 1.0
        self.parts = {"a": np.ones(3), "b": [2.0, np.zeros(3)]}
        self.inner: Any = None


def check(function: Any, *changes: Any, compiles: int | None = None, x: Any = X) -> None:
    """After each change value and gradient are those of the function as it is then.

    Args:
        function: Linear in its argument, so that plain NumPy gives its gradient too.
        *changes: Each changes something outside.
        compiles: How many specialisations there are in the end.
        x: The argument.
    """
    compiled = compile_grad(function)
    for change in (lambda: None, *changes, lambda: None):
        change()
        zero = function(np.zeros_like(x))
        expected = [function(one) - zero for one in np.eye(x.size)]
        for _ in range(2):
            np.testing.assert_allclose(compiled(x), function(x), rtol=1e-12)
            np.testing.assert_allclose(compiled.grad(x), expected, rtol=1e-9, atol=1e-12)
    if compiles is not None:
        differentiated = [one for _, one in compiled.history if one.wanted is not None]
        assert len(differentiated) == compiles
