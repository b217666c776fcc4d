"""Euler's integrals in float64: the gamma function, and the beta function with its logarithm.

Below 8 the recurrence of the gamma function leads to an interval of length 1, and from there on
Stirling's series serves (DLMF 5.5, 5.11); exponents are pairs, so that no digits are lost to them.
Negative arguments are reflected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .exponential import exp_of_pair
from .gamma import FAR, sin_of_turns, stirling, stirling_rest
from .logarithm import log, natural
from .pairs import Pair, choose, exact_product, exact_sum, ordered_sum
from .scalar import Scalar, Truth
from .special_coefficients import GAMMA

_PI = math.pi, 1.2246467991473532e-16

# Up to it gamma(x) is 1 / x, and beta(x, y) is 1 / x + 1 / y.
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
    rest = x - nearest
    sine = sin_of_turns(rest if low is None else rest + low)
    flip = nearest.low_bits() << (x.at.format.width - 1)
    # Of numbers so large that the bits say nothing the sine is 0.
    return (sine.bits() ^ flip).as_float()


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


@dataclass(frozen=True)
class _Beta:
    """beta(p, q) for 0 < p <= q, as exp(exponent) * factor * gamma(p).

    Attributes:
        exponent: See above.
        factor: See above, and times gamma(p) where p is small.
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
    share = _pair(p) / large
    is_slight = share.high < 2.0**-30
    bend = share.high.times_plus(1.0 / 3.0, -0.5)
    slight = Pair(share.high, share.low + share.high * share.high * bend)
    one = exact_sum(share.high, 1.0)
    logarithm = choose(is_slight, slight, natural(one.high, one.low + share.low))
    bounded = Pair(large.high.at_most(2.0**950), large.low)
    product = choose(is_slight, ordered_sum(p, p * share.high * bend), logarithm * bounded)
    return logarithm, product


def _positive(p: Scalar, q: Scalar) -> _Beta:
    """Return beta(p, q) of p <= q; where q is below 8 from that of p and q + 8."""
    one = _pair(p.at.number(1.0))
    is_small, is_lifted = p < FAR, q < FAR
    large = choose(is_lifted, exact_sum(q, FAR), _pair(q))
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


@dataclass(frozen=True)
class _Reflected:
    """beta(x, y) = sign of beta(p, q)**(1 or -1), for any x and y.

    Attributes:
        p: Positive, the lesser of both.
        q: Positive.
        is_inverse: Whether the power is -1.
        factor: What that is multiplied by.
    """

    p: Scalar
    q: Scalar
    is_inverse: Truth
    factor: Scalar


def _reflected(low: Scalar, high: Scalar) -> _Reflected:
    """Lead beta(low, high) back to positive arguments by gamma(x) gamma(1 - x) = pi / sin(pi x).

    With t = low + high: for low < 0 < t beta(1 - low, t) divides, for low < 0 < high and t <= 0
    beta(high, 1 - t) multiplies, for high < 0 beta(1 - low, 1 - high) divides.
    """
    one = low.at.number(1.0)
    total = exact_sum(low, high)
    t = total.high
    is_negative, both, is_left = low < 0.0, high < 0.0, t <= 0.0
    turns = is_negative & is_left & ~both
    is_inverse = is_negative & ~turns
    p = is_negative.choose(turns.choose(high, 1.0 - low), low)
    q = is_negative.choose(both.choose(1.0 - high, is_left.choose(1.0 - t, t)), high)
    above = is_left.choose(_sine(t, total.low), one) * is_inverse.choose(math.pi, one)
    below = _sine(low) * both.choose(_sine(high) * (1.0 - t), is_inverse.choose(high, one))
    factor = is_negative.choose(above / below, one)
    return _Reflected((p < q).choose(p, q), (p < q).choose(q, p), is_inverse, factor)


def _special(x: Scalar, y: Scalar, result: Scalar, limit: float, pole: float) -> Scalar:
    """Return the result with its values at poles, ``limit`` at infinity, and NaN."""
    low, high = (x < y).choose(x, y), (x < y).choose(y, x)
    is_infinite = high.equals(math.inf)
    result = is_infinite.choose(((low > 0.0) & (low < high)).choose(limit, math.nan), result)
    result = ((high <= 0.0) & high.rounded().equals(high)).choose(pole, result)
    result = ((low <= 0.0) & low.rounded().equals(low)).choose(math.inf, result)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)


def beta(x: Scalar, y: Scalar) -> Scalar:
    """Return gamma(x) gamma(y) / gamma(x + y)."""
    case = _reflected((x < y).choose(x, y), (x < y).choose(y, x))
    p, q, one = case.p, case.q, _pair(x.at.number(1.0))
    inside = p.at_most(2.0**900)
    parts = _positive(inside.at_least(_TINY), q.at_least(_TINY))
    large = inside.at_least(FAR)
    gamma_of_large = stirling(large, natural(large))
    exponent = parts.exponent + choose(parts.is_small, one + -1.0, gamma_of_large)
    exponent = choose(case.is_inverse, -exponent, exponent)
    factor = choose(case.is_inverse, one / parts.factor, parts.factor)
    result = exp_of_pair(exponent, factor * case.factor, spare=60.0)
    tiny = 1.0 / p + 1.0 / q
    tiny = case.is_inverse.choose(case.factor / tiny, case.factor * tiny)
    return _special(x, y, (p < _TINY).choose(tiny, result), 0.0, math.nan)


def betaln(x: Scalar, y: Scalar) -> Scalar:
    """Return log(abs(beta(x, y)))."""
    case = _reflected((x < y).choose(x, y), (x < y).choose(y, x))
    # Where both are huge it is proportional to them.
    is_huge, is_tiny = case.p > 2.0**900, case.p < _TINY
    scale = is_huge.choose(2.0**-_LIFT, 1.0)
    p, q = case.p * scale, case.q * scale
    parts = _positive(p.at_least(_TINY), q.at_least(_TINY))
    tiny = (1.0 + p / q) / (p * 2.0**_LIFT)
    factor = choose(parts.is_small, parts.factor, _pair(p))
    logarithm = natural(is_tiny.choose(tiny, factor.high), is_tiny.choose(0.0, factor.low))
    whole = choose(parts.is_small, logarithm, stirling(p.at_least(FAR), logarithm))
    result = (parts.exponent + whole).sum() / scale
    result = is_tiny.choose(logarithm.sum() + _LIFT * math.log(2.0), result)
    result = case.is_inverse.choose(-result, result) + log(abs(case.factor))
    return _special(x, y, result, -math.inf, math.inf)
