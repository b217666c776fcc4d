"""The normal distribution, in float64: its probability, the logarithm of it, and its inverse."""

from __future__ import annotations

import math

from .error import VAST, erf_near_zero, inverse_complement, scaled_complement
from .exponential import exp_of_pair
from .logarithm import natural
from .pairs import Pair, choose, exact_product, exact_sum
from .scalar import Scalar

_ROOT_OF_HALF = 0.7071067811865476, -4.833646656726457e-17
_ROOT_OF_TWO = 1.4142135623730951, -9.667293313452913e-17

# Up to it the probability is next to 1/2, from there on it is a tail.
_NEAR = 0.5


def _tail(a: Scalar) -> tuple[Pair, Scalar]:
    """Return, of a >= 0, (exp(a**2 / 2) erfc(a / sqrt(2)), the probability to be below -a)."""
    inner, bounded = a.at_most(40.0), a.at_most(VAST)
    z = exact_product(bounded, a.at.number(_ROOT_OF_HALF[0]))
    scaled = scaled_complement(z.high, bounded.times_plus(_ROOT_OF_HALF[1], z.low))
    tail = 0.5 * exp_of_pair(exact_product(inner, inner).scaled(-0.5), scaled)
    near = (-0.5 * erf_near_zero(inner.at_most(_NEAR) * _ROOT_OF_HALF[0])) + 0.5
    return scaled, (a < _NEAR).choose(near, tail)


def ndtr(x: Scalar) -> Scalar:
    """Return the probability that a standard normal variable is below x."""
    _, tail = _tail(abs(x))
    return (x < 0.0).choose(tail, 1.0 - tail)


def log_ndtr(x: Scalar) -> Scalar:
    """Return the logarithm of ``ndtr``, finite far to the left too."""
    a = abs(x)
    is_far = x < -1.0
    scaled, tail = _tail(a)
    left = choose(is_far, scaled.scaled(0.5), Pair(tail, tail.at.number(0.0)))
    whole = choose(x < 0.0, left, exact_sum(-tail, 1.0))
    result = natural(whole.high, whole.low).sum() - is_far.choose(0.5 * a * a, 0.0)
    result = ((x > 0.0) & (tail < 2.0**-60)).choose(-tail, result)
    return x.equals(-math.inf).choose(x, result)


def ndtri(p: Scalar) -> Scalar:
    """Return the inverse of ``ndtr``."""
    q = (p > 0.5).choose(1.0 - p, p)
    root = Pair(p.at.number(_ROOT_OF_TWO[0]), p.at.number(_ROOT_OF_TWO[1]))
    result = q.equals(0.0).choose(math.inf, (inverse_complement(q + q) * root).sum())
    result = (q < 0.0).choose(math.nan, result)
    return (p < 0.5).choose(-result, result)
