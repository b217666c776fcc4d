"""Products of vectors and matrices: values, types and slopes."""

import numpy as np
import pytest

from gradc import GradcError, compile_grad

from .agreement import assert_agrees, assert_same, table

V = np.array([0.5, -1.5, 2.0])
W = np.array([2.0, 0.25, -1.0], np.float32)
M = np.arange(6.0).reshape(2, 3) / 4 - 0.6
N = np.array([[3, 1, 2], [0, 5, 4]])
T = np.arange(24.0).reshape(2, 3, 4) / 10 - 1
U = np.arange(12.0).reshape(4, 3) / 6 - 1
Q = np.arange(9.0).reshape(3, 3) / 8 - 0.5
E = np.zeros((0, 3))
S = np.float64(1.5)
B = np.array([[True, False, True], [False, False, True]])

CASES = [
    (np.dot, M, V),
    (np.dot, V, W),
    (np.dot, M, 2.0),
    (np.dot, S, S),
    (np.dot, T, T[0].T),
    (np.dot, M, T),
    (np.dot, B, B.T),
    (np.dot, N, M.T),
    (lambda x, y: x.dot(y), M, V),
    (lambda x: np.dot(x, [x[0], 1.0, 2.0]), V),
    (lambda x, y: x @ y, B, B.T),
    (lambda x, y: x @ y, B[0], B[1]),
    (lambda x, y: x @ y, N, M.T),
    (lambda x, y: x @ y, E, Q),
    (np.linalg.matmul, T, U.T[:2].T @ np.eye(2, 5)),
    (np.outer, M, W),
    (np.outer, S, V),
    (np.outer, B, N),
    (np.linalg.outer, V, W),
    (np.inner, M, V),
    (np.inner, T, U.T @ np.eye(4, 4)[:, :4]),
    (np.inner, 2.0, M),
    (np.inner, B[0], B[1]),
    (np.vdot, M, N),
    (np.linalg.vecdot, M, N),
    (np.vecdot, M, V),
    (np.vecdot, V, W),
    (np.vecdot, B, B[0]),
    (np.vecdot, E, E),
    (np.matvec, M, V),
    (np.matvec, T, T[:, 0]),
    (np.matvec, M, Q),
    (np.vecmat, V, U.T),
    (np.vecmat, M, np.stack([U.T, 2 * U.T])),
    (np.vecmat, M[:, :2], M),
    (lambda x, y: np.linalg.vecdot(x, y, axis=0), M, M[:, :1]),
    (lambda x: np.linalg.vecdot(x, x), N.astype(np.int8)),
    (np.tensordot, M, M),
    (np.tensordot, V, M, 0),
    (np.tensordot, S, M, 0),
    (np.tensordot, T, M, ((1,), (1,))),
    (np.tensordot, T, M, (1, -1)),
    (np.tensordot, T, T, ([0, -1], [0, 2])),
    (np.tensordot, T, T, ([2, 1, 0], [2, 1, 0])),
    (np.tensordot, T, U, ([2, 1], [0, 1])),
    (np.tensordot, T, U, ((-2, -1), (-1, -2))),
    (np.tensordot, M, T, ([0], [0])),
    (np.tensordot, E, E, ((0,), (0,))),
    (np.tensordot, E, Q, 1),
    (np.tensordot, B, N, ((0, 1), (0, 1))),
    (lambda x, y: np.linalg.tensordot(x, y, axes=1), T, U),
    (np.kron, M, Q),
    (np.kron, V, M),
    (np.kron, T, V),
    (np.kron, W, 2.0),
    (np.kron, S, S),
    (np.kron, E, M),
    (lambda *x: np.linalg.multi_dot(x), M, Q, U.T),
    (lambda *x: np.linalg.multi_dot(x), V, Q, U.T, U, V),
    (lambda *x: np.linalg.multi_dot(x), V, W),
    (lambda *x: np.linalg.multi_dot(x), U, U.T, U, Q),
    *((np.linalg.matrix_power, Q, n) for n in range(6)),
    (np.linalg.matrix_power, np.stack([Q, Q.T]), 3),
    (np.linalg.matrix_power, N[:, :2], 4),
    (np.cross, V, W),
    (np.cross, M, V),
    (np.cross, T[:, :, :3], Q),
    (np.cross, U, Q[0], -1, -1, 0),
    (np.cross, T, U.T, 1, 0, 1),
    (lambda x, y: np.cross(x, y, axis=0), U.T, V[:, None]),
    (np.linalg.cross, M, V),
    (np.cross, N, N[::-1]),
]
PLANE = [
    (np.cross, V[:2], W[1:]),
    (np.cross, U[:, :2], V),
    (np.cross, V, U[:, 1:]),
    (np.cross, M.T, U[0, :2]),
]


@table(CASES)
def test_agrees(function, args):
    assert_agrees(function, *args)


@pytest.mark.filterwarnings("ignore:Arrays of 2-dim:DeprecationWarning")
@table(PLANE)
def test_products_of_plane_vectors(function, args):
    assert_agrees(function, *args)


OUTPUTS = [
    lambda x, out: np.dot(x, x.T, out=out),
    lambda x, out: x.dot(x.T, out=out),
    lambda x, out: np.outer(x[:, 0], x[:, 1], out=out),
    lambda x, out: np.matmul(x, x.T, out=out),
    lambda x, out: np.linalg.multi_dot([x, x.T, x @ x.T], out=out),
    lambda x, out: np.einsum("ij,kj->ik", x, x, out=out),
]


@pytest.mark.parametrize("function", OUTPUTS)
def test_out(function):
    def call(x):
        out = np.zeros_like(x, shape=(2, 2))
        function(x, out)
        return out * 2

    assert_same(compile_grad(call)(M), call(M))
    assert_agrees(call, M)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.linalg.matrix_power(x @ x.T, -1), "negative power"),
        (lambda x: np.linalg.matrix_power(x, 2), "square"),
        (lambda x: np.cross(x[:, :1], x[:, :1]), "dimension must be 2 or 3"),
        (lambda x: np.linalg.cross(x[:, :2], x[:, :2]), "3-dimensional"),
        (lambda x: np.linalg.outer(x, x), "one-dimensional"),
        (lambda x: np.linalg.multi_dot([x]), "at least two"),
        (lambda x: np.linalg.multi_dot([x, x]), "inner sizes"),
        (lambda x: np.tensordot(x, x, 1), "equal sizes"),
        (lambda x: np.tensordot(x, x, ((3,), (0,))), "out of bounds"),
        (lambda x: np.dot(x, x.T, out=np.zeros_like(x)), "out has shape"),
        (lambda x: np.linalg.inv(x @ x.T), "np.linalg.inv is not supported"),
        (lambda x: np.linalg.svd(x), "np.linalg.svd is not supported"),
    ],
)
def test_refused(function, words):
    with pytest.raises((GradcError, ValueError), match=words):
        compile_grad(function)(M)
