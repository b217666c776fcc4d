"""Inverses of the trigonometric functions."""

from __future__ import annotations

import math

from .coefficients import ARCSIN, ARCTAN
from .pairs import ordered_sum
from .scalar import Scalar, Truth

# pi / 2 in two parts.
_RIGHT_ANGLE = {
    "f64": (math.pi / 2.0, 6.123233995736766e-17),
    "f32": (1.5707963705062866, -4.3711390001862426e-08),
}


def _halved(x: Scalar) -> tuple[Truth, Scalar, Scalar]:
    """Return (whether abs(x) > 1/2, t, arcsin(t) - t).

    With t = sqrt((1 - abs(x)) / 2) there, the sine of half the angle beside, and x itself else.
    """
    a = abs(x)
    is_outer = a > 0.5
    z = is_outer.choose((1.0 - a) * 0.5, x * x)
    t = is_outer.choose(z.sqrt(), a)
    return is_outer, t, (z * t) * z.polynomial(ARCSIN[x.at.format.name])


def arcsin(x: Scalar) -> Scalar:
    """Return the inverse sine."""
    right, beyond = _RIGHT_ANGLE[x.at.format.name]
    is_outer, t, rest = _halved(x)
    near = ordered_sum(x.at.number(right), -(t + t))
    outer = near.high - (2.0 * rest - (beyond + near.low))
    return is_outer.choose(outer, t + rest).with_sign_of(x)


def arccos(x: Scalar) -> Scalar:
    """Return the inverse cosine."""
    right, beyond = _RIGHT_ANGLE[x.at.format.name]
    is_outer, t, rest = _halved(x)
    double = 2.0 * (t + rest)
    outer = (x < 0.0).choose(2.0 * right - (double - 2.0 * beyond), double)
    rest = rest.with_sign_of(x)
    inner = right - (t.with_sign_of(x) - (beyond - rest))
    return is_outer.choose(outer, inner)


def _arctan_of_quotient(y: Scalar, x: Scalar) -> Scalar:
    """Return arctan(y / x) of y, x >= 0, by that of the angle to 0, pi / 4 or pi / 2."""
    right, lost = _RIGHT_ANGLE[y.at.format.name]
    low = math.sqrt(2.0) - 1.0
    is_low = y < low * x
    is_high = low * y > x
    above = is_low.choose(y, is_high.choose(-x, y - x))
    below = is_low.choose(x, is_high.choose(y, y + x))
    t = above / below
    z = t * t
    rest = (z * t) * z.polynomial(ARCTAN[y.at.format.name])
    angle = is_low.choose(0.0, is_high.choose(right, 0.5 * right))
    beyond = is_low.choose(0.0, is_high.choose(lost, 0.5 * lost))
    return angle + (t + (rest + beyond))


def arctan(x: Scalar) -> Scalar:
    """Return the inverse tangent."""
    a = abs(x)
    result = _arctan_of_quotient(a.at_most(2.0 ** (x.at.format.bias - 3)), x.at.number(1.0))
    return result.with_sign_of(x)


def arctan_of_point(y: Scalar, x: Scalar) -> Scalar:
    """Return the angle of the point (x, y), between -pi and pi."""
    bias = x.at.format.bias
    right, beyond = _RIGHT_ANGLE[x.at.format.name]
    a, b = abs(y), abs(x)
    both = (a.equals(math.inf)) & (b.equals(math.inf))
    a, b = both.choose(1.0, a), both.choose(1.0, b)
    # Sums of large numbers must not overflow, and the comparisons take products that must not
    # underflow; what is lost of small numbers beside large ones is nothing.
    large, small, step = 2.0 ** (bias - 3), 2.0 ** -(bias // 2), 2.0 ** (bias // 4)
    is_large = (a > large) | (b > large)
    is_small = (a < small) & (b < small)
    scale = is_large.choose(1.0 / step, is_small.choose(step, 1.0))
    a, b = (a * scale), (b * scale)
    # An infinite operand, and 0 / 0, leave no quotient.
    below = (a.equals(0.0) & b.equals(0.0)).choose(1.0, b)
    angle = _arctan_of_quotient(a, below)
    angle = a.equals(math.inf).choose(right, angle)
    angle = b.equals(math.inf).choose(0.0, angle)
    turned = 2.0 * right - (angle - 2.0 * beyond)
    result = x.is_negative().choose(turned, angle).with_sign_of(y)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)
