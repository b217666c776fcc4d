"""Diagonals and triangles: values, types, slopes, and the read-only view."""

import numpy as np
import pytest

from gradc import CaptureError, GradcError, compile_grad, spec

from .agreement import assert_agrees, table

V = np.array([0.5, -1.5, 2.0])
M = np.arange(6.0).reshape(2, 3) - 2.25
N = np.array([[3, 1, 2], [0, 5, 4]])
T = np.arange(24.0).reshape(2, 3, 4) / 5
E = np.zeros((0, 3))
B = np.array([[True, False, True]])
Q = np.arange(9.0).reshape(3, 3) / 3

CASES = [
    *((np.diagonal, M, k) for k in (0, 1, -1, 2, 5)),
    (np.diagonal, T, 1, 2, 0),
    (np.diagonal, T, 0, -2, -1),
    (np.diagonal, E),
    (np.diagonal, N),
    (lambda x: x.diagonal(axis1=1, axis2=2), T),
    (lambda x: np.linalg.diagonal(x, offset=-1), T),
    *((np.diag, V, k) for k in (0, 1, -2)),
    *((np.diag, Q, k) for k in (0, 1, -2, 3)),
    (np.diag, N[0]),
    (np.diag, np.zeros(0)),
    (np.diagflat, M, 1),
    (np.diagflat, np.float64(2.0)),
    (np.trace, M),
    (np.trace, Q, 1),
    (np.trace, T, 0, 2, 1),
    (np.trace, N),
    (np.trace, B),
    (lambda x: np.trace(x, dtype=np.float32), Q),
    (lambda x: np.linalg.trace(x, offset=1), T),
    *((f, x, k) for f in (np.tril, np.triu) for x in (M, T, N, B) for k in (0, -1, 2)),
    (np.tril, V),
    (np.triu, E),
    (lambda x: x[np.tril_indices_from(x)], Q),
    (lambda x: x[np.triu_indices_from(x, 1)], M),
    (lambda x: x[np.diag_indices_from(x)], Q),
    (lambda x: x[np.tril_indices(3, -1)] * x[np.triu_indices(3, 1)], Q),
]


@table(CASES)
def test_agrees(function, args):
    assert_agrees(function, *args)


def _filled(value, wrap=False):
    def call(x):
        x = x * 2.0
        seen = x[0]
        np.fill_diagonal(x, value if not callable(value) else value(x), wrap)
        return x, seen

    return call


@pytest.mark.parametrize("array", [Q, M, np.arange(10.0).reshape(5, 2), T[:, :2, :2]])
@pytest.mark.parametrize("value", [1.5, [1.0, 2.0], lambda x: x[0, 1] ** 2, lambda x: x.sum(0)])
def test_fill_diagonal(array, value):
    assert_agrees(_filled(value), array)
    assert_agrees(_filled(3, wrap=True), array)


def test_the_diagonal_is_a_view():
    def call(x):
        x = x * 1.0
        shown, shifted = np.diagonal(x), np.diag(x, 1)
        x[1] = x[0] ** 2
        return shown, shifted * 1.0

    assert_agrees(call, Q)


@pytest.mark.parametrize("name", ["setitem", "augmented", "fill", "part"])
def test_the_diagonal_is_read_only(name):
    def call(x):
        shown = np.diagonal(x * 2)
        if name == "setitem":
            shown[0] = 1.0
        elif name == "augmented":
            shown += 1.0
        elif name == "fill":
            shown.fill(0.0)
        else:
            shown[1:][...] = 2.0
        return shown

    with pytest.raises((ValueError, TypeError), match="read-only"):
        call(Q)
    with pytest.raises(CaptureError, match="read-only"):
        compile_grad(call)(Q)


def test_what_is_returned_is_an_array_of_its_own():
    diagonal = compile_grad(lambda x: np.diagonal(x @ x))(Q)
    diagonal[0] = 1.0


def test_unknown_sizes():
    square = compile_grad(lambda x: np.sum(np.diagonal(x) ** 2) + np.trace(np.tril(x) @ x))
    assert "np.tril" in square.lower(spec("f8[n,n]")).numpy


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.diagonal(x, axis1=0, axis2=-2), "cannot be the same"),
        (lambda x: np.diagonal(x[0]), "at least two"),
        (lambda x: np.diag(x[None]), "1- or 2-d"),
        (lambda x: np.fill_diagonal(x[0] * 1, 0), "at least 2-d"),
    ],
)
def test_refused(function, words):
    with pytest.raises((GradcError, ValueError), match=words):
        compile_grad(function)(M)
