"""Floats next to others, scaling by powers of two, and what else looks at their parts."""

from __future__ import annotations

import math

from .gamma import sin_of_turns
from .logarithm import split
from .scalar import Scalar


def _beside(x: Scalar, is_up: bool) -> Scalar:
    """Return the number next to x: with a larger absolute value, or with a smaller one."""
    return (x.bits() + 1 if is_up else x.bits() - 1).as_float()


def nextafter(x: Scalar, y: Scalar) -> Scalar:
    """Return the float next to x on the way to y."""
    least = x.at.bits(1).as_float()
    # Away from 0, or towards it.
    is_away = ((y > x) & (x > 0.0)) | ((y < x) & (x < 0.0))
    result = is_away.choose(_beside(x, True), _beside(x, False))
    result = x.equals(0.0).choose(least.with_sign_of(y), result)
    result = x.equals(y).choose(y, result)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)


def spacing(x: Scalar) -> Scalar:
    """Return the distance to the float next to x, away from 0, with the sign of x."""
    least = x.at.bits(1).as_float()
    result = x.equals(0.0).choose(least, _beside(x, True) - x)
    result = abs(x).equals(math.inf).choose(math.nan, result)
    return x.is_nan().choose(x, result)


def exponent(x: Scalar) -> Scalar:
    """Return the whole n with x = m 2**n and 1/2 <= abs(m) < 1; 0 of what has none."""
    k, m = split(abs(x))
    n = k + (m >= 1.0).choose(1.0, 0.0)
    has_one = (abs(x) > 0.0) & (abs(x) < math.inf)
    return has_one.choose(n, 0.0)


def ldexp(x: Scalar, n: Scalar) -> Scalar:
    """Return x 2**n for a whole n, rounded once."""
    format = x.at.format
    most, least = format.bias + 0.0, 1.0 - format.bias
    spare = format.fraction + 1.0  # a step down leaves so many bits above subnormal numbers
    n = n.at_most(4.0 * most).at_least(-4.0 * most)
    for _ in range(2):
        up, down = n > most, n < least
        step = up.choose(most, down.choose(least + spare, 0.0))
        x, n = x * step.power_of_two(), n - step
    return x * n.at_most(most).at_least(least).power_of_two()


def sinc(x: Scalar) -> Scalar:
    """Return sin(pi x) / (pi x), and 1 for 0."""
    nearest = x.rounded()
    sine = sin_of_turns(x - nearest)
    flip = nearest.low_bits() << (x.at.format.width - 1)
    result = (sine.bits() ^ flip).as_float() / (x * math.pi)
    return (abs(x) < 2.0**-30).choose(1.0, result + 0.0)  # no -0
