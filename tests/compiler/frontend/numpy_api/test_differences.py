"""Differences, slopes and integrals."""

import numpy as np
import pytest

from gradc import TypeRuleError, compile_grad

from .agreement import assert_agrees, table
from .test_reductions import B, M, N, T, V, W

X = np.array([0.5, 1.0, 2.5, 3.0])
CASES = [
    (np.diff, V),
    (np.diff, M, 1, 0),
    (np.diff, T, 2),
    (np.diff, V, 3),
    (np.diff, V, 5),
    (np.diff, N),
    (np.diff, B),
    (np.diff, W),
    (np.diff, V, 0),
    (lambda x: np.diff(x, prepend=0), V),
    (lambda x: np.diff(x, axis=0, append=1.5), M),
    (lambda x, y: np.diff(x, prepend=y, append=y), M, M[:, :1]),
    (lambda x: np.diff(x, prepend=0), N),
    (np.ediff1d, M),
    (np.ediff1d, N),
    (lambda x: np.ediff1d(x, to_begin=-99), V),
    (lambda x, y: np.ediff1d(x, y, 1.5), V, M),
    (lambda x: np.ediff1d(x, to_begin=[1, 2], to_end=3), N),
    (np.trapezoid, V),
    (np.trapezoid, N),
    (np.trapezoid, T),
    (np.trapezoid, W),
    (lambda x: np.trapezoid(x, dx=0.5, axis=0), T),
    (np.trapezoid, T, X),
    (lambda y, x: np.trapezoid(y, x, axis=1), T, V),
    (lambda y, x: np.trapezoid(y, x, axis=0), T, np.cos(T)),
    (np.trapezoid, V, np.array([1, 2, 4])),
    (np.gradient, V),
    (np.gradient, W),
    (np.gradient, np.array([1, 2, 4, 3])),
    (np.gradient, T[0]),
    (np.gradient, V, 0.5),
    (np.gradient, T, 0.5, 2.0, 3.0),
    (np.gradient, T[0, 0], X),
    (np.gradient, W, V),
    (np.gradient, T[0, 0], X * X),
    (np.gradient, T[0], V[:3], X),
    (lambda x: np.gradient(x, axis=1), T),
    (lambda x: np.gradient(x, axis=(2, 1)), T),
    (lambda x: np.gradient(x, 0.5, axis=-1), T),
    (lambda x: np.gradient(x, edge_order=2), T[0, 0]),
    (lambda x: np.gradient(x, 0.25, axis=1, edge_order=2), T),
    (lambda x, at: np.gradient(x, at, axis=2, edge_order=2), T, X),
    (lambda x, at: np.gradient(x, at, edge_order=2), V, np.array([1.0, 1.5, 3.5])),
    (lambda x, h: np.gradient(x, h), V, np.float64(0.5)),
    (lambda x: np.gradient(x), np.array([1.0, 3.0])),
]


@table(CASES)
def test_agrees(function, args):
    assert_agrees(function, *args)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.diff(x, -1), "non-negative"),
        (lambda x: np.diff(np.sum(x)), "at least one"),
        (lambda x: np.gradient(x[0, :1]), "too small"),
        (lambda x: np.gradient(x, 1.0, 2.0), "number of arguments"),
        (lambda x: np.gradient(x, edge_order=3), "edge_order"),
        (lambda x: np.ediff1d(x > 0, to_end=0.5), "subtract|cast"),
    ],
)
def test_what_numpy_refuses_is_refused(function, words):
    with pytest.raises(TypeRuleError, match=words):
        compile_grad(function)(T)
