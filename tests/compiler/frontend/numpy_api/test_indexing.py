"""Reading and storing by index: values, types, slopes, what is a view."""

import numpy as np
import pytest

from gradc import GradcError, compile_grad

from .agreement import assert_agrees, table

V = np.array([0.5, -1.5, 2.0, 1.25])
M = np.arange(12.0).reshape(3, 4) - 5.25
N = np.array([[3, 1, 2], [0, 5, 4]])
T = np.arange(24.0).reshape(2, 3, 4) / 5
K = np.array([2, 0, -1])
B = np.array([True, False, True])
S = np.float64(1.5)

READS = [
    (lambda x: x[()], M),
    (lambda x: x[()], S),
    (lambda x: x[...], M),
    (lambda x: x[None], S),
    (lambda x: x[..., None, 0], T),
    (lambda x: x[0, ..., None], T),
    (lambda x: x[:, ..., -1], T),
    (lambda x: x[..., 1, 2], T),
    (lambda x: x[1, 2, 3, ...], T),
    (lambda x: x[::-2, 3:0:-1], M),
    (lambda x: x[5:, -9:9], M),
    (lambda x: x[[2, 0, 2]], M),
    (lambda x: x[[0, 1], [1, -1]], M),
    (lambda x: x[((0, 1), (1, 2))], M),
    (lambda x: x[[[0, 1], [2, 2]]], M),
    (lambda x: x[..., [0, 1]], T),
    (lambda x: x[[0, 1], ..., [2, 3]], T),
    (lambda x: x[[1], :, [2, 3]], T),
    (lambda x: x[[]], M),
    (lambda x: x[[True, False, True]], M),
    (lambda x: x[[True, False, True]], M),
    (lambda x: x[:, [True, False, True]], T),
    (lambda x: x[[True, False, True], 1], M),
    (lambda x: x[[True, False, True], [1, 2]], M),
    (lambda x: x[np.array([[True, False, True], [False, False, True]])], T),
    (lambda x: x[True], M),
    (lambda x: x[False], M),
    (lambda x: x[np.True_], S),
    (lambda x: x[(True,)], V),
    (lambda x, k: x[k], M, K),
    (lambda x, k: x[k, None], M, K),
    (lambda x, k: x[[k[0], 1]], M, K),
    (lambda x, k: x[[[k[0], 1], [k[1], k[2]]], 0], M, K),
    (lambda x, k: x[k[0], 1:], M, K),
    (lambda x, k: x[np.ix_(k, [0, 1])], M, K),
    (lambda x, k: x[np.ix_(k, [True, False, True, False])], M, K),
    (lambda x: x[np.ix_([0, 2], [])], M),
    (lambda x: x[np.indices((2, 2))[0], 1], M),
]


@table(READS)
def test_reads(function, args):
    assert_agrees(function, *args)


def test_a_slice_takes_arguments_that_are_numbers():
    def call(x, n):
        return x[n:] * x[: -n : n - 1] if n > 2 else x[n : n + 2]

    for n in (1, 2):
        np.testing.assert_array_equal(compile_grad(call)(V, n), call(V, n))


STORES = [
    (lambda x: [2 * x[0], x[1]], np.s_[:2], V),
    (lambda x: [x[0, 0], 1.0, x[1, 1] ** 2, 2], 0, M),
    (lambda x: [[x[0, 0]], [x[1, 1]], [3.0]], ..., M),
    (lambda x: ([x[0, 0], x[0, 1]], (x[1, 1], 3.0)), np.s_[:2, 1:3], M),
    (lambda x: x[0, 0], True, M),
    (lambda x: x[0, 0], False, M),
    (lambda x: x[None, 0] ** 2, [[0, 2]], M),
    (lambda x: x[0, :3], (slice(None), 1), M),
    (lambda x: 2.0, (..., [0, 1]), T),
    (lambda x: x[0, 0, :2], ([0, 1], slice(None), [1, 0]), T[:, :2]),
    (lambda x: x[1, :2] ** 2, ([True, False, True], 0), M),
    (lambda x: 1.5, np.array([[True, False, True], [False, False, True]]), T),
    (lambda x: x[1] ** 2, [[True, False, True], [False, False, True]], M[:2, :3]),
]


@pytest.mark.parametrize(("value", "key", "array"), STORES)
def test_stores(value, key, array):
    def call(x):
        x = x * 1.0
        seen = x[...]
        x[key] = value(x)
        return x, seen

    assert_agrees(call, array)


def test_arrays_made_inside_are_known_indices():
    def call(x):
        rows, mask = np.arange(3), np.zeros(4, bool)
        mask[1:3] = True
        one = np.argmax(rows)
        places = [rows[1], int(one)]
        square = np.take_along_axis(x, rows[:, None], 1) * x[rows, rows][:, None]
        x = x * 1.0
        x[rows[:2], mask[:2].astype(int)] = x[0, mask]
        return x[:, mask], x[places], x[one], square, np.compress(mask, x, axis=1), x[:, rows[1] :]

    assert_agrees(call, M)


def test_a_selection_by_a_bool_is_a_copy():
    def call(x):
        x = x * 1.0
        copied = x[True]
        x[0] = 5.0
        copied[0, 1] = 2.0
        return copied, x

    assert_agrees(call, M)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x[True, 0], "bool among other"),
        (lambda x: x[[x[0] > 0, 1]], "different shapes|integer"),
        (lambda x: x[1.5], "integer"),
        (lambda x: x[..., ...], "single ellipsis"),
        (lambda x: x[0, 0, 0], "too many indices"),
        (lambda x: x[9], "out of bounds"),
        (lambda x: x[x[:, 0] > 0][0][9], "out of bounds"),
    ],
)
def test_refused(function, words):
    with pytest.raises((GradcError, IndexError, ValueError), match=words):
        compile_grad(function)(M)


