"""Reductions with all their options."""

import numpy as np
import pytest

from gradc import TypeRuleError, compile_grad

from .agreement import assert_agrees, table

V = np.array([0.5, -1.5, 2.0])
W = np.array([2.0, 0.25, -1.0], np.float32)
M = np.arange(6.0).reshape(2, 3) - 2.25
N = np.array([[3, 1, 2], [0, 5, 4]])
T = np.sin(np.arange(24.0) + 0.5).reshape(2, 3, 4)
E = np.zeros((0, 3))
S = np.float64(1.5)
B = np.array([[True, False, True], [False, False, True]])
MASK = np.array([[True, False, True], [True, True, False]])
SMALL = N.astype(np.int8)


def calls(function, *rows):
    """Return cases of a function: each row is an array, and the keywords."""
    return [(function, array, options) for array, options in rows]


REDUCTIONS = [
    *calls(
        np.sum,
        (M, {}),
        (S, {}),
        (E, {}),
        (E, {"axis": 1}),
        (SMALL, {}),
        (SMALL, {"dtype": np.int16, "axis": 0}),
        (N.astype(np.uint8), {}),
        (B, {"axis": -1}),
        (B, {"dtype": bool}),
        (M, {"dtype": np.float32}),
        (M, {"initial": 2.5}),
        (N, {"initial": 2, "axis": 0}),
        (M, {"where": MASK}),
        (M, {"where": MASK[0], "axis": 0, "initial": 1.0}),
        (M, {"where": MASK[:, :1], "keepdims": True}),
        (T, {"axis": (0, -1), "keepdims": True, "initial": 3}),
        (M, {"where": True}),
    ),
    *calls(
        np.prod,
        (M, {}),
        (E, {"axis": 0}),
        (SMALL, {"axis": 1}),
        (B, {"dtype": bool}),
        (M, {"initial": 2, "where": MASK, "axis": 1}),
        (T, {"axis": (0, 2), "keepdims": True}),
    ),
    *calls(
        np.mean,
        (M, {}),
        (N, {"axis": 0}),
        (W, {}),
        (W, {"dtype": np.float64}),
        (B, {}),
        (M, {"where": MASK}),
        (M, {"where": MASK, "axis": 0, "keepdims": True}),
        (W, {"where": MASK[0]}),
    ),
    *calls(
        np.max,
        (M, {}),
        (N, {"axis": 0}),
        (M, {"initial": 0.5}),
        (M, {"initial": 100.0, "axis": 1}),
        (M, {"initial": -1.0, "where": MASK, "axis": 1}),
        (E, {"initial": 3.0, "axis": 0}),
        (SMALL, {"initial": 2, "axis": 0}),
        (B, {"axis": 0}),
        (W, {"initial": np.float32(0.25)}),
    ),
    *calls(
        np.min,
        (M, {}),
        (T, {"axis": (0, 2), "keepdims": True}),
        (M, {"initial": 0.5, "axis": 0}),
        (M, {"initial": 1.0, "where": MASK, "axis": 0, "keepdims": True}),
    ),
    *calls(np.amax, (M, {"axis": 1})),
    *calls(np.amin, (M, {"axis": 1})),
    *calls(np.ptp, (M, {}), (N, {"axis": 0}), (T, {"axis": (0, 1), "keepdims": True}), (W, {})),
    *calls(np.argmax, (M, {}), (T, {"axis": -1, "keepdims": True}), (B, {"axis": 1})),
    *calls(np.argmin, (M, {"axis": 0}), (N, {"keepdims": True})),
    *calls(np.any, (M, {}), (B, {"axis": 1}), (B, {"where": MASK, "axis": 0}), (E, {"axis": 0})),
    *calls(np.all, (M, {}), (B, {"axis": 0}), (B, {"where": ~B, "axis": 0}), (E, {"axis": 0})),
    *calls(
        np.count_nonzero,
        (N, {}),
        (B, {"axis": 1}),
        (M, {"axis": (0, 1), "keepdims": True}),
        (S, {}),
    ),
]


@table(REDUCTIONS)
def test_agrees(function, args):
    array, options = args
    assert_agrees(lambda x: function(x, **options), array)


