"""Convolution, correlation and polynomials."""

import itertools

import numpy as np
import pytest

from gradc import TypeRuleError, compile_grad

from .agreement import assert_agrees, table
from .test_reductions import M, N, S, T, V, W

A = np.array([0.5, -1.5, 2.0, 0.25, 3.0, -0.75])
PAIRS = [(A, V), (V, A), (A, A[:2]), (A[:2], A), (V, V), (A, A[:1]), (A[:4], A[1:5])]
CASES = [
    *(
        (lambda a, v, f=function, m=mode: f(a, v, m), a, v)
        for function in (np.convolve, np.correlate)
        for mode in ("full", "same", "valid")
        for a, v in PAIRS
    ),
    (np.convolve, V, W),
    (np.convolve, N[0], N[1]),
    (np.convolve, N[0], V),
    (np.convolve, V, S),
    (np.correlate, A, V),
    (np.convolve, W, W[:2]),
    (lambda x: np.convolve(x, [1, 2, 1], "same"), A),
    (np.polyval, V, M),
    (np.polyval, V, S),
    (np.polyval, N[0], N),
    (np.polyval, N[0], M),
    (np.polyval, W, W),
    (np.polyval, V[:1], M),
    (lambda x: np.polyval([3, 0, 1], x), M),
    (np.polyadd, A, V),
    (np.polysub, V, A),
    (np.polyadd, V, N[0]),
    (np.polysub, W, S),
    (np.polyder, A),
    (np.polyder, A, 2),
    (np.polyder, N[0]),
    (np.polyder, V, 4),
    (np.polyint, A),
    (lambda p, k: np.polyint(p, 2, [1.0, k]), V, S),
    (lambda p: np.polyint(p, 2, 3), N[0]),
    (np.polynomial.polynomial.polyval, M, V),
    (np.polynomial.polynomial.polyval, S, N[0]),
    (np.polynomial.polynomial.polyval, M, T[0]),
    (lambda x, c: np.polynomial.polynomial.polyval(x, c, tensor=False), V, M),
    (np.vander, V),
    (np.vander, N[0]),
    (np.vander, W),
    (lambda x: np.vander(x, 2), V),
    (lambda x: np.vander(x, 5, increasing=True), V),
    (lambda x: np.vander(x, 0), V),
    (lambda x: np.vander(x, 1), V),
]


@table(CASES)
def test_agrees(function, args):
    assert_agrees(function, *args)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.convolve(x, x[:0]), "empty"),
        (lambda x: np.convolve(x, x, "most"), "mode"),
        (lambda x: np.correlate(x, x, "most"), "mode"),
        (lambda x: np.convolve(x[None], x), "vectors"),
        (lambda x: np.vander(x[None]), "one-dimensional"),
    ],
)
def test_what_numpy_refuses_is_refused(function, words):
    with pytest.raises(TypeRuleError, match=words):
        compile_grad(function)(V)


ROWS = np.sin(np.arange(24.0) + 0.5).reshape(2, 3, 4)
ALONG = [
    lambda row: np.sum(row * row),
    lambda row: np.cumsum(row),
    lambda row: row[:2, None] * row[None, :3],
    lambda row: row[0] > row[1],
    np.sort,
]


@pytest.mark.parametrize(("number", "axis"), list(itertools.product(range(5), (0, 1, -1))))
def test_apply_along_axis(number, axis):
    assert_agrees(lambda x: np.apply_along_axis(ALONG[number], axis, x), ROWS)


def test_apply_along_the_axis_of_a_vector():
    assert_agrees(lambda x: np.apply_along_axis(lambda row: row * 2, 0, x), V)
    assert_agrees(lambda x: np.apply_along_axis(np.convolve, 1, x, [1.0, 2.0], mode="same"), M)


def test_apply_over_axes():
    assert_agrees(lambda x: np.apply_over_axes(np.sum, x, [0, 2]), ROWS)
    assert_agrees(lambda x: np.apply_over_axes(np.cumsum, x, 1), ROWS)
