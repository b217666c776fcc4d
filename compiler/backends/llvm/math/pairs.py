"""Arithmetic with twice the precision: numbers as unevaluated sums of two floats.

Sources: T. J. Dekker, "A floating-point technique for extending the available precision" (1971);
D. E. Knuth, The Art of Computer Programming 2, 4.2.2, for the sum of two numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scalar import Scalar, Truth


def exact_sum(a: Scalar, b: float | Scalar) -> Pair:
    """Return a + b without error."""
    total = a + b
    part = total - a
    return Pair(total, (a - (total - part)) + (b - part))


def ordered_sum(a: Scalar, b: Scalar) -> Pair:
    """Return a + b without error, where abs(a) >= abs(b) or a is 0."""
    total = a + b
    return Pair(total, b - (total - a))


def _halves(a: Scalar) -> tuple[Scalar, Scalar]:
    """Split into two numbers of half the digits; overflows within 2**27 of the largest."""
    spread = a * (2.0 ** ((a.at.format.fraction + 2) // 2) + 1.0)
    high = spread - (spread - a)
    return high, a - high


def exact_product(a: Scalar, b: Scalar) -> Pair:
    """Return a * b without error, where nothing overflows or underflows."""
    high = a * b
    if a.at.fused:
        return Pair(high, a.times_plus(b, -high))
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low
    return Pair(high, low)


def remainder(c: Scalar, a: Scalar, b: Scalar) -> Scalar:
    """Return c - a * b, without error where that is a float, as it is of quotients a = c / b."""
    if a.at.fused:
        return (-a).times_plus(b, c)
    product = exact_product(a, b)
    return (c - product.high) - product.low


@dataclass(frozen=True)
class Pair:
    """The sum of two floats, of which the second is within rounding of the first.

    Attributes:
        high: The leading part.
        low: The rest.
    """

    high: Scalar
    low: Scalar

    def __add__(self, other: Pair | float | Scalar) -> Pair:
        if isinstance(other, Pair):
            total = exact_sum(self.high, other.high)
            return ordered_sum(total.high, total.low + (self.low + other.low))
        total = exact_sum(self.high, other)
        return ordered_sum(total.high, total.low + self.low)

    def __neg__(self) -> Pair:
        return Pair(-self.high, -self.low)

    def __mul__(self, other: Pair | Scalar) -> Pair:
        if isinstance(other, Pair):
            product = exact_product(self.high, other.high)
            cross = self.high.times_plus(other.low, self.low * other.high)
            return ordered_sum(product.high, product.low + cross)
        product = exact_product(self.high, other)
        return ordered_sum(product.high, self.low.times_plus(other, product.low))

    def over(self, other: Pair) -> Scalar:
        """Return the quotient as the nearest float, or nearly."""
        quotient, rest = self._divided(other)
        return quotient + rest

    def _divided(self, other: Pair) -> tuple[Scalar, Scalar]:
        inverse = 1.0 / other.high
        quotient = self.high * inverse
        rest = remainder(self.high, quotient, other.high) + self.low
        return quotient, (-quotient).times_plus(other.low, rest) * inverse

    def __truediv__(self, other: Pair) -> Pair:
        return ordered_sum(*self._divided(other))

    def scaled(self, factor: float | Scalar) -> Pair:
        """Multiply by a power of two, which is exact."""
        return Pair(self.high * factor, self.low * factor)

    def sum(self) -> Scalar:
        """Return the nearest float."""
        return self.high + self.low

    def sqrt(self) -> Pair:
        """Return the square root of a positive number."""
        root = self.high.sqrt()
        square = exact_product(root, root)
        rest = (self.high - square.high) - square.low + self.low
        return ordered_sum(root, rest / (root + root))


def choose(condition: Truth, yes: Pair, no: Pair) -> Pair:
    """Return ``yes`` where the condition holds, and ``no`` elsewhere."""
    return Pair(condition.choose(yes.high, no.high), condition.choose(yes.low, no.low))
