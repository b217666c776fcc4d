"""What a product of arrays is as a product of matrices, or of a batch of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Node, Value
from .gemm import Gemm, emit
from .layout import Strides, dot, row_major
from .nests import loop
from .places import Buffer
from .plan import is_tiny
from .scalars import PTR

if TYPE_CHECKING:
    from .section import Section


@dataclass(frozen=True)
class Batch:
    """Products that are all alike.

    Attributes:
        product: One of them.
        shape: How many there are, by axis.
        strides: Of these axes, in the two operands and in the result.
    """

    product: Gemm
    shape: tuple[int, ...]
    strides: tuple[Strides, Strides, Strides]


def batch_of(node: Node, layouts: Mapping[Value, Strides]) -> Batch:
    """Return the products that a contraction is; a vector is one row, or one column.

    Args:
        node: The contraction.
        layouts: Strides of what is not laid out row by row.
    """
    (x, y), out = node.operands, node.out

    def strides_of(value: Value) -> Strides:
        return layouts.get(value) or row_major(value.shape)

    xs, ys, outs = strides_of(x), strides_of(y), row_major(out.shape)
    a = xs[-2:] if x.ndim > 1 else (0, xs[-1])
    b = ys[-2:] if y.ndim > 1 else (ys[-1], 0)
    rest = iter(outs[-((x.ndim > 1) + (y.ndim > 1)) :] if x.ndim > 1 or y.ndim > 1 else ())
    c = (next(rest) if x.ndim > 1 else 0, next(rest) if y.ndim > 1 else 0)
    product = Gemm(
        dtype=out.dtype.name,
        m=x.shape[-2] if x.ndim > 1 else 1,
        n=y.shape[-1] if y.ndim > 1 else 1,
        k=x.shape[-1],
        a=(a[0], a[1]),
        b=(b[0], b[1]),
        c=c,
    )
    lead = x.shape[:-2] if x.ndim > 2 else y.shape[:-2]
    none = (0,) * len(lead)
    strides = (
        xs[:-2] if x.ndim > 2 else none,
        ys[:-2] if y.ndim > 2 else none,
        outs[: len(lead)],
    )
    return Batch(product, lead, strides)


def emit_product(section: Section, node: Node) -> None:
    """Call the product of matrices, for each of a batch."""
    out = node.out
    target = section.room(out) if is_tiny(out) else section.address(out)
    if 0 not in out.shape:
        _multiply(section, node, batch_of(node, section.plan.layouts), target)
    section.place_at(out, target)


def _multiply(section: Section, node: Node, batch: Batch, target: ir.Value) -> None:
    product = emit(section.emission.module, batch.product, section.emission.target)
    workspace, dtype = section.in_workspace(node), node.out.dtype
    pointers = []
    for operand in node.operands:
        place = section.backed(operand)
        pointers.append(place.pointer if isinstance(place, Buffer) else section.spill(operand))

    def one(axis: int, index: list[Any]) -> None:
        if axis < len(batch.shape):
            with loop(section.builder, batch.shape[axis]) as i:
                one(axis + 1, [*index, section.reader.index_lane(i)])
            return
        given = [
            section.scalars.element(pointer, dtype, dot(index, strides))
            for pointer, strides in zip((*pointers, target), batch.strides, strict=True)
        ]
        section.builder.call(product, [*given, workspace, ir.Constant(PTR, None)])

    one(0, [])
