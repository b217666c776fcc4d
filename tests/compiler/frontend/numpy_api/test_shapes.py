"""Shapes and axes: values, types, slopes, and what is a view."""

import numpy as np
import pytest

from gradc import CaptureError, GradcError, compile_grad

from .agreement import assert_agrees, assert_same, table

V = np.array([0.5, -1.5, 2.0])
W = np.array([2.0, 0.25, -1.0], np.float32)
M = np.arange(6.0).reshape(2, 3) - 2.25
N = np.array([[3, 1, 2], [0, 5, 4]])
T = np.arange(24.0).reshape(2, 3, 4) / 5
E = np.zeros((0, 3))
S = np.float64(1.5)
B = np.array([[True, False, True]])

CASES = [
    (np.reshape, M, (3, 2), "F"),
    (np.reshape, T, (4, -1), "F"),
    (np.reshape, V, (3, 1), "F"),
    (np.reshape, M, (3, 2), "A"),
    (np.reshape, E, (3, 0)),
    (lambda x: np.reshape(x, (6,), copy=True), M),
    (lambda x: x.reshape(3, 2, order="F"), N),
    (lambda x: x.T.reshape(-1, order="A"), M),
    (lambda x: np.ravel(x, "F"), T),
    (lambda x: np.ravel(x.T, "K"), T),
    (lambda x: np.ravel((x * 1.0).transpose(1, 2, 0), "K"), T),
    (lambda x: x.flatten("F"), M),
    (lambda x: x.flatten(), B),
    (lambda x: x.view() * 2, M),
    (np.transpose, T, (-1, 0, 1)),
    (np.permute_dims, T, (2, 0, 1)),
    (np.matrix_transpose, T),
    (np.linalg.matrix_transpose, T),
    (np.moveaxis, T, (0, -1), (1, 0)),
    (np.rollaxis, T, 2),
    (np.rollaxis, T, -2, 3),
    (np.rollaxis, T, 0, 3),
    (np.expand_dims, M, (0, -1)),
    (np.squeeze, M[:, None, :, None], (1, -1)),
    (np.squeeze, S),
    (np.broadcast_arrays, M, V, S),
    (lambda x, y: np.stack(np.broadcast_arrays(x, y)), M, V),
    (np.atleast_3d, S),
    (np.atleast_3d, V),
    (np.atleast_3d, M, T),
    (np.flip, T, (0, -1)),
    (np.flip, S),
    (np.fliplr, M),
    (np.flipud, M),
    (np.flipud, V),
    *((np.rot90, T, k, axes) for k in range(-1, 4) for axes in ((0, 1), (2, 0))),
    (np.roll, V, 1),
    (np.roll, M, 2),
    (np.roll, M, -4, 1),
    (np.roll, M, (1, 2), (0, 1)),
    (np.roll, M, 1, (0, 1)),
    (np.roll, M, (1, 2), 0),
    (np.roll, N, 1, -1),
    (np.roll, E, 1, 0),
    (np.roll, E, 1, 1),
    (np.roll, S, 1),
    (np.repeat, V, 2),
    (np.repeat, M, 3, 1),
    (np.repeat, M, [1, 2], 0),
    (np.repeat, M, [2], 0),
    (np.repeat, T, [0, 3, 1], -2),
    (np.repeat, B, 2, 0),
    (np.repeat, M, 0, 1),
    (np.repeat, S, 2),
    (np.repeat, S, [2], -1),
    (np.repeat, E, []),
    (lambda x: x.repeat(2, axis=0), N),
    (np.tile, V, 2),
    (np.tile, M, (2, 1, 2)),
    (np.tile, T, 2),
    (np.tile, W, (2, 2)),
    (np.tile, M, (1, 1)),
    (np.tile, M, 0),
    (np.tile, E, 2),
    (np.tile, S, 3),
    (np.resize, M, (4, 2)),
    (np.resize, M, 4),
    (np.resize, E, (2,)),
    (np.resize, V, (0, 2)),
    (np.resize, S, (2, 2)),
    (np.meshgrid, V, M[0]),
    (lambda *x: np.meshgrid(*x, indexing="ij"), V, M[0], V[:2]),
    (lambda *x: np.meshgrid(*x, sparse=True), V, N[0], V[:2]),
    (np.meshgrid, V),
    (lambda x: np.size(x, 1) * x, T),
]


@table(CASES)
def test_agrees(function, args):
    assert_agrees(function, *args)


