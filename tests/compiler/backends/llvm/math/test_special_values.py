"""Values that need no tolerance: zeros and their signs, infinities, NaN, powers and poles."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.llvm.math import names

from .loops import Loop

INF, NAN = math.inf, math.nan

# Arguments and values; NumPy has these functions otherwise, or not at all.
EXACT: dict[str, list[tuple[float, float]]] = {
    "sigmoid": [(0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN), (800.0, 1.0), (-800.0, 0.0)],
    "softplus": [(INF, INF), (-INF, 0.0), (NAN, NAN), (800.0, 800.0), (-800.0, 0.0)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (7.0, 1.0)],
    "erfc": [(0.0, 1.0), (INF, 0.0), (-INF, 2.0), (NAN, NAN), (-9.0, 2.0), (30.0, 0.0)],
    "erfinv": [(0.0, 0.0), (-0.0, -0.0), (1.0, INF), (-1.0, -INF), (1.5, NAN), (NAN, NAN)],
    "gammaln": [(1.0, 0.0), (2.0, 0.0), (0.0, INF), (-0.0, INF), (-3.0, INF), (INF, INF)],
    "digamma": [(0.0, -INF), (-0.0, INF), (-2.0, NAN), (INF, INF), (NAN, NAN)],
    "trigamma": [(0.0, INF), (-2.0, INF), (INF, 0.0), (NAN, NAN)],
}

# Among them the least and the largest numbers, and whole ones, whose powers are exact.
VALUES = [0.0, 1.0, 2.0, 0.5, 3.0, 4.0, INF, 1e-310, 5e-324, 1e308, 2.0**-30, 100.0, 746.0]
BOTH = [sign * value for value in VALUES for sign in (1.0, -1.0)] + [NAN]

IN_NUMPY = [name for name in names() if name not in EXACT]


def same(got: Any, expected: Any) -> Any:
    """Whether numbers are the same, zeros by their signs too, and NaN equal to itself."""
    both_nan = np.isnan(got) & np.isnan(expected)
    return both_nan | ((got == expected) & (np.signbit(got) == np.signbit(expected)))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EXACT)
def test_known_values(name: str, dtype: Any, fused: bool) -> None:
    arguments, expected = (np.array(column, dtype) for column in zip(*EXACT[name], strict=True))
    got = Loop(name, dtype, fused)(arguments)
    assert np.all(same(got, expected)), list(zip(arguments, got, expected, strict=True))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", IN_NUMPY)
def test_special_values_are_those_of_numpy(name: str, dtype: Any) -> None:
    """Zeros, infinities and NaN equal NumPy's, and come for the same operands."""
    count = names()[name]
    with np.errstate(all="ignore"):
        table = np.array(list(itertools.product(BOTH, repeat=count))).T.astype(dtype)
        expected = getattr(np, name)(*table)
        got = Loop(name, dtype)(*table)
        apart = np.abs(got - expected)
        tiny = np.abs(expected) < np.finfo(dtype).tiny
    special = ~np.isfinite(expected) | (expected == 0)
    wrong = special & ~same(got, expected) | (np.isfinite(expected) & ~np.isfinite(got))
    assert not np.any(wrong), [column[wrong] for column in (*table, got, expected)]
    # The bound of the accuracy, with room for NumPy's own error, and for one of the least numbers.
    near = special | (apart <= 6 * np.finfo(dtype).eps * np.abs(expected))
    near |= tiny & (apart <= 2 * np.finfo(dtype).smallest_subnormal)
    assert np.all(near), [column[~near] for column in (*table, got, expected)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_exact_results(dtype: Any) -> None:
    """Results that are floats come without error where one expects it."""
    limits = np.finfo(dtype)
    least = int(np.log2(limits.smallest_subnormal))
    exponents = np.arange(least, limits.maxexp, dtype=dtype)
    powers = np.ldexp(dtype(1.0), exponents.astype(int))
    assert np.array_equal(Loop("exp2", dtype)(exponents), powers)
    assert np.array_equal(Loop("log2", dtype)(powers), exponents)
    whole = np.arange(-200, 201, dtype=dtype)
    assert np.array_equal(Loop("cbrt", dtype)(whole**3), whole)
    assert np.array_equal(Loop("power", dtype)(whole, np.full_like(whole, 2)), whole**2)
    tens = np.arange(0, 11, dtype=dtype)
    assert np.array_equal(Loop("log10", dtype)(10**tens), tens)
    assert np.array_equal(Loop("hypot", dtype)(3 * whole, 4 * whole), np.abs(5 * whole))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["sin", "tan", "expm1", "log1p", "arcsinh", "sinh", "arctan"])
def test_least_numbers_are_kept(name: str, dtype: Any) -> None:
    """A function with slope 1 at 0 is the identity on subnormal numbers."""
    x = np.finfo(dtype).smallest_subnormal * np.array([-7, -1, 1, 2, 1000], dtype)
    assert np.array_equal(Loop(name, dtype)(x), x)


def test_huge_and_ordinary_arguments_side_by_side() -> None:
    """One huge argument leaves the results of its neighbours as they are."""
    x = np.linspace(-20.0, 20.0, 1001)
    for name in ("sin", "cos", "tan"):
        loop = Loop(name, np.float64)
        alone = loop(x)
        mixed = np.where(np.arange(x.size) % 5 == 0, 1e300, x)
        rare = loop(np.full(x.size, 1e300))
        assert np.array_equal(loop(mixed), np.where(mixed == 1e300, rare, alone))
