"""Powers and roots."""

from __future__ import annotations

import math

from .exponential import exp_of_pair
from .logarithm import natural, split
from .pairs import Pair, exact_product
from .scalar import Scalar, Truth
from .special_coefficients import CBRT

_ROOT_OF_TWO = 1.2599210498948732
_ROOT_OF_HALF = 0.7937005259840998


def _is_odd(y: Scalar) -> Truth:
    """Whether a number is an odd integer."""
    half = 0.5 * y
    return y.rounded().equals(y) & ~half.rounded().equals(half)


def _special(x: Scalar, y: Scalar, magnitude: Scalar) -> Scalar:
    """Return x**y, given abs(x)**y where that is neither 0, 1 nor infinite at the operands."""
    a = abs(x)
    is_extreme = a.equals(0.0) | a.equals(math.inf)
    grows = a.equals(0.0) ^ (y > 0.0)
    result = is_extreme.choose(grows.choose(math.inf, 0.0), magnitude)
    result = (x.is_nan() | y.is_nan()).choose(x + y, result)
    is_odd = _is_odd(y)
    result = (x.is_negative() & is_odd).choose(-result, result)
    is_whole = y.rounded().equals(y) | a.equals(math.inf)
    result = ((x < 0.0) & ~is_whole & (a < math.inf)).choose(math.nan, result)
    return (x.equals(1.0) | y.equals(0.0)).choose(1.0, result)


def power(x: Scalar, y: Scalar) -> Scalar:
    """Return x**y, the special cases as in C's pow."""
    # Beyond it all results are 0, 1 or infinite, and all y even.
    bound = 2.0 ** (x.at.format.fraction + 16)
    y_near = y.at_least(-bound).at_most(bound)
    logarithm = natural(abs(x))
    product = exact_product(logarithm.high, y_near)
    low = logarithm.low.times_plus(y_near, product.low)
    return _special(x, y, exp_of_pair(Pair(product.high, low)))


def cbrt(x: Scalar) -> Scalar:
    """Return the cube root in float64, by a step of Halley's method from a guess."""
    a = abs(x)
    k, m = split(a)
    third = (k * (1.0 / 3.0)).rounded()
    over = k - 3.0 * third
    m = (over < 0.0).choose(0.5 * m, (over > 0.0).choose(2.0 * m, m))
    factor = (over < 0.0).choose(_ROOT_OF_HALF, (over > 0.0).choose(_ROOT_OF_TWO, 1.0))
    scale = (over < 0.0).choose(2.0, (over > 0.0).choose(0.5, 1.0))
    guess = factor * (m * scale).polynomial(CBRT)
    square = exact_product(guess, guess)
    cube = exact_product(square.high, guess)
    excess = (cube.high - m) + square.low.times_plus(guess, cube.low)
    root = guess - guess * excess / (2.0 * cube.high + m)
    result = (root * third.power_of_two()).with_sign_of(x)
    return ((a > 0.0) & (a < math.inf)).choose(result, x)


def hypot(x: Scalar, y: Scalar) -> Scalar:
    """Return sqrt(x**2 + y**2), finite wherever the result is."""
    a, b = abs(x), abs(y)
    larger, smaller = (a > b).choose(a, b), (a > b).choose(b, a)
    format = x.at.format
    is_large = larger > 2.0 ** (format.bias // 2 - 2)
    is_small = larger < 2.0 ** (3 * format.fraction // 2 - format.bias // 2)
    up = 2.0 ** (3 * format.fraction // 2 + format.bias // 2)
    scale = is_large.choose(1.0 / up, is_small.choose(up, 1.0))
    back = is_large.choose(up, is_small.choose(1.0 / up, 1.0))
    larger, smaller = larger * scale, smaller * scale
    total = exact_product(larger, larger) + exact_product(smaller, smaller)
    result = total.high.sqrt() * back
    result = (x.is_nan() | y.is_nan()).choose(x + y, result)
    return (a.equals(math.inf) | b.equals(math.inf)).choose(math.inf, result)


def hypot_for_single(x: Scalar, y: Scalar) -> Scalar:
    """Return the same of float32, whose squares overflow no float64."""
    result = (x * x + y * y).sqrt()
    return (abs(x).equals(math.inf) | abs(y).equals(math.inf)).choose(math.inf, result)
