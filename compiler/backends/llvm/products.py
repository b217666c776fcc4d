"""What a product of arrays is as a product of matrices, or of a batch of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...ir import Node, Value
from .gemm import Gemm
from .layout import Strides, row_major


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
