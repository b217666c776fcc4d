"""Joins and splits, pads, insertions and deletions: values, types, slopes, what is a view."""

import numpy as np
import pytest

from gradc import GradcError, compile_grad

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
    (lambda x, y: np.concatenate([x, y], dtype=np.float64), W, N[0]),
    (lambda x, y: np.concatenate([x, y], axis=-1, dtype=np.float32, casting="unsafe"), M, N),
    (lambda x, y: np.concatenate((x, y), axis=None), M, V),
    (lambda x: np.concatenate([x, E]), M),
    (lambda x: np.concatenate([x[0], [x[0, 0] * 2, 1.0]]), M),
    (lambda x: np.concatenate(x), M),
    (lambda x: np.stack(x, axis=1), M),
    (lambda x, y: np.stack([x, y], dtype=np.float64), W, N[0]),
    (lambda x, y: np.vstack([x, y], dtype=np.float64), M, W),
    (lambda x: np.vstack([x, 1, [x]]), S),
    (lambda x, y: np.hstack((x, y)), S, V),
    (lambda x, y: np.dstack([x, y]), V, W),
    (lambda x, y: np.dstack([x, y]), M, N),
    (lambda x: np.dstack([x, x]), T),
    (lambda x, y: np.column_stack([x, y]), V, W),
    (lambda x, y: np.column_stack([x, y[:, :2]]), V[:2], M),
    (lambda x, y: np.column_stack([x, y]), S, S),
    (lambda x, y: np.block([[x, y], [y, x]]), M, N),
    (lambda x: np.block([x, 1.0, x]), V),
    (
        lambda x: np.block(
            [
                [x[:2, :2], np.zeros((2, 1))],
                [
                    x[0],
                ],
            ]
        ),
        M,
    ),
    (lambda x: np.block(x), M),
    (lambda x, y: np.block([[[x]], [[y]]]), V, W),
    (np.append, M, V),
    (np.append, M, E, 0),
    (lambda x: np.append(x, 1), V),
    (lambda x: np.append(x, [x[0], 2.0]), V),
    (np.split, V, 3),
    (np.split, M, [1, 2, 2], 1),
    (np.array_split, V, 2),
    (np.array_split, V, 5),
    (np.hsplit, V, 3),
    (np.hsplit, T, [1]),
    (np.vsplit, T, 2),
    (np.dsplit, T, 2),
    (np.unstack, T),
    (lambda x: np.unstack(x, axis=-1), M),
    (np.delete, V, 1),
    (np.delete, V, -1),
    (np.delete, M, [0, 2], 1),
    (np.delete, M, np.s_[::2], 1),
    (np.delete, M, 4),
    (np.delete, M, [], 0),
    (np.delete, np.arange(40.0), list(range(0, 40, 3))),
    (lambda x: np.delete(x, np.array([True, False, True])), V),
    (np.delete, V, np.s_[:]),
    (np.insert, V, 1, 9.0),
    (np.insert, V, -1, [1.0, 2.0]),
    (np.insert, V, [0, 2], [1.0, 2.0]),
    (np.insert, V, [2, 0, 2], [1.0, 2.0, 3.0]),
    (np.insert, M, 1, 7, 1),
    (lambda x, v: np.insert(x, 1, v, axis=1), M, V[:2]),
    (lambda x, v: np.insert(x, [1], v[:, None], axis=1), M, V[:2]),
    (lambda x, v: np.insert(x, [0, 2], v, axis=0), M, V),
    (lambda x, v: np.insert(x, 0, v), N, V),
    (lambda x: np.insert(x, np.s_[0:2], x[:2]), V),
    (np.insert, M, 3, 0.5),
    (np.insert, V, [], 2.0),
    (np.insert, np.arange(30.0), list(range(0, 30, 2)), 0.5),
    (np.pad, V, 1),
    (np.pad, M, ((1, 0), (0, 2))),
    (np.pad, N, (1, 2)),
    (np.pad, E, 1),
    (np.pad, V, 0),
    (lambda x: np.pad(x, {1: (1, 2)}), M),
    (lambda x: np.pad(x, 2, constant_values=(1, 2)), M),
    (lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4))), M),
    (lambda x: np.pad(x[1:], 2, constant_values=x[0]), V),
    (lambda x: np.pad(x, 1, constant_values=(x[0, 0], 2.0)), M),
    *(
        (np.pad, array, width, mode)
        for mode in ("edge", "reflect", "symmetric", "wrap")
        for array, width in [(V, 2), (M, ((1, 0), (2, 1))), (W, (5, 4)), (T, (0, 1)), (N, 3)]
    ),
    (np.pad, np.ones(1), 2, "reflect"),
    (np.pad, M, ((0, 0), (3, 2)), "edge"),
]


@table(CASES)
def test_agrees(function, args):
    assert_agrees(function, *args)


OUTPUTS = [
    lambda x, out: np.concatenate([x, x], out=out),
    lambda x, out: np.concatenate([x, x], axis=0, out=out, casting="unsafe"),
    lambda x, out: np.stack(list(x) * 2, out=out),
]


@pytest.mark.parametrize("function", OUTPUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_out(function, dtype):
    def call(x):
        out = np.zeros_like(x, shape=(4, 3), dtype=dtype)
        part = out[1:]
        result = function(x, out)
        assert result is out or isinstance(x, np.ndarray)
        return out, part * 2

    assert_same(compile_grad(call)(M), call(M))
    if dtype is np.float64:
        assert_agrees(call, M)


def test_splits_are_views_and_joins_copies():
    def call(x):
        x = x * 1.0
        first, second = np.split(x, 2)
        row = np.unstack(x)[0]
        joined, deleted = np.concatenate([first]), np.delete(x, [], 0)
        inserted, padded = np.insert(x, [], 0.0, axis=0), np.pad(x, 0)
        first[0, 0] = 10 * second[0, 1]
        return x, row, joined, deleted, inserted, padded

    assert_agrees(call, M)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.pad(x, 1, mode="linear_ramp"), "linear_ramp"),
        (lambda x: np.pad(x, 1, mode="mean"), "mean"),
        (lambda x: np.pad(x, 1, mode="reflect", reflect_type="odd"), "odd"),
        (lambda x: np.pad(x, 1, mode="edge", constant_values=1), "constant_values"),
        (lambda x: np.pad(x, -1), "negative"),
        (lambda x: np.pad(x, 1.5), "integral"),
        (lambda x: np.delete(x, np.argmax(x)), "depends on the arguments"),
        (lambda x: np.delete(x, 7), "out of bounds"),
        (lambda x: np.insert(x, 9, 1.0), "out of bounds"),
        (lambda x: np.concatenate([x, x], dtype=np.int64), "same_kind"),
        (lambda x: np.concatenate([x, x], axis=3), "out of bounds"),
        (lambda x: np.stack([]), "at least one|need at least"),
        (lambda x: np.block([[x], x]), "nested alike"),
        (lambda x: np.dsplit(x, 1), "3 or more"),
        (lambda x: np.array_split(x, 0), "larger than 0"),
        (lambda x: np.concatenate([x, [x[0], [1.0]]]), "different shapes"),
    ],
)
def test_refused(function, words):
    with pytest.raises((GradcError, ValueError), match=words):
        compile_grad(function)(M)
