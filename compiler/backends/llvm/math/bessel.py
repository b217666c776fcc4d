"""The modified Bessel functions of the first kind of orders 0 and 1, in float64.

Up to 8 a polynomial beside the power series, and from there on one in 1 / x (J. M. Blair and C. A.
Edwards, "Stable rational minimax approximations to the modified Bessel functions I0(x) and I1(x)",
1974).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .bessel_coefficients import BESSEL_ONE, BESSEL_ONE_FAR, BESSEL_ZERO, BESSEL_ZERO_FAR
from .exponential import exp_of_pair
from .pairs import Pair, exact_product, exact_sum, ordered_sum
from .scalar import Scalar

_FAR = 8.0


def _series(a: Scalar, terms: Sequence[float]) -> Pair:
    """Return 1 + y P(y) with y = (a / 2)**2; what rounding y has lost counts where it is large."""
    half = 0.5 * a
    y = exact_product(half, half)
    value, slope = a.at.number(terms[0]), a.at.number(0.0)
    for term in terms[1:]:
        slope = slope.times_plus(y.high, value)
        value = value.times_plus(y.high, term)
    product = exact_product(value, y.high)
    total = exact_sum(product.high, 1.0)
    lost = y.low * slope.times_plus(y.high, value)
    return Pair(total.high, total.low + (product.low + lost))


def _tail(a: Scalar, terms: Sequence[float]) -> Pair:
    """Return exp(-a) times the function, for a >= 8."""
    t = 16.0 / a - 1.0
    top = ordered_sum(a.at.number(terms[-1]), t * t.polynomial(terms[:-1]))
    return top / Pair(a, a.at.number(0.0)).sqrt()


def _whole(a: Scalar, near: Pair, far: Sequence[float]) -> Scalar:
    """Return the function of a >= 0, given it for a <= 8."""
    bounded = a.at_most(1000.0)  # where it is infinite
    tail = exp_of_pair(Pair(bounded, a.at.number(0.0)), _tail(bounded.at_least(_FAR), far), 10.0)
    return (a <= _FAR).choose(near.sum(), tail)


def _scaled(a: Scalar, near: Pair, far: Sequence[float]) -> Scalar:
    """Return exp(-a) times the function, given that for a <= 8."""
    damped = exp_of_pair(Pair(-a, a.at.number(0.0)), near)
    result = (a <= _FAR).choose(damped, _tail(a.at_least(_FAR), far).sum())
    return a.equals(math.inf).choose(0.0, result)


def _near_zero_order(a: Scalar) -> Pair:
    return _series(a.at_most(_FAR), BESSEL_ZERO)


def _near_first_order(a: Scalar) -> Pair:
    small = a.at_most(_FAR)
    return _series(small, BESSEL_ONE) * (0.5 * small)


def i_zero(x: Scalar) -> Scalar:
    """Return the function of order 0."""
    a = abs(x)
    return _whole(a, _near_zero_order(a), BESSEL_ZERO_FAR)


def i_zero_scaled(x: Scalar) -> Scalar:
    """Return exp(-abs(x)) times the function of order 0."""
    a = abs(x)
    return _scaled(a, _near_zero_order(a), BESSEL_ZERO_FAR)


def i_one(x: Scalar) -> Scalar:
    """Return the function of order 1."""
    a = abs(x)
    result = _whole(a, _near_first_order(a), BESSEL_ONE_FAR)
    return (a < 2.0**-30).choose(0.5 * x, result.with_sign_of(x))


def i_one_scaled(x: Scalar) -> Scalar:
    """Return exp(-abs(x)) times the function of order 1."""
    a = abs(x)
    result = _scaled(a, _near_first_order(a), BESSEL_ONE_FAR)
    return (a < 2.0**-60).choose(0.5 * x, result.with_sign_of(x))
