"""Programs cut into the parts of their seeds."""

from typing import Any

import numpy as np
import pytest

import gradc

TIMES = np.linspace(0.0, 1.0, 5)


@pytest.mark.parametrize("options", [{}, {"every": 2}, {"every": 9}, {"checkpoint": "sqrt"}])
def test_parts_have_rooms_of_their_own(options: Any) -> None:
    """The loops of both seeds fill what a scan stacks: each has a room for it, made once."""

    def loss(p: Any, y: Any) -> Any:
        step = lambda y, t: (y * p * np.exp(t), y)  # noqa: E731
        _, rows = gradc.scan(step, y, TIMES, **options)
        return np.sum(rows**2)

    def straight(p: Any, y: Any) -> Any:
        total = 0.0
        for t in TIMES:
            total += y**2
            y = y * p * np.exp(t)
        return total

    wanted = gradc.compile_grad(straight, wrt=("p", "y")).hessian(0.5, 0.4)
    actual = gradc.compile_grad(loss, wrt=("p", "y")).hessian(0.5, 0.4)
    np.testing.assert_allclose(actual, wanted, rtol=1e-13)
    by_modes = gradc.func.jacfwd(gradc.func.jacrev(loss, argnums=(0, 1)), argnums=(0, 1))
    np.testing.assert_allclose(by_modes(0.5, 0.4), wanted, rtol=1e-13)
