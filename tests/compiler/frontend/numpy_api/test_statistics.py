"""Variances, means with weights, correlations."""

import numpy as np
import pytest

from gradc import compile_grad

from .agreement import assert_agrees, assert_same, table
from .test_reductions import MASK, B, M, N, S, T, V, W, calls

SPREADS = [
    case
    for function in (np.var, np.std)
    for case in calls(
        function,
        (M, {}),
        (N, {"axis": 0, "keepdims": True}),
        (T, {"axis": (0, 1), "ddof": 1}),
        (V, {"correction": 1}),
        (V, {"ddof": 0.5}),
        (W, {}),
        (W, {"dtype": np.float64}),
        (B, {}),
        (M, {"where": MASK}),
        (M, {"where": MASK, "axis": 1, "ddof": 1, "keepdims": True}),
        (M, {"mean": np.full((2, 1), 0.25), "axis": 1}),
        (T, {"mean": np.full((2, 1, 1), 0.25), "axis": (1, 2), "ddof": 1, "keepdims": True}),
    )
]


@table(SPREADS)
def test_spread(function, args):
    array, options = args
    assert_agrees(lambda x: function(x, **options), array)


def test_a_given_mean_has_a_gradient():
    assert_agrees(lambda x, m: np.var(x, axis=1, mean=m), M, np.array([[0.1], [0.2]]))
    assert_agrees(lambda x: np.std(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)), M)


def test_the_deviation_of_equal_elements_has_no_slope():
    gradient = compile_grad(lambda x: np.std(x, where=np.array([True, True, False]))).grad
    np.testing.assert_array_equal(gradient(np.array([2.0, 2.0, 5.0])), [0, 0, 0])


AVERAGES = [
    (np.average, M),
    (lambda x: np.average(x, axis=0, keepdims=True), N),
    (lambda x: np.average(x, axis=1, returned=True), M),
    (lambda x: np.average(x, returned=True), M),
    (lambda x, w: np.average(x, weights=w), M, np.abs(M) + 1),
    (lambda x, w: np.average(x, axis=1, weights=w), M, np.abs(V)),
    (lambda x, w: np.average(x, axis=0, weights=w, returned=True), M, np.array([2, 3])),
    (lambda x, w: np.average(x, axis=(2, 0), weights=w), T, np.arange(1.0, 9).reshape(4, 2)),
    (lambda x, w: np.average(x, axis=-1, weights=w, keepdims=True), N, np.abs(W)),
    (lambda x: np.average(x, weights=[1, 2, 3], axis=1), B),
    (lambda x, w: np.average(x, weights=w), W, np.abs(W)),
]
CORRELATIONS = [
    (np.cov, M),
    (np.cov, V),
    (np.cov, W),
    (np.cov, N),
    (np.cov, V, np.array([2.0, 0.5, -1.0])),
    (lambda x: np.cov(x, rowvar=False), T[0]),
    (lambda x: np.cov(x, bias=True), M),
    (lambda x: np.cov(x, ddof=0), M),
    (lambda x, y: np.cov(x, y, rowvar=False), T[0], T[1]),
    (lambda x: np.cov(x, fweights=np.array([1, 2, 3])), M),
    (lambda x, w: np.cov(x, aweights=w), M, np.array([1.0, 0.5, 2.0])),
    (lambda x, w: np.cov(x, aweights=w, ddof=0), M, np.array([1.0, 0.5, 2.0])),
    (
        lambda x, w: np.cov(x, fweights=np.array([1, 2, 3]), aweights=w),
        T[0, :, :3],
        np.array([1.0, 0.5, 2.0]),
    ),
    (lambda x: np.cov(x, dtype=np.float64), W),
    (np.corrcoef, T[0]),
    (np.corrcoef, V, np.array([2.0, 0.5, -1.0])),
    (lambda x: np.corrcoef(x, rowvar=False), T[0]),
    (np.corrcoef, V),
]


@table(AVERAGES + CORRELATIONS)
def test_agrees(function, args):
    assert_agrees(function, *args)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.average(x, weights=[1.0, 2.0]), "Axis must be specified"),
        (lambda x: np.average(x, weights=[1.0, 2.0], axis=1), "consistent"),
        (lambda x: np.cov(x, ddof=0.5), "integer"),
        (lambda x: np.cov(x[None]), "2 dimensions"),
    ],
)
def test_what_numpy_refuses_is_refused(function, words):
    with pytest.raises(TypeError, match=words):
        compile_grad(function)(M)


def test_scalar():
    assert_agrees(np.var, S)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of no elements
@pytest.mark.parametrize("function", [np.mean, np.var, np.std, np.median, np.nanmedian, np.nanvar])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_of_no_elements_it_is_nan(function, axis):
    for array in (np.zeros((0, 2)), np.zeros((2, 0), int), np.zeros((0, 3), np.float32)):
        found = compile_grad(lambda x: function(x, axis=axis))(array)
        assert_same(found, function(array, axis=axis))
