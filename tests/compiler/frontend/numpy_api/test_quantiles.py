"""Medians and quantiles."""

import numpy as np
import pytest

from gradc import CaptureError, TypeRuleError, compile_grad

from .agreement import assert_agrees, table
from .test_reductions import SMALL, B, M, N, S, T, V, W

METHODS = [
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
]
Q = np.array([0.0, 0.1, 0.5, 0.62, 1.0])
CASES = [
    (np.median, V),
    (np.median, M),
    (np.median, M, 0),
    (np.median, T, (0, 2)),
    (lambda x: np.median(x, axis=1, keepdims=True), T),
    (np.median, N, 1),
    (np.median, SMALL, 0),
    (np.median, W),
    (np.median, S),
    *((lambda x, m=m: np.quantile(x, Q, method=m), T) for m in METHODS),
    *((lambda x, m=m: np.quantile(x, 0.3, axis=2, method=m), T) for m in METHODS),
    *((lambda x, m=m: np.quantile(x, 0.7, method=m), W) for m in METHODS),
    *((lambda x, m=m: np.quantile(x, Q, 1, method=m), N) for m in METHODS),
    (np.quantile, M, 0.25, 0),
    (np.quantile, M, 1, 0),
    (np.quantile, M, [0.25, 0.5], 1),
    (lambda x: np.quantile(x, [[0.25, 0.5], [0.1, 0.9]], axis=(0, 1), keepdims=True), T),
    (lambda x: np.quantile(x, 0.5, keepdims=True), T),
    (lambda x: np.quantile(x, 0.4, method="lower"), B),
    (lambda x: np.quantile(x, np.float64(0.4)), W),
    (lambda x: np.quantile(x, [0.0, 1.0]), W),
    (lambda x: np.quantile(x, 0.5), W),
    (np.percentile, M, 25.0, 0),
    (np.percentile, M, [10, 50, 99], 1),
    (lambda x: np.percentile(x, 33, method="hazen"), N),
    (np.percentile, W, 40),
    (lambda x, q: np.quantile(x, q), V, np.array([0.2, 0.7])),
    (lambda x, q: np.quantile(x, q, axis=1), T, np.float64(0.3)),
    (lambda x, q: np.percentile(x, q), V, np.array([20.0, 70.0])),
]


@table(CASES)
def test_agrees(function, args):
    # Copies of the same values in other places: quantiles that are traced arrays too.
    if function in (np.quantile, np.percentile):
        array, *rest = args
        assert_agrees(lambda x: function(x, *rest), array)
    else:
        assert_agrees(function, *args)


@pytest.mark.parametrize("function", [np.median, lambda x, axis: np.quantile(x, 0.3, axis)])
def test_nan_is_the_result_where_one_is_met(function):
    x = np.array([[1.0, np.nan, 0.0], [3.0, 1.0, 2.0]])
    np.testing.assert_array_equal(
        compile_grad(lambda x: function(x, axis=1))(x), function(x, axis=1)
    )


@pytest.mark.parametrize("function", [np.quantile, np.percentile, np.nanquantile])
def test_a_python_number_leaves_float32_as_it_is(function):
    compiled = compile_grad(lambda x, q: function(x, q))
    assert compiled(W, 0.5).dtype == function(W, 0.5).dtype == np.float32
    np.testing.assert_allclose(compiled(W, 0.5), function(W, 0.5), rtol=1e-6)


def test_an_element_beside_infinity_is_found():
    x = np.array([np.inf, 1.0, np.inf, 2.0, np.inf])
    assert compile_grad(np.median)(x) == np.inf
    assert compile_grad(lambda x: np.quantile(x, 1))(x) == np.inf


def test_the_two_in_the_middle_share_the_gradient():
    gradient = compile_grad(np.median).grad(np.array([4.0, 1.0, 3.0, 2.0]))
    np.testing.assert_array_equal(gradient, [0, 0, 0.5, 0.5])


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        (lambda x: np.quantile(x, 1.5), TypeRuleError, "range"),
        (lambda x: np.quantile(x, 0.5, method="best"), TypeRuleError, "valid method"),
        (lambda x: np.quantile(x, 0.5, weights=np.ones(3)), CaptureError, "weights="),
        (lambda x: np.quantile(x[:0], 0.5), TypeRuleError, "no elements"),
        (lambda x: np.quantile(x > 0, 0.5), TypeRuleError, "bools"),
    ],
)
def test_refused(function, kind, words):
    with pytest.raises(kind, match=words):
        compile_grad(function)(V)
