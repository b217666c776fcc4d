"""Where the functions are tried: all over their ranges, and where they are difficult."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gradc.compiler.backends.llvm.math import names

Draw = Callable[[int], list[Any]]

# Functions whose results are those of NumPy, bit for bit; the others have errors to be measured.
AS_NUMPY = frozenset(
    ("fmod", "remainder", "floor_divide", "nextafter", "spacing", "exponent", "ldexp")
)
MEASURED = [name for name in names() if name not in AS_NUMPY]

_GENERATOR = np.random.default_rng(20240)


def _between(low: float, high: float) -> Callable[[int], Any]:
    return lambda n: _GENERATOR.uniform(low, high, n)


def _magnitudes(low: float, high: float) -> Callable[[int], Any]:
    """Draw powers of two with exponents of this range."""
    return lambda n: np.exp2(_GENERATOR.uniform(low, high, n))


def _both_signs(draw: Callable[[int], Any]) -> Callable[[int], Any]:
    return lambda n: draw(n) * _GENERATOR.choice([-1.0, 1.0], n)


def _around(centre: float, draw: Callable[[int], Any]) -> Callable[[int], Any]:
    return lambda n: centre + draw(n)


def _multiples(unit: float, most: float) -> Callable[[int], Any]:
    """Draw the floats next to multiples of a unit."""
    return lambda n: np.rint(_GENERATOR.uniform(-most, most, n)) * unit


_ALL = _both_signs(_magnitudes(-1074, 1023.9))
_POSITIVE = _magnitudes(-1074, 1023.9)
_MODERATE = _both_signs(_magnitudes(-60, 12))
_NEAR_ONE = _around(1.0, _both_signs(_magnitudes(-53, -1)))
_INSIDE = [
    _between(-1, 1),
    _both_signs(_around(1.0, lambda n: -_magnitudes(-53, -1)(n))),
    _both_signs(_magnitudes(-1074, 0)),
]
_ANGLES = [
    _between(-10, 10),
    _MODERATE,
    _multiples(np.pi / 2, 1e4),
    _both_signs(_magnitudes(10, 1023.9)),
]
_INNER = _magnitudes(-53, -2)
_LOGARITHMS = [_POSITIVE, _NEAR_ONE, _between(0.4, 2.5)]

# The arguments of the functions of one operand.
DRAWS = {
    "exp": [_between(-746, 710), _between(-1, 1), _MODERATE],
    "exp2": [_between(-1076, 1025), _between(-1, 1), _MODERATE],
    "expm1": [_between(-40, 710), _between(-1.2, 1.2), _MODERATE],
    "sinh": [_between(-711, 711), _between(-2, 2), _MODERATE],
    "cosh": [_between(-711, 711), _between(-2, 2), _MODERATE],
    "tanh": [_between(-20, 20), _between(-1, 1), _MODERATE],
    "sigmoid": [_between(-746, 40), _between(-3, 3), _MODERATE],
    "softplus": [_between(-746, 40), _between(-3, 3), _MODERATE],
    "log": _LOGARITHMS,
    "log2": _LOGARITHMS,
    "log10": _LOGARITHMS,
    "log1p": [_POSITIVE, _both_signs(_magnitudes(-60, -1)), _around(-1.0, _magnitudes(-53, 1))],
    "arcsinh": [_ALL, _MODERATE, _between(-3, 3)],
    "arccosh": [_around(1.0, _magnitudes(-52, 1000)), _around(1.0, _magnitudes(-52, 2))],
    "arctanh": _INSIDE,
    "sin": _ANGLES,
    "cos": _ANGLES,
    "tan": _ANGLES,
    "arcsin": _INSIDE,
    "arccos": _INSIDE,
    "arctan": [_ALL, _MODERATE, _between(-3, 3)],
    "cbrt": [_ALL, _MODERATE],
    "erf": [_between(-7, 7), _MODERATE, _ALL],
    "erfc": [_between(-7, 28), _MODERATE, _between(-1, 1.5)],
    "erfinv": _INSIDE,
    "gammaln": [
        _between(0, 30),
        _magnitudes(-1000, 1000),
        _NEAR_ONE,
        _around(2.0, _both_signs(_magnitudes(-52, -1))),
    ],
    "digamma": [
        _between(0, 30),
        _magnitudes(-1000, 1000),
        _around(1.4616321449683623, _both_signs(_magnitudes(-52, -2))),
    ],
    "trigamma": [_between(0, 30), _magnitudes(-300, 300)],
    "polygamma": [_between(0, 30), _magnitudes(-300, 300)],
    "gamma": [_between(0, 172), _magnitudes(-1022, 7), _NEAR_ONE, _between(-30, 0)],
    "erfcx": [_between(-26.7, 30), _both_signs(_magnitudes(-60, 4)), _POSITIVE],
    "erfcinv": [_between(0, 2), _magnitudes(-1074, 0), _NEAR_ONE],
    "ndtr": [_between(-38.6, 9), _MODERATE, _between(-1.5, 1.5)],
    "log_ndtr": [_between(-50, 38), _MODERATE, _between(-1.5, 1.5), _magnitudes(-1074, 5)],
    "ndtri": [_between(0, 1), _magnitudes(-1074, -1), _around(0.5, _both_signs(_INNER))],
    "logit": [_between(0, 1), _magnitudes(-1074, -1), _around(0.5, _both_signs(_INNER))],
    "bessel_i0": [_between(-713, 713), _between(-12, 12), _MODERATE],
    "i0e": [_between(-713, 713), _between(-12, 12), _ALL],
    "i1": [_between(-713, 713), _between(-12, 12), _MODERATE],
    "i1e": [_between(-713, 713), _between(-12, 12), _ALL],
    "sinc": [_between(-10, 10), _MODERATE, _multiples(0.5, 1e4), _NEAR_ONE],
    "spacing": [_ALL],
    "exponent": [_ALL],
}

_TWO_POSITIVE = [
    (_between(0, 20), _between(0, 20)),
    (_between(0, 300), _between(0, 300)),
    (_between(0, 20), _magnitudes(-1000, 1000)),
    (_magnitudes(-1000, 1000), _magnitudes(-1000, 1000)),
]

_DIVISIONS = [(_between(-50, 50), _between(-50, 50)), (_MODERATE, _MODERATE), (_ALL, _ALL)]

# Those of the functions of two.
DRAWS_OF_TWO: dict[str, list[tuple[Callable[[int], Any], Callable[[int], Any]]]] = {
    "power": [
        (_POSITIVE, _between(-3, 3)),
        (_NEAR_ONE, _both_signs(_magnitudes(0, 50))),
        (_between(0.1, 10), _between(-300, 300)),
        (_between(-10, 10), _multiples(1.0, 60)),
    ],
    "logaddexp": [(_between(0, 50), _between(-50, 50)), (_between(-900, -1), _between(-900, -1))],
    "arctan2": [(_ALL, _ALL), (_between(-3, 3), _between(-3, 3)), (_MODERATE, _MODERATE)],
    "hypot": [(_ALL, _ALL), (_between(-3, 3), _between(-3, 3)), (_MODERATE, _MODERATE)],
    "beta": _TWO_POSITIVE,
    "betaln": _TWO_POSITIVE,
    "fmod": _DIVISIONS,
    "remainder": _DIVISIONS,
    "floor_divide": _DIVISIONS,
    "nextafter": [(_ALL, _ALL)],
    "ldexp": [(_ALL, _multiples(1.0, 2100)), (_MODERATE, _multiples(1.0, 100))],
}


def points(name: str, dtype: Any, count: int) -> list[Any]:
    """Draw operands of a function, ``count`` of each of its kinds, finite and not 0 in a dtype."""
    if name in DRAWS_OF_TWO:
        pairs = [(first(count), second(count)) for first, second in DRAWS_OF_TWO[name]]
        drawn = [np.concatenate(column) for column in zip(*pairs, strict=True)]
    else:
        drawn = [np.concatenate([draw(count) for draw in DRAWS[name]])]
    with np.errstate(over="ignore", under="ignore"):
        operands = [one.astype(dtype) for one in drawn]
    usable = np.all([np.isfinite(one) & (one != 0) for one in operands], axis=0)
    return [one[usable] for one in operands]


def error(got: Any, high: Any, low: Any) -> Any:
    """Return the errors of results in units of the last place of the exact value.

    Args:
        got: The results, float64 or float32.
        high: The exact values rounded to float64.
        low: What the rounding lost.
    """
    limits = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        nearest = high.astype(got.dtype)
        unit = np.spacing(np.minimum(np.abs(nearest), limits.max)).astype(float)
        units = np.abs((got.astype(float) - high) - low) / unit
    same = (got == nearest) | (np.isnan(got) & np.isnan(nearest))
    units = np.where(same & ~np.isfinite(nearest), 0.0, units)
    # Rounding up the largest numbers is infinite, or the largest where it should be.
    edge = np.isinf(nearest) & (np.abs(got) == limits.max)
    units = np.where(edge | (np.isinf(got) & (np.abs(nearest) == limits.max)), 1.0, units)
    return np.where(np.isnan(units), np.inf, units)
