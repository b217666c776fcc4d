"""Calls of the nests that are done with a product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import llvmlite.ir as ir

from ...ir import Node
from .chunks import Part
from .nests import kernel_of
from .scalars import I64

if TYPE_CHECKING:
    from .section import Section

Span = tuple[Any, Any]  # where it starts and stops


class Calls(NamedTuple):
    """Calls of nests for a part of a product's result.

    Attributes:
        functions: In their order: of each its part, and how many values it is given.
        values: These values, of all of them.
    """

    functions: tuple[tuple[ir.Function, Part, int], ...]
    values: tuple[ir.Value, ...]

    @property
    def takes_runs(self) -> bool:
        """Whether all nests go over the points of a part as one axis."""
        return all(part.axes == (None,) for _, part, _ in self.functions)

    def emit(
        self, builder: ir.IRBuilder, values: Sequence[ir.Value], spans: Sequence[Span], run: Span
    ) -> None:
        """Append the calls for one part.

        Args:
            builder: Where.
            values: The same as ``self.values``, at hand there.
            spans: Of each axis that the product is divided along.
            run: The elements of the part, where it is one run of them.
        """
        at = 0
        for function, part, count in self.functions:
            ends = [run] if part.axes == (None,) else spans
            given = [*values[at : at + count], *(end for span in ends for end in span)]
            builder.call(function, given)
            at += count


def calls_of(section: Section, product: Node, target: ir.Value) -> Calls:
    """Return the calls of the nests that are done with a product; it is written to ``target``."""
    plan, functions = section.plan, []
    values: list[ir.Value] = []
    followers = section.fusion.followers.get(product, {})
    if followers:
        section.place_at(product.out, target)
    for nest, part in followers.items():
        leaves = plan.leaves(plan.steps.index(nest))
        function, _, given = kernel_of(section, nest, leaves, part)
        functions.append((function, part, len(given)))
        values += given
    return Calls(tuple(functions), tuple(values))


def scaled(builder: ir.IRBuilder, span: Span, size: int) -> Span:
    """Return the elements of some places of so many elements each."""
    start, stop = (builder.mul(end, I64(size)) for end in span)
    return start, stop
