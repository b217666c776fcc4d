"""Sorting, searching and counting."""

import numpy as np
import pytest

from gradc import CaptureError, TypeRuleError, compile_grad

from .agreement import assert_agrees, table
from .test_reductions import B, E, M, N, S, T, V, W

P = np.array([5, 2, 2, 9, 1])
R = np.array([0.5, -1.5, 2.0, 0.25, -0.75])
X = np.array([0.0, 1.0, 2.5, 4.0])
F = np.array([1.0, -2.0, 0.5, 3.0])
AT = np.array([[-1.0, 0.3, 1.7], [3.9, 4.5, 2.2]])


def sorted_in_place(x, axis=-1):
    x = x * 1.0
    assert x.sort(axis) is None
    return x


def partitioned(x):
    x = x * 1.0
    x.partition(2)
    return x[2] * 3


CASES = [
    (np.sort, V),
    (np.sort, T, 0),
    (np.sort, T, -2),
    (np.sort, M, None),
    (np.sort, N),
    (np.sort, W),
    (np.sort, B, 1),
    (np.sort, E, 0),
    (lambda x: np.sort(x, kind="mergesort", stable=None), R),
    (sorted_in_place, T),
    (lambda x: sorted_in_place(x, 0), M),
    (np.argsort, R),
    (np.argsort, T, 1),
    (np.argsort, M, None),
    (lambda x: np.argsort(x, kind="stable"), P),
    (lambda x: x.argsort(0), M),
    (lambda x: x[np.argsort(x)], R),
    (lambda x, y: np.sum(y[np.argsort(x)] * np.arange(5.0)), R, P * 1.0),
    (lambda x: np.partition(x, 2)[2], R),
    (lambda x: np.sort(np.partition(x, 1, axis=0)[:2], axis=0), T),
    (partitioned, R),
    (lambda x: x[np.argpartition(x, 2)[2]], R),
    (lambda x: x[x.argpartition(2)[2]], R),
    (lambda a, b: np.lexsort((a, b)), R, P),
    (lambda a, b: np.lexsort((a, b), axis=0), M, N),
    (lambda a: np.lexsort(a), M),
    (np.searchsorted, X, AT),
    (lambda a, v: np.searchsorted(a, v, side="right"), X, X),
    (lambda a, v: a.searchsorted(v, "right"), X, np.float64(2.5)),
    (lambda a, v: np.searchsorted(a, v, sorter=np.argsort(a)), R, AT),
    (lambda v: np.searchsorted([1, 2, 3], v), AT),
    (lambda v: np.searchsorted(np.array([1, 2, 3]), v), N),
    (lambda v: np.digitize(v, [0.0, 1.0, 4.5]), AT),
    (lambda v: np.digitize(v, [0.0, 1.0, 4.5], right=True), AT),
    (lambda v: np.digitize(v, [4.5, 1.0, 0.0]), AT),
    (lambda v: np.digitize(v, [4.5, 1.0, 0.0], right=True), AT),
    (np.digitize, AT, X),
    (np.digitize, AT, X[::-1].copy()),
    (lambda w: np.bincount([5, 2, 2, 9, 1], w), R),
    (lambda w: np.bincount([0, 1, 1], w, minlength=6), W),
    (lambda w: np.bincount([0, 1, 1], weights=w), N[0]),
    (np.nonzero, N),
    (lambda x: (x > 0).nonzero(), T),
    (np.flatnonzero, M > 0),
    (np.argwhere, B),
    (lambda x: np.sum(x[np.nonzero(x > 0)] ** 2), T),
    (lambda x: np.sum(x[np.nonzero(x[0] > 0)[0]] ** 2, axis=0), R[:, None] * R),
    (lambda x, y: np.sum(x[np.flatnonzero(y > 0)] * y[y > 0]), R, R[::-1]),
    (np.isin, N, np.array([1, 5])),
    (lambda x: np.isin(x, [[1], [5]], invert=True), N),
    (np.interp, AT, X, F),
    (lambda x: np.interp(x, [0, 1, 3], [5, 2, 4]), AT),
    (lambda x, a, b: np.interp(x, X, F, left=a, right=b), AT, np.float64(7), np.float64(-7)),
    (lambda x: np.interp(x, X, F, -1), np.float64(0.3)),
    (lambda x, p, f: np.interp(x, p, f, period=2.1), AT, np.array([0.2, 1.9, 3.1]), V),
    (lambda x, f: np.interp(x, [1.0], f), AT, V[:1]),
    (lambda x: np.interp(x, X.astype(np.float32), F.astype(np.float32)), W),
]


@table(CASES)
def test_agrees(function, args):
    arrays = [one for one in args if not isinstance(one, int | None)]
    rest = [one for one in args if isinstance(one, int | None)]
    assert_agrees(lambda *arrays: function(*arrays, *rest), *arrays)


def test_of_equal_elements_each_keeps_its_gradient():
    weight = np.array([1.0, 10.0, 100.0, 1000.0])
    gradient = compile_grad(lambda x: np.sum(weight * np.sort(x))).grad
    np.testing.assert_array_equal(gradient(np.array([2.0, 1.0, 2.0, 1.0])), [100, 1, 1000, 10])


def test_nan_is_sorted_last():
    x = np.array([2.0, np.nan, 1.0])
    value, gradient = compile_grad(lambda x: np.sum(np.sort(x)[:2])).value_and_grad(x)
    assert value == 3.0
    np.testing.assert_array_equal(gradient, [1, 0, 1])


def test_interp_at_its_own_places_has_the_slope_on_the_right():
    gradient = compile_grad(lambda x: np.sum(np.interp(x, X, F))).grad(X)
    np.testing.assert_allclose(gradient, [-3.0, 2.5 / 1.5, 2.5 / 1.5, 2.5 / 1.5])


@pytest.mark.parametrize(
    ("function", "args", "kind", "words"),
    [
        (lambda x: np.sort(x, order="a"), (V,), CaptureError, "order="),
        (np.sort, (S,), TypeRuleError, "axis -1"),
        (lambda x: np.searchsorted(x, 1.0, side="up"), (V,), TypeRuleError, "left"),
        (lambda x: np.digitize(x, [1, 3, 2]), (V,), TypeRuleError, "monotonically"),
        (np.bincount, (P,), CaptureError, "size of the result"),
        (lambda w: np.bincount([0, 1], w), (V,), TypeRuleError, "same length"),
        (lambda x: np.interp(1.0, x, [1.0]), (V,), TypeRuleError, "same length"),
        (np.unique, (V,), CaptureError, "np.unique"),
        (np.histogram, (V,), CaptureError, "np.histogram"),
        (np.nonzero, (S,), TypeRuleError, "0d"),
    ],
)
def test_refused(function, args, kind, words):
    with pytest.raises(kind, match=words) as caught:
        compile_grad(function)(*args)
    assert caught.value.fix or kind is TypeRuleError
