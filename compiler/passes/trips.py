"""How often a loop over a range runs, and at which of its iterations an index stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..ir import Builder, Node, Value
from ..primitives.elementwise import constant, floor_divide, maximum
from ..primitives.elementwise.casting import extent
from ..types import INDEX_DTYPE, Dim, Sym


class Trips:
    """The range of a loop.

    Attributes:
        count: The number of iterations, where types can say it; else None.
    """

    def __init__(self, node: Node, producers: Mapping[Value, Node]) -> None:
        self._bounds = node.operands[:3]
        self._known = [_known(operand, producers) for operand in self._bounds]
        start, stop, step = self._known
        self.count: Dim | None = node.attrs["most"]
        if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int) and step:
            self.count = len(range(start, stop, step))
        elif start == 0 and step == 1 and isinstance(stop, Sym):
            self.count = stop

    @property
    def starts_at_zero(self) -> bool:
        """Whether the index is the number of the iteration."""
        return self._known[0] == 0 and self._known[2] == 1

    @property
    def step(self) -> Dim | None:
        """The step, where it is known."""
        return self._known[2]

    def counted(self, builder: Builder) -> Value:
        """Append the number of iterations."""
        if isinstance(self.count, int):
            return builder.constant(np.int64(self.count))
        if isinstance(self.count, Sym):
            return builder.add(extent, (), {"dim": self.count, "dtype": INDEX_DTYPE})[0]
        start, stop, step = self._bounds
        made: Value = stop if self._known[0] == 0 else stop - start
        if self._known[2] != 1:
            made = -floor_divide(start - stop, step)
        return maximum(made, 0)  # type: ignore[no-any-return]

    def place(self, index: Value, start: Value, step: Value) -> Any:
        """Append the number of the iteration in which the index is ``index``."""
        if self.starts_at_zero:
            return index
        shifted = index if self._known[0] == 0 else index - start
        return shifted if self._known[2] == 1 else floor_divide(shifted, step)


def _known(value: Value, producers: Mapping[Value, Node]) -> Dim | None:
    node = producers.get(value)
    if node is not None and node.primitive is constant:
        return int(node.attrs["value"].array)
    if node is not None and node.primitive is extent:
        return node.attrs["dim"]  # type: ignore[no-any-return]
    return None
