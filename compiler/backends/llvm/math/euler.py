"""Euler's integrals in float64: the gamma function, and the beta function with its logarithm.

Below 8 the recurrence of the gamma function leads to an interval of length 1, and from there on
Stirling's series serves (DLMF 5.5, 5.11); exponents are pairs, so that no digits are lost to them.
Negative arguments are reflected.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .exponential import exp_of_pair
from .gamma import FAR, sin_of_turns, stirling, stirling_rest
from .logarithm import log, natural
from .pairs import Pair, choose, exact_product, exact_sum, ordered_sum
from .scalar import Scalar, Truth
from .special_coefficients import GAMMA

_PI = math.pi, 1.2246467991473532e-16

# Up to it gamma(x) is 1 / x, and beta(x, y) is 1 / x + 1 / y = (x + y) / y / x.
_TINY = 2.0**-80

# Logarithms are taken of what is multiplied by this, lest it be subnormal.
_LIFT = 200


def _pair(x: Scalar, low: float = 0.0) -> Pair:
    return Pair(x, x.at.number(low))


def _near(a: Scalar) -> tuple[Pair, Pair]:
    """Return (top, bottom) with gamma(a) = top / bottom, for 0 < a <= 8."""
    one = a.at.number(1.0)
    is_low, is_middle = a < 0.5, a < 1.5
    top, z = _pair(one), a - 2.0
    for step in range(1, 7):
        reaches = a >= step + 1.5
        top = top * reaches.choose(a - float(step), one)
        z = reaches.choose(a - (step + 2.0), z)
    z = is_low.choose(a, is_middle.choose(a - 1.0, z))
    product = exact_product(a, a) + a
    bottom = choose(is_low, product, _pair(is_middle.choose(a, one)))
    return top * ordered_sum(one, z * z.polynomial(GAMMA)), bottom


def _sine(x: Scalar, low: Scalar | None = None) -> Scalar:
    """Return sin(pi (x + low))."""
    nearest = x.rounded()
    rest, flip = x - nearest, nearest.low_bits()
    if low is not None:
        rest = rest + low
        nearest = rest.rounded()
        rest, flip = rest - nearest, flip ^ nearest.low_bits()
    # Of numbers so large that the bits say nothing the sine is 0.
    return (sin_of_turns(rest).bits() ^ (flip << (x.at.format.width - 1))).as_float()


def gamma(x: Scalar) -> Scalar:
    """Return the gamma function: (x - 1)! of a whole x > 0."""
    a = abs(x)
    is_negative, is_far = x < 0.0, a >= FAR
    top, bottom = _near(a.at_least(_TINY).at_most(FAR))
    large = a.at_least(FAR).at_most(190.0)
    exponent = stirling(large, natural(large))
    # gamma(-a) = -pi / (a sin(pi a) gamma(a))
    below = exact_product(a.at_most(190.0), _sine(-a))
    turned = _pair(a.at.number(_PI[0]), _PI[1])
    near = (turned * bottom) / (below * top)
    near = choose(is_negative, near, top / bottom)
    factor = choose(is_negative, turned / below, _pair(a.at.number(1.0)))
    exponent = choose(is_negative, -exponent, exponent)
    result = is_far.choose(exp_of_pair(exponent, factor, spare=60.0), near.sum())
    result = (a < _TINY).choose(1.0 / x, result)
    is_pole = is_negative & x.rounded().equals(x)
    return is_pole.choose(math.nan, x.equals(math.inf).choose(x, result))


class _Beta(NamedTuple):
    """beta(p, q) as exp(exponent) * factor, and times gamma(p) where p is not small.

    Attributes:
        exponent: Of the above.
        factor: Of the above, 1 where p is not small.
        is_small: Whether p is below 8.
    """

    exponent: Pair
    factor: Pair
    is_small: Truth


def _eight_steps(b: Pair) -> Pair:
    """Return b (b + 1) ... (b + 7): with u = b (b + 7) it is u (u + 6) (u + 10) (u + 12)."""
    u = b * (b + 7.0)
    return (u * (u + 6.0)) * ((u + 10.0) * (u + 12.0))


def _log_of_share(p: Scalar, large: Pair) -> tuple[Pair, Pair]:
    """Return (log(1 + p / large), large times that) of p <= large."""
    slight = p / large.high
    is_slight = slight < 2.0**-30
    bend = slight * slight.times_plus(1.0 / 3.0, -0.5)
    bounded = Pair(large.high.at_most(2.0**950), large.low)
    share = _pair(p) / bounded
    one = exact_sum(share.high, 1.0)
    logarithm = natural(one.high, one.low + share.low)
    logarithm = choose(is_slight, Pair(slight, slight * bend), logarithm)
    product = choose(is_slight, ordered_sum(p, p * bend), logarithm * bounded)
    return logarithm, product


def _positive(p: Scalar, q: Scalar, low: Scalar) -> _Beta:
    """Return beta(p, q + low) of p <= q; where q is below 8 from that of p and q + 8."""
    one = _pair(p.at.number(1.0))
    is_small, is_lifted = p < FAR, q < FAR
    large = choose(is_lifted, exact_sum(q, FAR), Pair(q, low))
    logarithm, product = _log_of_share(p, large)
    # log(gamma(large) / gamma(large + p)), by Stirling's formula.
    exponent = -(product + logarithm * exact_sum(p, -0.5))
    exponent = exponent + -((natural(large.high, large.low) + -1.0) * p)
    exponent = exponent + (stirling_rest(large.high) - stirling_rest(large.high + p))
    small = q.at_most(FAR)
    top, bottom = _near(p.at_most(FAR))
    steps = _eight_steps(exact_sum(small, p.at_most(FAR))) / _eight_steps(_pair(small))
    factor = choose(is_small, top / bottom, one) * choose(is_lifted, steps, one)
    return _Beta(exponent, factor, is_small)


class _Reflected(NamedTuple):
    """beta(x, y) = factor * beta(p, q + low)**(1 or -1), for any x and y.

    Attributes:
        p: Positive, or next to 0; the lesser of both.
        q: Positive.
        low: What rounding q has lost.
        is_inverse: Whether the power is -1.
        factor: What that is multiplied by.
    """

    p: Scalar
    q: Scalar
    low: Scalar
    is_inverse: Truth
    factor: Scalar


def _reflected(low: Scalar, high: Scalar) -> _Reflected:
    """Lead beta(low, high) back to positive arguments by x gamma(x) gamma(-x) = -pi / sin(pi x).

    With t = low + high: for low < 0 < t beta(-low, t) divides, for low < 0 < high and t <= 0
    beta(high, -t) multiplies, for high < 0 beta(-low, -high) divides. Of both arguments the lesser
    has no rounding.
    """
    one = low.at.number(1.0)
    total = exact_sum(low, high)
    t = total.high
    is_negative, is_left = low <= -_TINY, t <= 0.0
    both = is_negative & (high < 0.0)
    turns = is_negative & is_left & ~both
    is_slight = both & (high > -_TINY)  # beta(-low, -high) = -1 / high is in the factor
    first = is_negative.choose(turns.choose(high, -low), low)
    second = is_negative.choose(both.choose(-high, abs(t)), high)
    first, second = is_slight.choose(one, first), is_slight.choose(one, second)
    ratio = is_left.choose(_sine(t, total.low) * (t / low), one / -low) / _sine(low)
    rest = is_slight.choose(low / t, one / -high) / _sine(high)
    divided = both.choose(rest, one) * math.pi
    factor = is_negative.choose(turns.choose(ratio, ratio * divided), one)
    p, q = (first < second).choose(first, second), (first < second).choose(second, first)
    lost = (is_negative & ~both).choose(turns.choose(-total.low, total.low), 0.0)
    return _Reflected(p, q, lost, is_negative & ~turns, factor)


def _special(x: Scalar, y: Scalar, result: Scalar, limit: float, pole: Scalar) -> Scalar:
    """Return the result with its values for NaN and where an argument is a pole or infinite.

    Args:
        x: An argument.
        y: The other one.
        result: For all others.
        limit: At infinity, and where the sum is 0.
        pole: Where the greater argument is a pole.
    """
    low, high = (x < y).choose(x, y), (x < y).choose(y, x)
    is_infinite = high.equals(math.inf)
    result = is_infinite.choose(((low > 0.0) & (low < high)).choose(limit, math.nan), result)
    result = ((low + high).equals(0.0)).choose(limit, result)
    result = ((high <= 0.0) & high.rounded().equals(high)).choose(pole, result)
    result = ((low <= 0.0) & low.rounded().equals(low)).choose(math.inf, result)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)


def beta(x: Scalar, y: Scalar) -> Scalar:
    """Return gamma(x) gamma(y) / gamma(x + y)."""
    case = _reflected((x < y).choose(x, y), (x < y).choose(y, x))
    p, q, one = case.p, case.q, _pair(x.at.number(1.0))
    inside = p.at_most(2.0**900)
    parts = _positive(inside.at_least(_TINY), q.at_least(_TINY), case.low)
    large = inside.at_least(FAR)
    gamma_of_large = stirling(large, natural(large))
    exponent = parts.exponent + choose(parts.is_small, one + -1.0, gamma_of_large)
    exponent = choose(case.is_inverse, -exponent, exponent)
    factor = choose(case.is_inverse, one / parts.factor, parts.factor) * case.factor
    # In two halves where it divides: the whole may overflow before the result does.
    half = case.is_inverse.choose(0.5, 1.0)
    power = exp_of_pair(exponent.scaled(half), choose(case.is_inverse, one, factor), spare=60.0)
    result = case.is_inverse.choose(power * factor.sum() * power, power)
    result = abs(case.factor).equals(math.inf).choose(case.factor, result)
    tiny = (p + q) / q / p
    tiny = case.is_inverse.choose(case.factor / tiny, case.factor * tiny)
    high = (x < y).choose(y, x)
    pole = high.equals(0.0).choose(1.0 / high, math.nan)
    return _special(x, y, (p < _TINY).choose(tiny, result), 0.0, pole)


def betaln(x: Scalar, y: Scalar) -> Scalar:
    """Return log(abs(beta(x, y)))."""
    case = _reflected((x < y).choose(x, y), (x < y).choose(y, x))
    # Where both are huge it is proportional to them.
    is_huge, is_tiny = case.p > 2.0**900, case.p < _TINY
    scale = is_huge.choose(2.0**-_LIFT, 1.0)
    p, q = case.p * scale, case.q * scale
    parts = _positive(p.at_least(_TINY), q.at_least(_TINY), case.low * scale)
    tiny = abs((p + q) / q / (p * 2.0**_LIFT))
    factor = choose(parts.is_small, parts.factor, _pair(p))
    logarithm = natural(is_tiny.choose(tiny, factor.high), is_tiny.choose(0.0, factor.low))
    whole = choose(parts.is_small, logarithm, stirling(p.at_least(FAR), logarithm))
    result = (parts.exponent + whole).sum() / scale
    result = is_tiny.choose(logarithm.sum() + _LIFT * math.log(2.0), result)
    result = case.is_inverse.choose(-result, result)
    is_infinite = abs(case.factor).equals(math.inf)  # 1 / y of a subnormal number
    least = 2.0**-_LIFT / (x < y).choose(y, x)
    result = result + log(abs(is_infinite.choose(least, case.factor)))
    result = result + is_infinite.choose(_LIFT * math.log(2.0), 0.0)
    return _special(x, y, result, -math.inf, x.at.number(math.inf))
