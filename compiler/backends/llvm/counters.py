"""Loop counters as indices: affine, with known bounds.

So what depends on where an element lies is decided while code is emitted, where it can be.
"""

from __future__ import annotations

from math import inf
from typing import Any

import llvmlite.ir as ir

from ...types import INDEX_DTYPE
from .scalars import I64, Lane, Scalars

_EXACT = ["nsw"]  # what lies in an array does not overflow


class Counter(Lane):
    """``scale * base + offset`` of a loop's counter; ints are added and multiplied without code.

    Attributes:
        base: The counter.
        scale: A factor.
        offset: A summand.
        low: The smallest value that it takes.
        high: The largest one.
    """

    __slots__ = ("base", "high", "low", "offset", "scale")

    def __init__(
        self,
        scalars: Scalars,
        base: ir.Value,
        low: int,
        high: int,
        scale: int = 1,
        offset: int = 0,
    ) -> None:
        self.dtype, self.scalars, self.base = INDEX_DTYPE, scalars, base
        self.low, self.high, self.scale, self.offset = low, high, scale, offset

    @property
    def value(self) -> ir.Value:
        """Append the instructions that compute it."""
        builder, value = self.scalars.builder, self.base
        if self.scale != 1:
            value = builder.mul(value, I64(self.scale), flags=_EXACT)
        return builder.add(value, I64(self.offset), flags=_EXACT) if self.offset else value

    @property
    def key(self) -> Any:
        """Two counters with equal keys are equal."""
        return self.base, self.scale, self.offset

    def _moved(self, by: int) -> Counter:
        low, high = self.low + by, self.high + by
        return Counter(self.scalars, self.base, low, high, self.scale, self.offset + by)

    def __add__(self, other: Any) -> Any:
        """Move it, or append a sum."""
        if isinstance(other, int):
            return self._moved(other)
        if isinstance(other, Lane) and other.dtype == INDEX_DTYPE:
            made = self.scalars.builder.add(self.value, other.value, flags=_EXACT)
            return Lane(made, INDEX_DTYPE, self.scalars)
        return super().__add__(other)

    def __radd__(self, other: Any) -> Any:
        """Move it, or append a sum."""
        return self._moved(other) if isinstance(other, int) else super().__radd__(other)

    def __sub__(self, other: Any) -> Any:
        """Move it, or append a difference."""
        return self._moved(-other) if isinstance(other, int) else super().__sub__(other)

    def __rsub__(self, other: Any) -> Any:
        """Turn and move it, or append a difference."""
        return (self * -1)._moved(other) if isinstance(other, int) else super().__rsub__(other)

    def __mul__(self, other: Any) -> Any:
        """Stretch it, or append a product."""
        if not isinstance(other, int):
            return super().__mul__(other)
        low, high = sorted((self.low * other, self.high * other))
        scale, offset = self.scale * other, self.offset * other
        return Counter(self.scalars, self.base, low, high, scale, offset)

    __rmul__ = __mul__


def lies_within(place: Any, start: int, stop: int) -> Any:
    """Return whether an index lies in a range: a bool where that is known, else a condition."""
    if isinstance(place, int):
        return start <= place < stop
    low, high = (place.low, place.high) if isinstance(place, Counter) else (-inf, inf)
    if low >= start and high < stop:
        return True
    if high < start or low >= stop:
        return False
    builder, value, found = place.scalars.builder, place.value, []
    if low < start:
        found.append(builder.icmp_signed(">=", value, I64(start)))
    if high >= stop:
        found.append(builder.icmp_signed("<", value, I64(stop)))
    return found[0] if len(found) == 1 else builder.and_(*found)
