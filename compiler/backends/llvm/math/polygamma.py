"""Derivatives of the digamma function, in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .gamma import sin_of_turns, trigamma
from .scalar import Scalar

# The Bernoulli numbers B_2, B_4 ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _whole_power(x: Scalar, n: int) -> Scalar:
    """Return x**n for n >= 1, by squaring."""
    if n == 1:
        return x
    half = _whole_power(x * x, n // 2)
    return half * x if n % 2 else half


def _zeta(n: int, x: Scalar) -> Scalar:
    """Return the sum of (x + k)**-(n + 1) over k >= 0, of x > 0.

    Term by term up to x + k >= n + 12, and by Euler and Maclaurin from there on (DLMF 25.11.5).
    """
    bound, y, terms = n + 12.0, x, []
    for _ in range(n + 12):
        is_small = y < bound
        terms.append(is_small.choose(1.0 / _whole_power(y, n + 1), 0.0))
        y = is_small.choose(y + 1.0, y)
    inverse = 1.0 / y
    square = inverse * inverse
    weights, weight = [], (n + 1) / 2.0
    for k, number in enumerate(_BERNOULLI, 1):
        weights.append(number * weight)
        weight *= (2 * k + n) / (2 * k + 1) * (2 * k + 1 + n) / (2 * k + 2)
    rest = inverse.times_plus(0.5, square * square.polynomial(weights[::-1]))
    total = _whole_power(inverse, n) * (1.0 / n + rest)
    for term in reversed(terms):  # the least ones first
        total = total + term
    return total


def _cotangent_derivative(n: int) -> Sequence[float]:
    """Return the n-th derivative of c = cot(x) as a polynomial of c: c' = -(1 + c**2)."""
    terms = [0, 1]  # the lowest first
    for _ in range(n):
        slopes = [k * term for k, term in enumerate(terms)][1:]
        terms = [0] * (len(slopes) + 2)
        for k, slope in enumerate(slopes):
            terms[k] -= slope
            terms[k + 2] -= slope
    return [float(term) for term in reversed(terms)]


def polygamma(x: Scalar, *, n: int) -> Scalar:
    """Return the n-th derivative of digamma(x), n >= 1.

    Left of 0 by the n-th derivative of digamma(1 - x) - digamma(x) = pi cot(pi x).
    """
    if n == 1:
        return x.equals(-math.inf).choose(math.inf, trigamma(x))
    is_reflected = x <= 0.0
    factorial, sign = float(math.factorial(min(n, 170))), (-1.0) ** (n + 1)
    if n > 170:
        factorial = math.inf
    part = factorial * _zeta(n, is_reflected.choose(1.0 - x, x))
    part = x.equals(math.inf).choose(0.0, part)
    turns = x - x.rounded()
    cotangent = sin_of_turns(0.5 - abs(turns)) / sin_of_turns(turns)
    slope = math.pi ** (n + 1.0) * cotangent.polynomial(_cotangent_derivative(n))
    is_pole = is_reflected & x.rounded().equals(x)
    reflected = is_pole.choose(sign * math.inf, -part - slope)
    return is_reflected.choose(reflected, sign * part)
