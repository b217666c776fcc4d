"""sin, cos and tan.

Arguments are reduced by multiples of pi in three parts (W. J. Cody and W. Waite, Software Manual
for the Elementary Functions, 1980), and in another way where they are huge.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .coefficients import COS_OF_QUARTER, SIN, SIN_OF_QUARTER
from .huge import turns
from .pairs import Pair, choose, exact_product, exact_sum, ordered_sum, remainder
from .rare import checked
from .scalar import Scalar

# pi as the sum of three numbers of the format.
_PI = {
    "f64": (3.141592653589793, 1.2246467991473532e-16, -2.9947698097183397e-33),
    "f32": (3.1415927410125732, -8.742277657347586e-08, -3.430249667232718e-15),
}

# Where the three parts end to be enough.
_HUGE = {"f64": 2.0**24, "f32": 2.0**13}


def _ordinary(x: Scalar, offset: float = 0.0, unit: float = 1.0) -> tuple[Scalar, Pair]:
    """Return (n, r) with x = (n - offset) pi * unit + r, r the least, of a number not huge."""
    first, second, third = (unit * part for part in _PI[x.at.format.name])
    n = x.times_plus(1.0 / (math.pi * unit), offset).rounded()
    m = n - offset
    near = remainder(x, m, x.at.number(first))
    product = exact_product(m, x.at.number(second))
    high = near - product.high
    low = ((near - high) - product.high) - product.low
    return n, Pair(high, (-m).times_plus(third, low))


def _huge(x: Scalar, offset: float = 0.0, unit: float = 1.0) -> tuple[Scalar, Pair]:
    """Return the same of a huge positive float64, but for a multiple of 2 pi."""
    first, second, _ = _PI["f64"]
    lead, rest = turns(x)
    lead, rest = lead * (1.0 / unit), rest.scaled(1.0 / unit)
    n = (lead + offset).rounded()
    # An infinity has no remainder.
    total = exact_sum((lead - (n - offset)) + x * 0.0, rest.high)
    part = ordered_sum(total.high, total.low + rest.low)
    return n, part * Pair(x.at.number(first * unit), x.at.number(second * unit))


def _sin_within_half(n: Scalar, r: Pair) -> Scalar:
    """Return sin(r + n pi) for abs(r) <= pi / 2."""
    whole = exact_product(r.high, r.high)
    square = whole.high
    # The derivative by the square, where that is large: what rounding it has lost counts there.
    lost = (r.high * whole.low) * -0.13
    low = r.low.times_plus(square.times_plus(-0.5, 1.0), lost)
    cubic = (square * r.high).times_plus(square.polynomial(SIN[r.high.at.format.name]), low)
    sine = r.high + cubic
    flip = n.low_bits() << (sine.at.format.width - 1)
    return (sine.bits() ^ flip).as_float()


def _with_huge(
    name: str, x: Scalar, formula: Callable[..., Scalar], offset: float = 0.0, unit: float = 1.0
) -> Scalar:
    """Return a formula of (n, r), for ordinary arguments at once and otherwise apart."""

    def beyond(x: Scalar) -> Scalar:
        a = abs(x)
        is_huge = a >= 2.0**24
        n, r = _ordinary(a, offset, unit)
        n_huge, r_huge = _huge(a, offset, unit)
        result = formula(is_huge.choose(n_huge, n), choose(is_huge, r_huge, r))
        return result if offset else (x < 0.0).choose(-result, result)

    ordinary = formula(*_ordinary(x, offset, unit))
    return checked(name, [x], ordinary, _HUGE[x.at.format.name], beyond)


def sin(x: Scalar) -> Scalar:
    """Return the sine."""
    return x.equals(0.0).choose(x, _with_huge("sin", x, _sin_within_half))


def cos(x: Scalar) -> Scalar:
    """Return the cosine, sin(x + pi / 2)."""
    return _with_huge("cos", x, _sin_within_half, offset=0.5)


def tan(x: Scalar) -> Scalar:
    """Return the tangent."""
    return x.equals(0.0).choose(x, _with_huge("tan", x, _quotient, unit=0.5))


def _quotient(n: Scalar, r: Pair) -> Scalar:
    """Return tan(r + n pi / 2) for abs(r) <= pi / 4, sin / cos or -cos / sin."""
    name = n.at.format.name
    square = r.high * r.high
    odd = (square * r.high).times_plus(square.polynomial(SIN_OF_QUARTER[name]), r.low)
    even = (square * square).times_plus(square.polynomial(COS_OF_QUARTER[name]), -r.high * r.low)
    half = 0.5 * square
    one = 1.0 - half
    sine, cosine = ordered_sum(r.high, odd), ordered_sum(one, ((1.0 - one) - half) + even)
    is_odd = (n.low_bits() & 1).equals(1)
    above = is_odd.choose(-cosine.high, sine.high), is_odd.choose(-cosine.low, sine.low)
    below = is_odd.choose(sine.high, cosine.high), is_odd.choose(sine.low, cosine.low)
    return Pair(*above).over(Pair(*below))
