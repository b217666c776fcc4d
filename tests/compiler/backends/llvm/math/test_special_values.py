"""Values that need no tolerance: zeros and their signs, infinities, NaN, powers and poles."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.llvm.math import names

from .loops import Loop
from .points import AS_NUMPY, points

INF, NAN = math.inf, math.nan

# Arguments and values; NumPy has these functions otherwise, or not at all.
EXACT: dict[str, list[tuple[Any, float]]] = {
    "sigmoid": [(0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN), (800.0, 1.0), (-800.0, 0.0)],
    "softplus": [(INF, INF), (-INF, 0.0), (NAN, NAN), (800.0, 800.0), (-800.0, 0.0)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (7.0, 1.0)],
    "erfc": [(0.0, 1.0), (INF, 0.0), (-INF, 2.0), (NAN, NAN), (-9.0, 2.0), (30.0, 0.0)],
    "erfinv": [(0.0, 0.0), (-0.0, -0.0), (1.0, INF), (-1.0, -INF), (1.5, NAN), (NAN, NAN)],
    "gammaln": [(1.0, 0.0), (2.0, 0.0), (0.0, INF), (-0.0, INF), (-3.0, INF), (INF, INF)],
    "digamma": [(0.0, -INF), (-0.0, INF), (-2.0, NAN), (INF, INF), (NAN, NAN)],
    "trigamma": [(0.0, INF), (-2.0, INF), (INF, 0.0), (NAN, NAN)],
    "polygamma": [(0.0, -INF), (-2.0, -INF), (INF, -0.0), (NAN, NAN)],
    "gamma": [
        *((n + 1.0, float(math.factorial(n))) for n in range(12)),
        *((0.0, INF), (-0.0, -INF), (-3.0, NAN), (180.0, INF)),
        *((INF, INF), (-INF, NAN), (NAN, NAN)),
    ],
    "beta": [
        *(((0.0, 1.0), INF), ((1.0, INF), 0.0), ((INF, INF), NAN), ((-2.0, 0.5), INF)),
        *(((-INF, 1.0), INF), ((1.0, NAN), NAN)),
    ],
    "betaln": [
        *(((0.0, 1.0), INF), ((1.0, INF), -INF), ((INF, INF), NAN), ((-2.0, 0.5), INF)),
        *(((-2.5, 2.5), -INF), ((-2.5, -2.0), INF), ((1.0, NAN), NAN)),
    ],
    "erfcx": [(0.0, 1.0), (INF, 0.0), (-INF, INF), (-30.0, INF), (NAN, NAN)],
    "erfcinv": [(1.0, 0.0), (0.0, INF), (2.0, -INF), (-0.5, NAN), (2.5, NAN), (NAN, NAN)],
    "ndtr": [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN), (-1e30, 0.0)],
    "log_ndtr": [(INF, -0.0), (-INF, -INF), (NAN, NAN)],
    "ndtri": [(0.5, 0.0), (0.0, -INF), (1.0, INF), (2.0, NAN), (-1.0, NAN), (NAN, NAN)],
    "logit": [(0.5, 0.0), (0.0, -INF), (1.0, INF), (2.0, NAN), (-1.0, NAN), (NAN, NAN)],
    "bessel_i0": [(0.0, 1.0), (INF, INF), (-INF, INF), (1e30, INF), (NAN, NAN)],
    "i0e": [(0.0, 1.0), (INF, 0.0), (-INF, 0.0), (NAN, NAN)],
    "i1": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (-1e30, -INF), (NAN, NAN)],
    "i1e": [(0.0, 0.0), (-0.0, -0.0), (INF, 0.0), (-INF, -0.0), (NAN, NAN)],
    # NumPy's sine of a rounded multiple of pi is not 0.
    "sinc": [(0.0, 1.0), (-0.0, 1.0), (1.0, 0.0), (-7.0, 0.0), (INF, NAN), (NAN, NAN)],
}

# Among them the least and the largest numbers, and whole ones, whose powers are exact.
VALUES = [0.0, 1.0, 2.0, 0.5, 3.0, 4.0, INF, 1e-310, 5e-324, 1e308, 2.0**-30, 100.0, 746.0]
BOTH = [sign * value for value in VALUES for sign in (1.0, -1.0)] + [NAN]

IN_NUMPY = [name for name in names() if name not in EXACT]

# How NumPy has functions that it has with other types of operands or results.
AS_IN_NUMPY: dict[str, Callable[..., Any]] = {
    "exponent": lambda x: np.frexp(x)[1],
    "ldexp": lambda x, n: np.ldexp(x, n.astype(int)),
}


def numpy_function(name: str) -> Callable[..., Any]:
    """Return a function of NumPy, of floats only."""
    found: Callable[..., Any] = AS_IN_NUMPY.get(name) or getattr(np, name)
    return found


def same(got: Any, expected: Any) -> Any:
    """Whether numbers are the same, zeros by their signs too, and NaN equal to itself."""
    both_nan = np.isnan(got) & np.isnan(expected)
    return both_nan | ((got == expected) & (np.signbit(got) == np.signbit(expected)))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EXACT)
def test_known_values(name: str, dtype: Any, fused: bool) -> None:
    arguments, values = zip(*EXACT[name], strict=True)
    expected = np.array(values, dtype)
    operands = np.array(arguments, dtype).reshape(len(values), -1).T
    got = Loop(name, dtype, fused)(*operands)
    assert np.all(same(got, expected)), list(zip(arguments, got, expected, strict=True))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", IN_NUMPY)
def test_special_values_are_those_of_numpy(name: str, dtype: Any) -> None:
    """Zeros, infinities and NaN equal NumPy's, and come for the same operands."""
    count = names()[name]
    with np.errstate(all="ignore"):
        table = np.array(list(itertools.product(BOTH, repeat=count))).T.astype(dtype)
        if name == "ldexp":
            table[1] = np.rint(np.nan_to_num(np.clip(table[1], -3000, 3000)))
        expected = numpy_function(name)(*table).astype(dtype)
        got = Loop(name, dtype)(*table)
        apart = np.abs(got - expected)
        tiny = np.abs(expected) < np.finfo(dtype).tiny
    special = ~np.isfinite(expected) | (expected == 0) | (name in AS_NUMPY)
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


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(AS_NUMPY))
def test_bits_are_those_of_numpy(name: str, dtype: Any, fused: bool) -> None:
    operands = points(name, dtype, 2000)
    with np.errstate(all="ignore"):
        expected = numpy_function(name)(*operands).astype(dtype)
    wrong = ~same(Loop(name, dtype, fused)(*operands), expected)
    assert not np.any(wrong), [one[wrong][:3] for one in operands]


def quotients(dtype: Any) -> list[Any]:
    """Return operands of divisions: of all sizes, and with quotients next to whole numbers."""
    rng = np.random.default_rng(7)
    word = np.uint64 if dtype is np.float64 else np.uint32
    anything = rng.integers(0, np.iinfo(word).max, (2, 4000), word).view(dtype)
    y = np.exp2(rng.uniform(-30, 30, 4000)).astype(dtype)
    product = y * np.rint(np.exp2(rng.uniform(0, 60, 4000))).astype(dtype)
    return [
        anything,
        rng.uniform(-50, 50, (2, 4000)).astype(dtype),
        np.array([product, y]),
        np.array([np.nextafter(product, dtype(0)), -y]),
    ]


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["fmod", "remainder", "floor_divide"])
def test_divisions_are_those_of_numpy(name: str, dtype: Any, fused: bool) -> None:
    """Bit for bit, however large the quotient."""
    loop = Loop(name, dtype, fused)
    for operands in quotients(dtype):
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(*operands)
        wrong = ~same(loop(*operands), expected)
        assert not np.any(wrong), [one[wrong][:3] for one in operands]
