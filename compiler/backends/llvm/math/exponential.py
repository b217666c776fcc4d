"""exp and the functions made of it.

All reduce the argument to r = x - n log(2), abs(r) <= log(2) / 2, with a whole n (W. J. Cody and
W. Waite, Software Manual for the Elementary Functions, 1980), and scale by powers of two.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .coefficients import COSH, EXP, SINH
from .pairs import Pair, ordered_sum
from .scalar import Bits, Scalar

# log(2) in two parts; the first has so few digits that n times it is exact.
LOG_OF_TWO = {
    "f64": (6.93147180369123816490e-01, 1.90821492927058770002e-10),
    "f32": (0.693359375, -2.12194440e-4),
}

# Below the first exp is 0, above the second it is infinite, with a little to spare.
_RANGE = {"f64": (-746.0, 710.0), "f32": (-104.5, 89.0)}

# Above it sinh and cosh are infinite, and up to it n is at most the greatest exponent and 2.
_BEYOND_RANGE = {"f64": 710.6, "f32": 89.6}


class Reduced(NamedTuple):
    """x as n log(2) + rest + low.

    Attributes:
        n: The whole number.
        word: n and twice the bias in the lowest bits of a float.
        rest: At most log(2) / 2.
        low: What rounding ``rest`` has lost.
    """

    n: Scalar
    word: Bits
    rest: Scalar
    low: Scalar

    def exponential(self) -> Scalar:
        """Return exp(rest)."""
        return self.rest.polynomial([*EXP[self.rest.at.format.name], 1.0, 1.0])

    def excess_parts(self, power: Scalar, beyond: Scalar) -> tuple[Scalar, Scalar]:
        """Return power * (exp(rest + low) - 1) + beyond as two numbers, the larger one first."""
        r = self.rest
        tail = (r * r).times_plus(r.polynomial(EXP[r.at.format.name]), self.low)
        return power.times_plus(r, beyond), power * tail


def reduced(x: Scalar, low: Scalar | None = None) -> Reduced:
    """Reduce x + low, where n stays within the exponents."""
    upper, lower = LOG_OF_TWO[x.at.format.name]
    n, word = nearest_whole(x, math.log2(math.e))
    near = (-n).times_plus(upper, x)
    if low is not None:
        lost = low - n * lower
        rest = near + lost
        return Reduced(n, word, rest, lost - (rest - near))
    rest = (-n).times_plus(lower, near)
    return Reduced(n, word, rest, (-n).times_plus(lower, near - rest))


def nearest_whole(x: Scalar, factor: float) -> tuple[Scalar, Bits]:
    """Return the whole number next to x * factor, and it plus twice the bias in lowest bits."""
    format = x.at.format
    rounder = format.rounder + 2.0 * format.bias
    shifted = x.times_plus(factor, rounder)
    return shifted - rounder, shifted.bits()


def scaled(x: Scalar, n: Scalar, word: Bits) -> Scalar:
    """Return x * 2**n, infinite or gradually subnormal where it must be.

    Two factors reach all exponents; ``word`` is that of ``nearest_whole``.
    """
    format = x.at.format
    half = n.times_plus(0.5, format.rounder + format.bias).bits()
    first = (half << format.fraction).as_float()
    second = ((word - half) << format.fraction).as_float()
    return x * first * second


def exp(x: Scalar) -> Scalar:
    """Return e**x."""
    lowest, highest = _RANGE[x.at.format.name]
    parts = reduced(x.at_least(lowest).at_most(highest))
    return scaled(parts.exponential(), parts.n, parts.word)


def exp_of_pair(x: Pair, factor: Pair | None = None, spare: float = 0.0) -> Scalar:
    """Return e**(x.high + x.low), times a factor if one is given.

    With a factor that brings the result back from beyond the range of e**x: by e**spare at most,
    which is 100 at most.
    """
    lowest, highest = _RANGE[x.high.at.format.name]
    lowest, highest = lowest - spare, highest + spare
    inside = (x.high > lowest) & (x.high < highest)
    parts = reduced(x.high.at_least(lowest).at_most(highest), inside.choose(x.low, 0.0))
    if factor is None:
        return scaled(parts.exponential(), parts.n, parts.word)
    r = parts.rest
    first = ordered_sum(r.at.number(1.0), r)
    tail = (r * r).times_plus(r.polynomial(EXP[r.at.format.name]), parts.low)
    product = Pair(first.high, first.low + tail) * factor
    return scaled(product.sum(), parts.n, parts.word)


def exp_base_two(x: Scalar) -> Scalar:
    """Return 2**x."""
    spare = x.at.format.bias + x.at.format.fraction + 3.0
    x = x.at_least(-spare).at_most(spare)
    n, word = nearest_whole(x, 1.0)
    rest = (x - n) * math.log(2.0)
    return scaled(Reduced(n, word, rest, rest).exponential(), n, word)


def expm_one(x: Scalar) -> Scalar:
    """Return e**x - 1, relatively exact near 0.

    With half of 2**n, so that it is finite wherever the result is.
    """
    highest = _RANGE[x.at.format.name][1]
    parts = reduced(x.at_least(-2.0 * x.at.format.fraction).at_most(highest))
    half = (parts.n - 1.0).power_of_two()
    first, tail = parts.excess_parts(half, half - 0.5)
    result = 2.0 * (first + tail)
    return (abs(x) < _negligible(x)).choose(x, result)


def _negligible(x: Scalar) -> float:
    """Return below what the square of a number is negligible beside it."""
    return float(2.0 ** (-x.at.format.fraction - 2))


def tanh(x: Scalar) -> Scalar:
    """Return the hyperbolic tangent, (e**2a - 1) / (e**2a + 1) of a = abs(x)."""
    a = abs(x).at_most(20.0 if x.at.format.is_double else 10.0)
    parts = reduced(a + a)
    power = parts.n.power_of_two()
    first, tail = parts.excess_parts(power, power - 1.0)
    above = ordered_sum(first, tail)
    below = above.high + 2.0
    lost = ((2.0 - below) + above.high) + above.low
    return above.over(Pair(below, lost)).with_sign_of(x)


def _hyperbolic(x: Scalar) -> tuple[Pair, Pair, Scalar, Scalar, Scalar]:
    """Return, of abs(x) = n log(2) + r: (u, v, r, sinh(r) - r, cosh(r) - 1).

    With u = (2**n + 2**-n) / 4 and v = (2**n - 2**-n) / 4, half of what the addition theorems ask
    for, so that they are finite wherever the result is.
    """
    name = x.at.format.name
    parts = reduced(abs(x).at_most(_BEYOND_RANGE[name]))
    r = parts.rest
    square = r * r
    odd = (square * r).times_plus(square.polynomial(SINH[name]), parts.low)
    even = square * square.polynomial(COSH[name])
    up = (parts.n - 2.0).power_of_two()
    down = (-2.0 - parts.n.at_most(x.at.format.bias / 2.0)).power_of_two()
    return ordered_sum(up, down), ordered_sum(up, -down), r, odd, even


def sinh(x: Scalar) -> Scalar:
    """Return the hyperbolic sine, by its addition theorem."""
    u, v, r, odd, even = _hyperbolic(x)
    tail = v.high.times_plus(even, u.high.times_plus(odd, v.low))
    result = 2.0 * (u.high.times_plus(r, v.high) + tail)
    return (abs(x) < _negligible(x)).choose(x, result.with_sign_of(x))


def cosh(x: Scalar) -> Scalar:
    """Return the hyperbolic cosine, by its addition theorem."""
    u, v, r, odd, even = _hyperbolic(x)
    tail = u.high.times_plus(even, v.high.times_plus(odd, u.low))
    return 2.0 * (v.high.times_plus(r, u.high) + tail)


def sigmoid(x: Scalar) -> Scalar:
    """Return 1 / (1 + e**-x), by the exponential of -abs(x)."""
    small = exp(-abs(x))
    below = ordered_sum(x.at.number(1.0), small)
    above = (x < 0.0).choose(small, 1.0)
    return Pair(above, x.at.number(0.0)).over(below)