VIEWS = {
    "rot90": lambda x: np.rot90(x),
    "flip": lambda x: np.flip(x),
    "rollaxis": lambda x: np.rollaxis(x, 1),
    "atleast_3d": lambda x: np.atleast_3d(x),
    "view": lambda x: x.view(),
    "squeeze": lambda x: np.squeeze(x[None]),
    "ravel": lambda x: x.ravel(),
    "matrix_transpose": lambda x: np.matrix_transpose(x),
}
COPIES = {
    "roll": lambda x: np.roll(x, 1),
    "repeat": lambda x: np.repeat(x, 1, 0),
    "tile": lambda x: np.tile(x, 1),
    "flatten": lambda x: x.flatten(),
    "resize": lambda x: np.resize(x, (2, 3)),
    "meshgrid": lambda x: np.meshgrid(x[0])[0],
    "reshape_copy": lambda x: np.reshape(x, (6,), copy=True),
}


@pytest.mark.parametrize("name", [*VIEWS, *COPIES])
def test_a_store_is_seen_through_views_only(name):
    function = VIEWS.get(name) or COPIES[name]

    def call(x):
        x = x * 1.0
        shown = function(x)
        x[0, 1] = 7 * x[1, 1]
        seen = shown * 1.0
        shown[...] = 2 * shown
        return seen, shown, x

    assert_agrees(call, M)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.meshgrid(x[0], x[1], copy=False), "copy=False"),
        (lambda x: x[:, ::2].ravel("K"), "order='K'"),
        (lambda x: x.view(np.int64), "another dtype"),
        (lambda x: np.moveaxis(x, (0, 0), (0, 1)), "twice"),
        (lambda x: np.repeat(x, np.argsort(x[0])), "depends on the arguments"),
        (lambda x: np.rot90(x, axes=(0, 0)), "different"),
        (lambda x: x.resize((3, 2)), "ndarray.resize"),
        (lambda x: x.strides, "ndarray.strides"),
        (lambda x: x.tobytes(), "ndarray.tobytes"),
        (lambda x: x.base, "ndarray.base"),
    ],
)
def test_refused(function, words):
    with pytest.raises(GradcError, match=words):
        compile_grad(function)(M)


NUMBERS = {
    "roll": lambda x, n: np.roll(x, n),
    "roll along": lambda x, n: np.roll(x, (n, 1), axis=(0, n - 1)),
    "repeat": lambda x, n: np.repeat(x, n, axis=0),
    "repeat each": lambda x, n: np.repeat(x, [n, 1], axis=0),
    "tile": lambda x, n: np.tile(x, (n, 1)),
    "rot90": lambda x, n: np.rot90(x, n),
    "resize": lambda x, n: np.resize(x, (n, 2)),
    "reshape": lambda x, n: x.reshape(n, -1),
    "moveaxis": lambda x, n: np.moveaxis(x, n - 1, 0),
    "expand_dims": lambda x, n: np.expand_dims(x, n),
    "diag": lambda x, n: np.diag(x[0], n),
    "diagonal": lambda x, n: np.diagonal(x, n),
    "tril": lambda x, n: np.tril(x, -n),
    "pad": lambda x, n: np.pad(x, n, mode="wrap"),
    "pad pairs": lambda x, n: np.pad(x, ((0, n), (n, 1))),
    "delete": lambda x, n: np.delete(x, n, axis=1),
    "delete slice": lambda x, n: np.delete(x, slice(n, None), axis=1),
    "insert": lambda x, n: np.insert(x, [0, n], 5.0, axis=1),
    "split": lambda x, n: np.array_split(x, n, axis=1),
    "split at": lambda x, n: np.split(x, [n, n + 1], axis=1),
    "take": lambda x, n: np.take(x, [n, 0], axis=1),
    "matrix_power": lambda x, n: np.linalg.matrix_power(x @ x.T, n),
    "tensordot": lambda x, n: np.tensordot(x, x, n) if n > 1 else np.tensordot(x, x.T, n),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_arguments_that_are_numbers_are_known(name):
    compiled = compile_grad(lambda x, n: NUMBERS[name](x, n))
    for n in (1, 2):
        assert_same(compiled(M, n), NUMBERS[name](M, n))


def test_unknown_sizes_are_refused_in_words():
    def call(x):
        return np.resize(x[x > 0], 3)

    with pytest.raises(CaptureError, match="count1 is not known"):
        compile_grad(call)(V)


def test_unknown_sizes_that_work():
    def call(x):
        part = x[x > 0]
        cubes = np.sum(np.tile(part, 2) ** 3) + np.sum(np.repeat(part, 2) ** 3)
        return cubes + np.sum(np.roll(part, 1) * part * np.flip(part))

    assert_agrees(call, np.array([0.5, -1.5, 2.0, 1.25]))