GATHERS = [
    (np.take, M, 3),
    (np.take, M, -1, 1),
    (np.take, S, [0, 0], 0),
    (np.take, M, [[0, 1], [2, 0]], 0),
    (lambda x: np.take(x, [5, -7, 1], mode="wrap"), V),
    (lambda x: np.take(x, [5, -7, 1], axis=1, mode="clip"), M),
    (lambda x, k: np.take(x, k, axis=0, mode="wrap"), M, 3 * K),
    (lambda x, k: np.take(x, k, axis=0, mode="clip"), M, 3 * K),
    (lambda x, k: x.take(k, 1), M, K),
    (lambda x: np.take(x, [True, False]), V),
    (lambda x: np.take(x, []), V),
    (lambda x, k: np.take(x, [k[0], 1]), V, K),
    (np.take_along_axis, M, np.argsort(M, 1)[:, :2], 1),
    (np.take_along_axis, M, np.array([[0, 2, 1, -1]]), 0),
    (np.take_along_axis, T, np.array([[[1], [0], [3]]]), -1),
    (np.take_along_axis, T, np.array([3, 0, 7]), None),
    (np.take_along_axis, V, K),
    (lambda x: np.take_along_axis(x, np.argmax(x, 1, keepdims=True), 1), M),
    (lambda b, x: np.sum(np.compress(b, x, axis=0) ** 2), B, M),
    (np.compress, [True, False, True], M, 1),
    (lambda x: x.compress([0, 1, 1]), M),
    (lambda x: np.sum(np.compress(x[0] > 0, x, axis=1) ** 2), M + 3),
    (lambda x: np.sum(np.extract(x > 0, x) ** 2), M),
    (lambda x: np.extract([[True, False, True]], x), V),
    (np.choose, np.array([0, 1, 1]), [V[:3], M[0, :3]]),
    (lambda k, x, y: np.choose(k, [x, y]), np.array([0, 1, 1, 0]), V, M),
    (lambda k, x: np.choose(k, x), np.array([2, 0, 1, 1]), M),
    (lambda k, x: np.choose(k, [x, 1, 2.0], mode="clip"), np.array([-2, 0, 5, 1]), V),
    (lambda k, x: np.choose(k, [x, 1, 2.0], mode="wrap"), np.array([-2, 0, 5, 1]), V),
    (lambda k, x: k.choose([x, x * 2]), np.array([1, 0, 1, 1]), V),
    (lambda k, x: np.choose(k[0], [x, x * 2]), np.array([1, 0]), V),
    (lambda x: np.unravel_index(np.argmax(x), x.shape), M),
    (lambda k: np.unravel_index(k, (2, 3, 4)), np.array([[5, 23], [0, 11]])),
    (lambda k: np.unravel_index(k, (2, 3, 4), order="F"), np.array([5, 23])),
    (lambda k: np.unravel_index(k, 30), np.array([5, 23])),
    (lambda k: np.ravel_multi_index((k, k + 1), (4, 5)), np.array([1, 3])),
    (lambda k: np.ravel_multi_index((k, k + 1), (4, 5), order="F"), np.array([1, 3])),
    (lambda k: np.ravel_multi_index((k, 2 * k), (4, 5), mode=("clip", "wrap")), np.array([1, 7])),
    (lambda k: np.ravel_multi_index(k, (4, 5)), np.array([[1, 3], [2, 0]])),
    (lambda x: x[np.unravel_index(np.argmin(x), x.shape)], M),
]


@table(GATHERS)
def test_gathers(function, args):
    assert_agrees(function, *args)


def test_take_is_a_copy():
    def call(x):
        x = x * 1.0
        taken, row = np.take(x, [1], 0), np.take(x, 1, 0)
        x[1] = 3.0
        row[0] = 4.0
        return taken, row, x

    assert_agrees(call, M)


@pytest.mark.parametrize("function", [np.take, np.compress])
def test_out(function):
    def call(x):
        out = np.zeros_like(x, shape=(2,))
        if function is np.take:
            np.take(x, [1, 2], out=out)
        else:
            np.compress([False, True, True, False], x, out=out)
        return out

    assert_agrees(call, V)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.take(x, 1.0), "integer indices"),
        (lambda x: np.take(x, [0], mode="bounce"), "clipmode"),
        (lambda x: np.take_along_axis(x, np.array([0]), 1), "same number of dimensions"),
        (lambda x: np.ix_(x > 0), "traced mask"),
        (lambda x: np.ix_(x), "1 dimensional"),
        (lambda x: np.compress(x > 0, x), "1-d"),
        (lambda x: np.unravel_index(x, (3, 4)), "integer indices"),
    ],
)
def test_refused_gathers(function, words):
    with pytest.raises((GradcError, ValueError, TypeError), match=words):
        compile_grad(function)(M if "ix_(x >" not in words else V)


def test_a_negative_choice_is_an_error_when_it_runs():
    choose = compile_grad(lambda k, x: np.choose(k, [x, 2 * x]))
    with pytest.raises(IndexError):
        choose(np.array([-1, 0, 1, 1]), V)
