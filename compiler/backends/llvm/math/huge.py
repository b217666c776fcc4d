"""Reduction of huge arguments by multiples of pi (M. Payne and R. Hanek, 1983).

x = m 2**e with a whole m below 2**53; of 2**e / pi only what remains of it modulo 2 matters. A
table has that for every sixteenth exponent in four parts, 214 bits in all: 69 of them are above
the point in the product with m, the greatest cancellation takes 62, and 53 remain and some more.
"""

from __future__ import annotations

import math
from functools import cache

from .pairs import Pair, exact_product, exact_sum, ordered_sum
from .scalar import DOUBLE, Scalar
from .tables import constant_table, entry

# From the exponent of 2**24 on, in steps of 16.
_FIRST, _STEP = 24, 16
_ROWS = (1023 - _FIRST) // _STEP + 1
_PARTS = 4
_TABLE = "gradc.huge"

# 1 / pi, its first 1280 bits.
_DIGITS = 1280


@cache
def _inverse_of_pi() -> int:
    """Return floor(2**1280 / pi), from J. Machin's formula for pi."""
    spare = 64
    one = 1 << (_DIGITS + spare)

    def arctan_of_inverse(n: int) -> int:
        power = one // n
        total, k = power, 1
        while power:
            power //= n * n
            k += 2
            total += -(power // k) if k % 4 == 3 else power // k
        return total

    pi = 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)
    return (one << _DIGITS) // pi


def _parts(exponent: int) -> list[float]:
    """Return 2**exponent / pi modulo 2 as a sum of floats."""
    point = _DIGITS - exponent
    rest = _inverse_of_pi() % (1 << (point + 1))
    parts = []
    for _ in range(_PARTS):
        part = float(rest >> max(0, rest.bit_length() - 53))
        part = math.ldexp(part, max(0, rest.bit_length() - 53) - point)
        parts.append(part)
        numerator, denominator = part.as_integer_ratio()
        rest -= (numerator << point) // denominator
    return parts


def _values() -> list[float]:
    return [part for row in range(_ROWS) for part in _parts(_FIRST + _STEP * row - DOUBLE.fraction)]


def _even_rest(x: Scalar) -> Scalar:
    """Return x without a multiple of 2, between -1 and 1."""
    return x - 2.0 * (x * 0.5).rounded()


def turns(x: Scalar) -> tuple[Scalar, Pair]:
    """Return x / pi, but for a multiple of 2, of x >= 2**24 in float64.

    As a number between -2 and 2 and what it lacks, so that a whole number can be taken from the
    first without error. What is below 2**24 gives something finite.
    """
    field = (x.bits() >> DOUBLE.fraction) - (DOUBLE.bias + _FIRST)
    field = (x >= 2.0**_FIRST).choose_bits(field, 0)
    whole = 2**DOUBLE.fraction
    over = ((field & (_STEP - 1)) + DOUBLE.bias) << DOUBLE.fraction
    m = ((x.bits() & (whole - 1)) | DOUBLE.bits_of(float(whole))).as_float() * over.as_float()
    row = field >> 4
    table = constant_table(x.at.builder.module, _TABLE, _values)
    products = []
    for part in range(_PARTS):
        products.append(exact_product(m, entry(table, (row << 2) + part)))
    first, second, third, fourth = products
    top = exact_sum(_even_rest(first.high), _even_rest(first.low))
    lead = exact_sum(_even_rest(top.high), _even_rest(second.high))
    below = exact_sum(top.low, lead.low)
    beside = exact_sum(second.low, third.high)
    middle = exact_sum(below.high, beside.high)
    tail = (middle.low + below.low) + (beside.low + third.low) + fourth.high
    return lead.high, ordered_sum(middle.high, tail)
