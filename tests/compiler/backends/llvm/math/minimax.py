"""Find the coefficients in the package: minimax polynomials by Remez' exchange, with mpmath.

``python -m tests.compiler.backends.llvm.math.minimax [names]`` prints them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Wanted:
    """A polynomial to find.

    Attributes:
        function: What it approximates.
        low: The least argument.
        high: The greatest one.
        degree: Of the polynomial for float64; none where there is none.
        degree_of_single: Of that for float32; none where there is none.
        weight: By what the error is multiplied.
    """

    function: Function
    low: Any
    high: Any
    degree: int | None
    degree_of_single: int | None = None
    weight: Function = lambda t: mpmath.mpf(1)


def _fitted(wanted: Wanted, degree: int, fixed: Sequence[Any], rounds: int = 6) -> list[Any]:
    """Return coefficients, the lowest first, of which the first ones are given."""
    low, high = mpmath.mpf(wanted.low), mpmath.mpf(wanted.high)
    given = len(fixed)
    free = degree + 1 - given

    def chebyshev(count: int) -> list[Any]:
        middle, half = (low + high) / 2, (high - low) / 2
        return [
            middle - half * mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * count)) for k in range(count)
        ]

    def rest(t: Any) -> Any:
        return wanted.function(t) - mpmath.polyval(list(reversed(fixed)) or [0], t)

    grid = chebyshev(12 * (free + 1))
    values = [rest(t) for t in grid]
    weights = [wanted.weight(t) for t in grid]
    nodes = chebyshev(free + 1)
    found: list[Any] = []
    for _ in range(rounds):
        system = mpmath.matrix(free + 1, free + 1)
        right = mpmath.matrix(free + 1, 1)
        for row, t in enumerate(nodes):
            weight = wanted.weight(t)
            for column in range(free):
                system[row, column] = t ** (column + given) * weight
            system[row, free] = (-1) ** row
            right[row] = rest(t) * weight
        found = list(mpmath.lu_solve(system, right))[:free]
        terms = [*reversed(found), *([0] * given)]
        errors = [
            (value - mpmath.polyval(terms, t)) * weight
            for t, value, weight in zip(grid, values, weights, strict=True)
        ]
        extrema = _alternating(errors, free + 1)
        if len(extrema) < free + 1:
            break
        nodes = [grid[k] for k in extrema]
    return [*fixed, *found]


def _alternating(errors: Sequence[Any], count: int) -> list[int]:
    """Return the places of the extrema between changes of sign, the greatest ``count`` of them."""
    places: list[int] = []
    for k, error in enumerate(errors):
        if places and (errors[places[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[places[-1]]):
                places[-1] = k
        else:
            places.append(k)
    while len(places) > count:
        places.pop(0 if abs(errors[places[0]]) < abs(errors[places[-1]]) else -1)
    return places


def coefficients(wanted: Wanted, single: bool = False) -> list[float]:
    """Return the coefficients, the highest first, rounded to a format.

    In float32 the two lowest are rounded first, and the others fitted to what that leaves.
    """
    degree = wanted.degree_of_single if single else wanted.degree
    assert degree is not None
    kind = np.float32 if single else np.float64
    fixed: list[Any] = []
    for k in range(2 if single and wanted.low >= 0 else 0):
        fixed = [*fixed, mpmath.mpf(float(kind(float(_fitted(wanted, degree, fixed, 3)[k]))))]
    return [float(kind(float(one))) for one in reversed(_fitted(wanted, degree, fixed))]


def _odd(function: Function, power: int, *terms: Any) -> Function:
    """Return (f(x) - terms) / x**power as a function of x**2, terms of x, x**3, ..."""

    def quotient(square: Any) -> Any:
        x = mpmath.sqrt(max(square, mpmath.mpf(10) ** -24))
        known = sum((c * x ** (2 * k + 1) for k, c in enumerate(terms)), mpmath.mpf(0))
        return (function(x) - known) / x**power

    return quotient


def _even(function: Function, power: int, *terms: Any) -> Function:
    """Return the same with terms of 1, x**2, ..."""

    def quotient(square: Any) -> Any:
        x = mpmath.sqrt(max(square, mpmath.mpf(10) ** -24))
        known = sum((c * x ** (2 * k) for k, c in enumerate(terms)), mpmath.mpf(0))
        return (function(x) - known) / x**power

    return quotient


def _scaled_erfc(centre: float) -> Function:
    """Return exp(x**2) erfc(x) (1 + 2 x) as a function of (x - centre) / (x + centre)."""

    def value(t: Any) -> Any:
        x = mpmath.mpf(centre) * (1 + t) / (1 - t)
        return mpmath.exp(x * x) * mpmath.erfc(x) * (1 + 2 * x)

    return value


def _ratio(x: Any, centre: float) -> Any:
    return (mpmath.mpf(x) - centre) / (mpmath.mpf(x) + centre)


def _weight_of_complement(t: Any) -> Any:
    x = mpmath.mpf(2.5) * (1 + t) / (1 - t)
    return mpmath.exp(-x * x) / (1 + 2 * x)


def _inverse_of_erf(w: Any) -> Any:
    """Return erfinv(x) / x with w = -log(1 - x**2), by Newton's method from the tail's series."""
    if w < mpmath.mpf(10) ** -18:
        return mpmath.sqrt(mpmath.pi) / 2
    x = mpmath.sqrt(-mpmath.expm1(-w))
    rest = mpmath.exp(-w) / (1 + x)
    y = mpmath.erfinv(x) if w < 20 else mpmath.sqrt(w - mpmath.log(mpmath.pi * w) / 2)
    for _ in range(8):
        step = (rest - mpmath.erfc(y)) * mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(y * y)
        y -= step / (1 + y * step)
    return y / x


def _series(function: Function, power: int) -> Function:
    """Return x**power * function(x) as a function of 1 / x**2."""

    def value(square: Any) -> Any:
        x = 1 / mpmath.sqrt(max(square, mpmath.mpf(10) ** -12))
        return function(x) * x**power

    return value


def _beyond_stirling(x: Any) -> Any:
    return mpmath.loggamma(x) - ((x - 0.5) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2)


def _bessel_series(order: int) -> Function:
    """Return (I(x) / I's first term - 1) / y as a function of y = (x / 2)**2, orders 0 and 1."""

    def value(y: Any) -> Any:
        x = 2 * mpmath.sqrt(max(y, mpmath.mpf(10) ** -24))
        return (mpmath.besseli(order, x) / (x / 2) ** order - 1) / (x / 2) ** 2

    return value


def _bessel_far(order: int) -> Function:
    """Return sqrt(x) exp(-x) I(x) as a function of 16 / x - 1."""

    def value(t: Any) -> Any:
        x = 16 / (1 + t)
        return mpmath.sqrt(x) * mpmath.exp(-x) * mpmath.besseli(order, x)

    return value


def _special_functions() -> dict[str, Wanted]:
    root = mpmath.findroot(mpmath.digamma, 1.4616321449683623)
    slope = 2 / mpmath.sqrt(mpmath.pi)

    def gamma_rest(z: Any) -> Any:
        return (mpmath.gamma(2 + z) - 1) / z if abs(z) > 1e-20 else 1 - mpmath.euler

    def gammaln_rest(z: Any) -> Any:
        return mpmath.loggamma(2 + z) / z if abs(z) > 1e-20 else 1 - mpmath.euler

    return {
        "ERF": Wanted(_odd(mpmath.erf, 3, slope), 0, 1.0001, 10, 5),
        "ERF_LEAST": Wanted(_odd(mpmath.erf, 3, slope), 0, mpmath.mpf(1) / 64, 5),
        "ERF_COMPLEMENT": Wanted(
            _scaled_erfc(2.5),
            _ratio(0.9999, 2.5),
            _ratio(6, 2.5),
            None,
            6,
            weight=_weight_of_complement,
        ),
        "ERFC": Wanted(_scaled_erfc(3.75), _ratio(0.4999, 3.75), _ratio(28, 3.75), 21),
        "ERFCX": Wanted(_scaled_erfc(3.75), -1, 1, 24),
        "ERFINV_CENTRE": Wanted(lambda u: _inverse_of_erf(u + 2), -2, 2.0001, 19),
        "ERFINV_MIDDLE": Wanted(lambda u: _inverse_of_erf((u + 3) ** 2), -1.0001, 1.0001, 25),
        "ERFINV_FAR": Wanted(lambda u: _inverse_of_erf((u + 5) ** 2), -1.0001, 1.01, 19),
        "ERFINV_FARTHER": Wanted(lambda u: _inverse_of_erf((u + 9) ** 2), -3.001, 3.001, 20),
        "ERFINV_LAST": Wanted(
            lambda u: _inverse_of_erf((u + mpmath.mpf(19.75)) ** 2), -7.751, 7.75, 23
        ),
        "BESSEL_ZERO": Wanted(_bessel_series(0), 0, 16.0001, 14),
        "BESSEL_ZERO_FAR": Wanted(_bessel_far(0), -1, 1.0001, 24),
        "BESSEL_ONE": Wanted(_bessel_series(1), 0, 16.0001, 13),
        "BESSEL_ONE_FAR": Wanted(_bessel_far(1), -1, 1.0001, 24),
        "GAMMA": Wanted(gamma_rest, -0.50001, 0.50001, 18),
        "GAMMALN": Wanted(gammaln_rest, -0.50001, 0.50001, 18),
        "STIRLING": Wanted(_series(_beyond_stirling, 1), 0, mpmath.mpf(1) / 49, 6),
        "DIGAMMA": Wanted(lambda u: mpmath.digamma(u + 1.5) / (u + 1.5 - root), -0.5, 0.5, 21),
        "DIGAMMA_FAR": Wanted(
            _series(lambda x: mpmath.log(x) - 1 / (2 * x) - mpmath.digamma(x), 2),
            0,
            mpmath.mpf(1) / 16,
            9,
        ),
        "TRIGAMMA_FAR": Wanted(
            _series(lambda x: mpmath.psi(1, x) - 1 / x - 1 / (2 * x * x), 3),
            0,
            mpmath.mpf(1) / 64,
            7,
        ),
    }


def wanted() -> dict[str, Wanted]:
    """Return what the package has, by its names there."""
    half = (mpmath.log(2) / 2) * mpmath.mpf("1.0001")
    artanh = (mpmath.sqrt(2) - 1) ** 4 * mpmath.mpf("1.0001")
    eighth = (mpmath.sqrt(2) - 1) ** 2 * mpmath.mpf("1.0001")
    right, quarter = ((mpmath.pi / n) ** 2 * mpmath.mpf("1.0001") for n in (2, 4))
    third = mpmath.mpf(2) / 3

    def exp_rest(r: Any) -> Any:
        return (mpmath.expm1(r) - r) / r**2 if abs(r) > 1e-20 else mpmath.mpf(0.5)

    def doubled(s: Any) -> Any:
        return 2 * mpmath.atanh(s)

    return {
        "EXP": Wanted(exp_rest, -half, half, 9, 4),
        "SINH": Wanted(_odd(mpmath.sinh, 3, 1), 0, half**2, 4, 2),
        "COSH": Wanted(_even(mpmath.cosh, 2, 1), 0, half**2, 4, 2),
        "LOG": Wanted(_odd(doubled, 3, 2), 0, artanh, 6, 2),
        "LOG_TAIL": Wanted(_odd(doubled, 5, 2, third), 0, artanh, 7, 3),
        "SIN": Wanted(_odd(mpmath.sin, 3, 1), 0, right, 7, 3, lambda z: z + 1e-6),
        "SIN_OF_QUARTER": Wanted(_odd(mpmath.sin, 3, 1), 0, quarter, 5, 2),
        "COS_OF_QUARTER": Wanted(_even(mpmath.cos, 4, 1, -0.5), 0, quarter, 5, 2),
        "ARCTAN": Wanted(_odd(mpmath.atan, 3, 1), 0, eighth, 10, 4),
        "ARCSIN": Wanted(_odd(mpmath.asin, 3, 1), 0, 0.25, 12, 4),
        **_special_functions(),
        "CBRT": Wanted(mpmath.cbrt, 0.70703, 1.41436, 5),
    }


if __name__ == "__main__":
    mpmath.mp.dps = 60
    for name, one in wanted().items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        if one.degree is not None:
            print(name, coefficients(one))
        if one.degree_of_single is not None:
            print(name, "of float32", coefficients(one, single=True))