METHODS = [
    *((lambda x, f=f: f(x, axis=-1), S) for f in (np.sum, np.max, np.any, np.argmax)),
    (lambda x: np.cumsum(x, axis=0), S),
    (np.add.reduce, S),
    (lambda x: x.sum(where=MASK, axis=0), M),
    (lambda x: x.prod(0, keepdims=True), M),
    (lambda x: x.mean(1, where=MASK), M),
    (lambda x: x.max(initial=3.0), M),
    (lambda x: x.min(1), M),
    (lambda x: x.argmax(1), M),
    (lambda x: x.any(where=MASK), B),
    (lambda x, y: np.sum(x, where=y > 0), M, T[:, :, 0]),
    (lambda x, y: np.max(x, initial=y), M, S),
]


@table(METHODS)
def test_methods(function, args):
    assert_agrees(function, *args)


OUT = {
    "sum": (np.sum, {"axis": 0}, np.zeros(3)),
    "prod": (np.prod, {"axis": 1}, np.zeros(2)),
    "sum_in_float32": (np.sum, {"axis": 0}, np.zeros(3, np.float32)),
    "mean": (np.mean, {"axis": 0, "keepdims": True}, np.zeros((1, 3))),
    "max": (np.max, {"axis": 0}, np.zeros(3)),
    "std": (np.std, {"axis": 0}, np.zeros(3)),
    "argmax": (np.argmax, {"axis": 0}, np.zeros(3, np.int64)),
    "any": (np.any, {"axis": 0}, np.zeros(3, bool)),
    "ptp": (np.ptp, {"axis": 0}, np.zeros(3)),
    "cumsum": (np.cumsum, {"axis": 0}, np.zeros((2, 3))),
    "nansum": (np.nansum, {"axis": 0}, np.zeros(3)),
    "nanmax": (np.nanmax, {"axis": 0}, np.zeros(3)),
    "median": (np.median, {"axis": 0}, np.zeros(3)),
    "quantile": (lambda x, **options: np.quantile(x, 0.4, **options), {"axis": 0}, np.zeros(3)),
}


@pytest.mark.parametrize("name", OUT)
def test_out_is_stored_to(name):
    function, options, place = OUT[name]

    def call(x, place):
        place = place.copy()
        assert function(x, **options, out=place) is place
        return place * 2

    assert_agrees(call, M, place)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.sum(x, out=np.zeros_like(x)), "has shape"),
        (lambda x: np.sum(x, out=np.zeros_like(x, dtype=int, shape=())), "cannot cast"),
        (lambda x: np.max(x, where=MASK), "identity"),
        (lambda x: np.sum(x, where=np.ones((4, 2, 3), bool)), "where="),
        (lambda x: np.max(x[:0]), "no elements"),
        (lambda x: np.sum(x > 0, initial=0.5), "cannot cast"),
        (lambda x: np.mean(x, dtype=int), "floats"),
        (lambda x: np.var(x, ddof=1, correction=1), "simultaneously"),
    ],
)
def test_what_numpy_refuses_is_refused(function, words):
    with pytest.raises(TypeRuleError, match=words):
        compile_grad(function)(M)


def test_a_maximum_and_its_start_share_the_gradient():
    """As `np.maximum` does."""
    gradient = compile_grad(lambda x: np.max(x, initial=2.0)).grad
    np.testing.assert_array_equal(gradient(V), [0, 0, 0.5])


LISTS = [
    lambda a, b: np.sum([a, b, 3.0]) + np.max([[a], [b]]) - np.ptp([a, b]),
    lambda a, b: np.median([a, b, 3.0]) + np.quantile([a, b], 0.3) + np.std([a, b]),
    lambda a, b: np.linalg.norm([a, b, 3.0]) + np.average([a, b], weights=[b, 1.0]),
    lambda a, b: np.polyval([a, b, 3.0], 2.0) * np.interp(0.5, [0, 1.0], [a, b]),
    lambda a, b: np.trapezoid([a, b]) + np.sum(np.convolve([a, b], [1, b])),
    lambda a, b: np.nanmean([a, b]) + np.cov([a, b, 1.0]) + np.sum(np.diff([a, b, a * b])),
    lambda a, b: np.cumsum([a, b])[-1] * np.sort([a, b, 0.0])[1] * np.searchsorted([a, 5.0], b),
]


@pytest.mark.parametrize("number", range(len(LISTS)))
def test_lists_of_traced_numbers_are_joined(number):
    assert_agrees(LISTS[number], np.float64(1.5), np.float64(2.5))
