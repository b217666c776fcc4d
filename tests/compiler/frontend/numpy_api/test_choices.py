"""np.where, clip, select, piecewise: as in NumPy, with slopes."""

import numpy as np
import pytest

from gradc import TypeRuleError, compile_grad

from .agreement import assert_agrees, table

X = np.array([0.31, -1.57, 2.25])
M = np.arange(6.0).reshape(2, 3) * 1.3 - 2.2
N = np.array([[3, 1, 2], [0, 5, 4]])
S = np.float64(1.4)

CASES = [
    (lambda x: np.select([x > 0, x < -1], [x, x**2]), X),
    (lambda x: np.select([x > 0, x < -1], [x, 1], 5), M),
    (lambda x: np.select([x > 2, x < 1], [x, x * 2], -1), N),
    (lambda x: np.select([x > 0], [x], 0.5), X.astype(np.float32)),
    (lambda x, y: np.select([x > 0, y > 0], [x, y]), X, M),
    (lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda x: -x, lambda x: x**2]), X),
    (lambda x: np.piecewise(x, [x < 0], [-1, 1]), X),
    (lambda x: np.piecewise(x, [x < 0], [lambda x: x * x]), M),
    (lambda x: np.piecewise(x, x < 0, [np.sin, np.sqrt]), X),
    (lambda x: np.piecewise(x, [x < 0], [lambda x, k: x * k, lambda x, k: x + k], 3.0), M),
    (lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda x: -x, lambda x: x**2]), S),
    (lambda x: np.piecewise(x, [x < 2], [7, 8]), N),
    (lambda x, y: np.where(x > 0, x, y), X, M),
    (lambda x: np.clip(x, -1, 1), M),
    (lambda x: x.clip(0, 3), N),
    (lambda x: x.astype(np.float32), X),
]


@table(CASES)
def test_as_in_numpy(function, args):
    assert_agrees(function, *args)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.select([x > 0], [x, x]),
        lambda x: np.select([], []),
        lambda x: np.select([x], [x]),
        lambda x: np.piecewise(x, [x > 0, x < 0], [1]),
    ],
)
def test_mistakes_are_those_of_numpy(call):
    with pytest.raises((TypeError, ValueError)) as expected:
        call(X)
    with pytest.raises((TypeRuleError, ValueError)) as found:
        compile_grad(call)(X)
    assert str(expected.value).split(":")[0] in str(found.value)
