"""The logarithm of the gamma function and its derivatives, in float64.

Recurrences lead to an interval of length 1, and Stirling's series and its derivatives serve beyond
8 or 4 (DLMF 5.5, 5.11). Negative arguments are reflected.
"""

from __future__ import annotations

import math

from .coefficients import SIN
from .logarithm import log, natural
from .pairs import Pair, exact_product, ordered_sum
from .scalar import Scalar
from .special_coefficients import DIGAMMA, DIGAMMA_FAR, GAMMALN, STIRLING, TRIGAMMA_FAR

LOG_OF_ROOT_OF_TWO_PI = 0.9189385332046728
FAR = 8.0
_FAR_OF_DIGAMMA = 4.0

# 1 - Euler's constant, the slope of gammaln at 2.
_SLOPE = (0.42278433509846713, 4.942915152430645e-18)

# The positive zero of digamma.
_ROOT = (1.4616321449683622, 9.549995429965697e-17)


def sin_of_turns(r: Scalar) -> Scalar:
    """Return sin(pi r) for abs(r) <= 1/2."""
    angle = exact_product(r, r.at.number(math.pi))
    low = r.times_plus(1.2246467991473532e-16, angle.low)
    square = angle.high * angle.high
    tail = low * square.times_plus(-0.5, 1.0)
    cubic = (square * angle.high).times_plus(square.polynomial(SIN["f64"]), tail)
    return angle.high + cubic


def _near(a: Scalar) -> tuple[Pair, Scalar, Scalar]:
    """Return (part, factor, sign) with gammaln(a) = part + sign * log(factor), for 0 < a < 8."""
    one = a.at.number(1.0)
    is_low, is_middle = a < 0.5, a < 1.5
    factor, z = one, a - 2.0
    for step in range(1, 7):
        reaches = a >= step + 1.5
        factor = factor * reaches.choose(a - float(step), one)
        z = reaches.choose(a - (step + 2.0), z)
    z = is_low.choose(a, is_middle.choose(a - 1.0, z))
    factor = is_low.choose(a.times_plus(a, a), is_middle.choose(a, factor))
    slope = ordered_sum(a.at.number(_SLOPE[0]), z * z.polynomial(GAMMALN[:-1]))
    part = Pair(slope.high, slope.low + _SLOPE[1]) * z
    return part, factor, is_middle.choose(-1.0, one)


def stirling_rest(a: Scalar) -> Scalar:
    """Return log(gamma(a)) - ((a - 1/2) log(a) - a + log(2 pi) / 2), for a >= 8."""
    inverse = 1.0 / a
    return inverse * (inverse * inverse).polynomial(STIRLING)


def stirling(a: Scalar, logarithm: Pair) -> Pair:
    """Return log(gamma(a)) of a >= 8, given log(a)."""
    constant = LOG_OF_ROOT_OF_TWO_PI - 0.5 + stirling_rest(a)
    return (logarithm + -1.0) * (a - 0.5) + constant


def _positive_gammaln(a: Scalar) -> Scalar:
    is_far = a >= FAR
    part, factor, sign = _near(a.at_most(FAR))
    logarithm = natural(is_far.choose(a, factor))
    near = logarithm * sign + part
    return is_far.choose(stirling(a, logarithm).sum(), near.sum())


def gammaln(x: Scalar) -> Scalar:
    """Return the logarithm of the absolute value of the gamma function."""
    a = abs(x)
    bound = 2.0**900
    positive = _positive_gammaln(a.at_most(bound))
    # Very large: x (log(x) - 1) overflows only where the result does.
    positive = (a > bound).choose(a * (log(a) - 1.0), positive)
    sine = abs(sin_of_turns(a - a.rounded()))
    reflected = -log(a * sine * (1.0 / math.pi)) - positive
    is_reflected = (x < 0.0) & (a > 2.0**-60)
    result = is_reflected.choose(reflected, positive)
    is_pole = a.equals(0.0) | a.equals(math.inf) | (is_reflected & sine.equals(0.0))
    result = is_pole.choose(math.inf, result)
    return x.is_nan().choose(x, result)


def _positive_digamma(a: Scalar) -> Scalar:
    is_far = a >= _FAR_OF_DIGAMMA
    small = a.at_most(_FAR_OF_DIGAMMA)
    is_low = small < 1.0
    one, zero = a.at.number(1.0), a.at.number(0.0)
    y = is_low.choose(small + 1.0, small)
    top, below = is_low.choose(-1.0, zero), is_low.choose(small, one)
    for step in range(1, 3):
        reaches = small >= step + 1.0
        term = reaches.choose(small - float(step), one)
        top = top.times_plus(term, reaches.choose(below, zero))
        below = below * term
        y = reaches.choose(term, y)
    near = ((y - _ROOT[0]) - _ROOT[1]) * (y - 1.5).polynomial(DIGAMMA)
    large = a.at_least(_FAR_OF_DIGAMMA)
    inverse = 1.0 / large
    square = inverse * inverse
    far = log(large) - inverse.times_plus(0.5, square * square.polynomial(DIGAMMA_FAR))
    return is_far.choose(far, near + top / below)


def digamma(x: Scalar) -> Scalar:
    """Return the derivative of ``gammaln``."""
    is_reflected = x < 0.0
    a = is_reflected.choose(1.0 - x, x)
    turns = x - x.rounded()
    sine = sin_of_turns(turns)
    cosine = sin_of_turns(0.5 - abs(turns))
    result = _positive_digamma(a)
    tiny = x > -(2.0**-60)
    result = is_reflected.choose(result - math.pi * cosine / sine, result)
    result = (tiny & is_reflected).choose(-1.0 / x, result)
    result = (is_reflected & turns.equals(0.0)).choose(math.nan, result)
    return x.equals(0.0).choose(-1.0 / x, result)


def _positive_trigamma(a: Scalar) -> Scalar:
    total, y = a.at.number(0.0), a
    one = a.at.number(1.0)
    for _ in range(8):
        is_small = y < FAR
        inverse = 1.0 / y
        total = total + is_small.choose(inverse * inverse, 0.0)
        y = y + is_small.choose(one, 0.0)
    inverse = 1.0 / y
    square = inverse * inverse
    return total + (inverse + (0.5 * square + inverse * square * square.polynomial(TRIGAMMA_FAR)))


def trigamma(x: Scalar) -> Scalar:
    """Return the second derivative of ``gammaln``."""
    is_reflected = x < 0.0
    sine = sin_of_turns(x - x.rounded())
    result = _positive_trigamma(is_reflected.choose(1.0 - x, x))
    around = math.pi / sine
    return is_reflected.choose(around * around - result, result)
