"""How many elements masks select: numbers that are not known while capturing."""

from __future__ import annotations

from typing import Any

from ..ir import Builder, Value
from ..types import Sym


class MaskCounts:
    """The unknown numbers of elements that the masks of one capture select.

    Masks that are computed in the same way from the same values select equally many.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._counts: dict[Value, Sym] = {}
        # The first value computed in the same way as each, and how far we looked.
        self._same: dict[Value, Value] = {}
        self._first: dict[Any, Value] = {}
        self._looked_at = 0

    def count_of(self, mask: Value) -> Sym:
        """Return the number of elements that a mask selects; equal masks, one number."""
        for node in self._builder.nodes[self._looked_at :]:
            operands = tuple(self._same.get(operand, operand) for operand in node.operands)
            key = (node.primitive, operands, tuple(node.attrs.items()))
            for place, out in enumerate(node.outs):
                self._same[out] = self._first.setdefault((key, place), out)
        self._looked_at = len(self._builder.nodes)
        mask = self._same.get(mask, mask)
        if mask not in self._counts:
            self._counts[mask] = Sym.named(f"count{len(self._counts) + 1}")
        return self._counts[mask]
