"""What leaves NaN out."""

import warnings

import numpy as np
import pytest

from gradc import compile_grad

from .agreement import assert_agrees, assert_same, table
from .test_reductions import MASK, N, S, calls

nan = np.nan
M = np.array([[0.5, nan, -1.0], [2.0, 3.0, nan]])
W = np.array([nan, 2.0, -1.5], np.float32)
T = np.where(np.cos(np.arange(24)) > 0.7, nan, np.sin(np.arange(24.0))).reshape(2, 3, 4)

SUMS = [
    case
    for function in (np.nansum, np.nanprod)
    for case in calls(
        function,
        (M, {}),
        (M, {"axis": 0, "keepdims": True}),
        (W, {}),
        (N, {"axis": 1}),
        (M, {"initial": 2.0, "where": MASK}),
        (T, {"axis": (0, 2)}),
        (S, {}),
    )
]
RUNNING = [
    case
    for function in (np.nancumsum, np.nancumprod)
    for case in calls(function, (M, {}), (M, {"axis": 1}), (W, {"dtype": float}), (N, {"axis": 0}))
]
EXTREMA = [
    case
    for function in (np.nanmax, np.nanmin)
    for case in calls(
        function,
        (M, {}),
        (M, {"axis": 0}),
        (W, {"keepdims": True}),
        (N, {"axis": 1}),
        (M, {"initial": 1.0, "axis": 0}),
        (M, {"initial": 1.0, "where": MASK, "axis": 1}),
        (T, {"axis": (0, 2), "keepdims": True}),
    )
]
MEANS = [
    *calls(
        np.nanmean,
        (M, {}),
        (M, {"axis": 0, "keepdims": True}),
        (W, {}),
        (W, {"dtype": float}),
        (N, {"axis": 0}),
        (M, {"where": MASK, "axis": 1}),
    ),
    *calls(np.nanargmax, (M, {}), (M, {"axis": 1}), (N, {"axis": 0})),
    *calls(np.nanargmin, (M, {}), (M, {"axis": 0, "keepdims": True})),
]
SPREADS = [
    case
    for function in (np.nanvar, np.nanstd)
    for case in calls(
        function,
        (M, {}),
        (M, {"axis": 1, "keepdims": True}),
        (M, {"axis": 1, "ddof": 1}),
        (W, {"correction": 1}),
        (N, {"axis": 0}),
        (T, {"axis": (0, 1)}),
        (M, {"where": MASK, "axis": 1}),
    )
]
MEDIANS = [
    *calls(
        np.nanmedian,
        (M, {}),
        (M, {"axis": 0}),
        (M, {"axis": 1, "keepdims": True}),
        (W, {}),
        (N, {"axis": 0}),
        (T, {"axis": (0, 2)}),
    ),
    *((lambda x, q=q, **o: np.nanquantile(x, q, **o), M, {"axis": 1}) for q in (0.3, [0.1, 1.0])),
    *(
        (lambda x, m=m, **o: np.nanquantile(x, 0.3, method=m, **o), T, {"axis": 1})
        for m in ("hazen", "lower", "higher", "midpoint", "inverted_cdf")
    ),
    (lambda x, **o: np.nanpercentile(x, 30, **o), W, {"keepdims": True}),
    (lambda x, **o: np.nanpercentile(x, 30, **o), M, {}),
    (lambda x, **o: np.nanquantile(x, 0.25, **o), N, {"axis": 1}),
]


@table(SUMS + RUNNING + EXTREMA + MEANS + SPREADS + MEDIANS)
def test_agrees(function, args):
    array, options = args
    holes = np.isnan(array)
    has_holes = bool(np.any(holes))

    def call(x):
        return function(np.where(holes, nan, x) if has_holes else x, **options)

    assert_agrees(call, np.where(holes, 0, array).astype(array.dtype)[()])


@pytest.mark.parametrize(
    "function",
    [
        np.nanmax,
        np.nanmin,
        np.nanmean,
        np.nanmedian,
        np.nanvar,
        np.nanstd,
        lambda x, axis: np.nanquantile(x, 0.25, axis),
        lambda x, axis: np.nanvar(x, axis, ddof=1),
    ],
)
def test_where_nothing_is_left(function):
    rows = np.array([[nan, nan], [1.0, nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert_same(compile_grad(lambda x: function(x, axis=1))(rows), function(rows, axis=1))


@pytest.mark.parametrize("function", [np.nansum, np.nanmean, np.nanmax, np.nanmedian, np.nanvar])
def test_no_gradient_goes_to_what_is_left_out(function):
    found = compile_grad(function).grad(np.array([1.0, nan, 4.0, 2.0]))
    assert found[1] == 0
    assert np.all(np.isfinite(found))
