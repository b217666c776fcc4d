"""Logarithms.

x = 2**k m with m between sqrt(1/2) and sqrt(2), log(m) = 2 artanh(s) with s = (m - 1) / (m + 1)
(as in FreeBSD's msun, by K. C. Ng).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .coefficients import LOG, LOG_TAIL
from .exponential import LOG_OF_TWO, exp
from .pairs import Pair, choose, exact_product, exact_sum, ordered_sum, remainder
from .scalar import Scalar

# The logarithm of 2 to a base, and 1 over the natural logarithm of the base, each in two parts; the
# first part of the first has so few digits that a whole number times it is exact.
_BASE_TWO = {
    "f64": ((1.0, 0.0), (1.4426950408889634, 2.0355273740931033e-17)),
    "f32": ((1.0, 0.0), (1.4426950216293335, 1.9259629911266175e-08)),
}
_BASE_TEN = {
    "f64": (
        (0.30102999566406652, -8.532344317057107e-14),
        (0.4342944819032518, 1.098319650216765e-17),
    ),
    "f32": (
        (0.301025390625, 4.605038981195214e-06),
        (0.4342944920063019, -1.0103050052231683e-08),
    ),
}

_TWO_THIRDS = {
    "f64": (2.0 / 3.0, 3.700743415417188e-17),
    "f32": (0.6666666865348816, -1.9868214962137642e-08),
}

# Of a base: see above.
_Base = Mapping[str, tuple[tuple[float, float], tuple[float, float]]]


def split(x: Scalar) -> tuple[Scalar, Scalar]:
    """Return (k, m), x = 2**k m, sqrt(1/2) <= m < sqrt(2), of a positive finite number."""
    format = x.at.format
    lift, whole = format.fraction + 2, 2.0**format.fraction
    is_tiny = x < format.least_normal
    x = is_tiny.choose(x * 2.0**lift, x)
    low = format.bits_of(math.sqrt(0.5))
    one = format.bits_of(1.0)
    # The field of the exponent, and then a float: the exponent in the last places of 2**fraction.
    moved = x.bits() + (one - low)
    field = (moved >> format.fraction) | format.bits_of(whole)
    k = field.as_float() - is_tiny.choose(whole + format.bias + lift, whole + format.bias)
    m = ((moved & (2**format.fraction - 1)) + low).as_float()
    return k, m


def _inverse_power(k: Scalar) -> Scalar:
    """Return 2**-k, at most within the normal numbers.

    It scales what a number lacks of a sum, which says nothing for the largest and least ones.
    """
    bound = k.at.format.bias - 1.0
    return (-k).at_least(-bound).at_most(bound).power_of_two()


def _special(x: Scalar, y: Scalar, pole: float = 0.0) -> Scalar:
    """Return y, the logarithm, with its values at and beyond the pole, infinity and NaN."""
    y = (x < math.inf).choose(y, x)
    y = x.equals(pole).choose(-math.inf, y)
    return (x < pole).choose(math.nan, y)


def _of_near(k: Scalar, f: Scalar, low: Scalar | None) -> Scalar:
    """Return log(2**k (1 + f + low)), low within rounding of 1 + f."""
    name = f.at.format.name
    upper, lower = LOG_OF_TWO[name]
    s = f / (2.0 + f)
    z = s * s
    tail = k * lower
    if low is not None:
        tail = low.times_plus(f.times_plus(f - 1.0, 1.0), tail)
    # 2 s = f - s f, of which f is exact and the rest small.
    rest = s.times_plus(z.times_plus(z.polynomial(LOG[name]), -f), tail)
    return k.times_plus(upper, f + rest)


def log(x: Scalar) -> Scalar:
    """Return the natural logarithm."""
    k, m = split(x)
    return _special(x, _of_near(k, m - 1.0, None))


def log_one_plus(x: Scalar) -> Scalar:
    """Return log(1 + x), relatively exact near 0."""
    total = exact_sum(x, 1.0)
    k, m = split(total.high)
    low = total.low * _inverse_power(k)
    result = _special(x, _of_near(k, m - 1.0, low), -1.0)
    return (abs(x) < 2.0 ** (-x.at.format.fraction - 2)).choose(x, result)


def log_of_pair(x: Scalar, low: Scalar | None = None) -> tuple[Scalar, Pair]:
    """Return (k, log(m)) with x + low = 2**k m, of a positive number.

    The second to about 2**-65 of itself in float64, and 2**-36 in float32.
    """
    k, m = split(x)
    f = m - 1.0
    below = exact_sum(m, 1.0)
    inverse = 1.0 / below.high
    s = f * inverse
    rest, lost = remainder(f, s, below.high), below.low
    if low is not None:
        low = low * _inverse_power(k)
        rest, lost = rest + low, lost + low
    rest = (-s).times_plus(lost, rest)
    return k, doubled_artanh(s, rest * inverse)


def doubled_artanh(s: Scalar, low: Scalar) -> Pair:
    """Return 2 artanh(s + low) for abs(s) <= 0.1716.

    The terms 2 s + 2/3 s**3 are taken as pairs, whose low parts need not be normal.
    """
    square = exact_product(s, s)
    square_low = (s + s).times_plus(low, square.low)
    name = s.at.format.name
    two_thirds, beyond = _TWO_THIRDS[name]
    rest = square.high * square.high.polynomial(LOG_TAIL[name])
    third = ordered_sum(s.at.number(two_thirds), rest)
    third_low = third.low + beyond
    cube = exact_product(s, square.high)
    cube_low = s.times_plus(square_low, low.times_plus(square.high, cube.low))
    cubic = exact_product(cube.high, third.high)
    cubic_low = cube.high.times_plus(third_low, cube_low.times_plus(third.high, cubic.low))
    total = ordered_sum(s + s, cubic.high)
    return Pair(total.high, total.low + ((low + low) + cubic_low))


def _combined(k: Scalar, part: Pair, unit: Sequence[float]) -> Pair:
    """Return k * unit + part; the first part of the unit has few digits."""
    total = ordered_sum(k * unit[0], part.high)
    return ordered_sum(total.high, total.low + k.times_plus(unit[1], part.low))


def natural(x: Scalar, low: Scalar | None = None) -> Pair:
    """Return the natural logarithm of x + low, a positive number, as a pair."""
    k, part = log_of_pair(x, low)
    return _combined(k, part, LOG_OF_TWO[x.at.format.name])


def _based(x: Scalar, base: _Base) -> Scalar:
    """Return the logarithm to a base, the leading part of which is multiplied without error."""
    name = x.at.format.name
    unit, inverse = base[name]
    k, m = split(x)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = (0.5 * f) * f
    high = f - half
    low = s.times_plus(z.times_plus(z.polynomial(LOG[name]), half), (f - high) - half)
    product = exact_product(high, x.at.number(inverse[0]))
    lost = low.times_plus(
        inverse[0], high.times_plus(inverse[1], k.times_plus(unit[1], product.low))
    )
    total = ordered_sum(k * unit[0], product.high)
    return _special(x, total.high + (total.low + lost))


def log_base_two(x: Scalar) -> Scalar:
    """Return the logarithm to the base 2, exact at powers of two."""
    return _based(x, _BASE_TWO)


def log_base_ten(x: Scalar) -> Scalar:
    """Return the logarithm to the base 10."""
    return _based(x, _BASE_TEN)


def _large(x: Scalar) -> float:
    """Return above what the square of a number plus 1 is the square."""
    return float(2.0 ** (x.at.format.fraction / 2 + 4))


def _small(x: Scalar) -> float:
    """Return below what an odd function with slope 1 is the identity."""
    return float(2.0 ** (-x.at.format.fraction / 2 - 2))


def arcsinh(x: Scalar) -> Scalar:
    """Return the inverse hyperbolic sine, log(a + sqrt(a**2 + 1)) of a = abs(x)."""
    a = abs(x)
    is_large = a > _large(x)
    small = is_large.choose(1.0, a)
    root = (exact_product(small, small) + 1.0).sqrt()
    inner = choose(is_large, Pair(a, a * 0.0), root + small)
    result = natural(inner.high, inner.low) + is_large.choose(math.log(2.0), 0.0)
    whole = (a < math.inf).choose(result.sum(), a).with_sign_of(x)
    return (a < _small(x)).choose(x, whole)


def arccosh(x: Scalar) -> Scalar:
    """Return the inverse hyperbolic cosine, log(x + sqrt(x**2 - 1))."""
    is_large = x > _large(x)
    small = is_large.choose(1.0, x)
    root = (exact_product(small, small) + -1.0).sqrt()
    root = choose(small.equals(1.0), Pair(small * 0.0, small * 0.0), root)
    inner = choose(is_large, Pair(x, x.at.number(0.0)), root + small)
    result = natural(inner.high, inner.low) + is_large.choose(math.log(2.0), 0.0)
    whole = (x < math.inf).choose(result.sum(), x)
    return (x < 1.0).choose(math.nan, whole)


def arctanh(x: Scalar) -> Scalar:
    """Return the inverse hyperbolic tangent, log((1 + a) / (1 - a)) / 2 of a = abs(x)."""
    a = abs(x)
    inner = exact_sum(a, 1.0) / exact_sum(-a, 1.0)
    result = 0.5 * natural(inner.high, inner.low).sum()
    # The quotient does not resolve the logarithm of what is nearly 1.
    whole = a.equals(1.0).choose(math.inf, (a > 1.0).choose(math.nan, result)).with_sign_of(x)
    return (a < _small(x)).choose(x, whole)


def log_of_sum_of_exponentials(x: Scalar, y: Scalar) -> Scalar:
    """Return log(e**x + e**y)."""
    larger = (x > y).choose(x, y)
    # Two equal infinities have no difference.
    distance = x.equals(y).choose(0.0, -abs(x - y))
    result = larger + log_one_plus(exp(distance))
    return (x.is_nan() | y.is_nan()).choose(x + y, result)


def logit(p: Scalar) -> Scalar:
    """Return log(p / (1 - p)), relatively exact near 1/2 too."""
    odds = Pair(p, p.at.number(0.0)) / exact_sum(-p, 1.0)
    result = natural(odds.high, odds.low).sum()
    result = p.equals(0.0).choose(-math.inf, p.equals(1.0).choose(math.inf, result))
    return ((p < 0.0) | (p > 1.0)).choose(math.nan, p.is_nan().choose(p, result))


def softplus(x: Scalar) -> Scalar:
    """Return log(1 + e**x)."""
    return x.at_least(0.0) + log_one_plus(exp(-abs(x)))
