"""Reductions, statistics, sorting and their kin along an axis whose size is left open."""

from types import FunctionType

import numpy as np
import pytest

import gradc
from gradc import DerivativeError, GradcError, compile_grad

TAKEN = {
    "where": lambda x: np.sum(x, where=x > 0) + np.mean(x, where=x > 0),
    "initial": lambda x: np.max(x, initial=0.1),
    "std": lambda x: np.std(x, ddof=1) + np.std(x, where=x > 0) + np.var(x, mean=0.2, ddof=1),
    "ptp": lambda x: np.ptp(x),
    "cumsum": lambda x: np.sum(np.cumsum(x) ** 2),
    "cummax": lambda x: np.sum(np.maximum.accumulate(x)),
    "sort": lambda x: np.sum(np.sort(x) * np.cumsum(np.ones_like(x))),
    "argsort": lambda x: np.sum(x[np.argsort(x)] * np.cumsum(np.ones_like(x))),
    "median": lambda x: np.median(x),
    "quantile": lambda x: np.sum(np.quantile(x, [0.2, 0.6]) ** 2),
    "diff": lambda x: np.sum(np.diff(x, prepend=1.0) ** 2),
    "gradient": lambda x: np.sum(np.gradient(x, edge_order=2) ** 2),
    "trapezoid": lambda x: np.trapezoid(x, np.cumsum(np.abs(x))),
    "norm": lambda x: np.linalg.norm(x) + np.linalg.norm(x, 1) + np.linalg.norm(x, np.inf),
    "convolve": lambda x: np.sum(np.convolve(x, [1.0, 2.0, 1.0]) ** 2),
    "cov": lambda x: np.cov(x),
    "average": lambda x: np.average(x, weights=x**2) * np.average(x, returned=True)[1],
    "nanmean": lambda x: np.nanmean(x) + np.nanmax(x) + np.nanstd(x, ddof=1) + np.nanmedian(x),
    "interp": lambda x: np.sum(np.interp([0.2, 0.4, 0.3], np.cumsum(np.exp(x)) / 9, x**2)),
    "searchsorted": lambda x: np.sum(x * np.searchsorted(np.sort(x), x)),
    "digitize": lambda x: np.sum(x * np.digitize(x, [0.0, 0.5])),
    "polyval": lambda x: np.sum(np.polyval([1.0, 2.0, 1.0], x)) + np.sum(np.vander(x, 3)),
    "nonzero": lambda x: np.sum(x[np.flatnonzero(x > 0)] ** 2),
}


@pytest.mark.parametrize("name", TAKEN)
def test_one_program_for_all_sizes(name):
    """It says what a program for the one size says."""
    compiled = compile_grad(TAKEN[name])
    scope = {}
    exec(compiled.lower(gradc.spec("f8[n]")).numpy, scope)
    run = [one for one in scope.values() if isinstance(one, FunctionType)][-1]
    for size in (5, 6):
        x = np.sin(np.arange(size) * 1.7 + 0.3)
        value, gradient = run(x)
        expected, slopes = compiled.value_and_grad(x)
        np.testing.assert_allclose(expected, TAKEN[name](x), rtol=1e-12)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(np.cumprod(x)),
        lambda x: np.sum(np.convolve(x, [1.0, 2.0, 1.0], "same")),
        lambda x: np.sum(np.correlate(x, [1.0, 2.0, 1.0])),
        lambda x: np.polyval(x, 2.0),
        lambda x: np.sum(np.logaddexp.accumulate(x)),
        lambda x: np.sum(np.gradient(x, np.cumsum(np.exp(x)))),
    ],
)
def test_what_needs_the_size_says_so(function):
    with pytest.raises((GradcError, DerivativeError), match="size n") as caught:
        compile_grad(function).lower(gradc.spec("f8[n]")).numpy  # noqa: B018
    assert "gradc.spec" in caught.value.fix


@pytest.mark.parametrize(
    "function",
    [
        np.sum,
        np.cumsum,
        np.sort,
        np.argsort,
        np.median,
        np.nanmax,
        np.ptp,
        lambda x, axis: np.diff(x, 1, axis),
        lambda x, axis: np.trapezoid(x, axis=axis),
        lambda x, axis: np.linalg.norm(x, 1, axis),
        lambda x, axis: np.quantile(x, 0.25, axis),
        lambda x, axis: np.apply_along_axis(np.sum, axis, x),
    ],
)
def test_an_axis_may_be_an_argument(function):
    x = np.sin(np.arange(12.0)).reshape(3, 4)
    compiled = compile_grad(lambda x, axis: function(x, axis))
    for axis in (0, 1, -1):
        np.testing.assert_allclose(compiled(x, axis), function(x, axis), rtol=1e-13)
