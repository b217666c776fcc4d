"""Nests in chunks, which threads claim as they come free.

The shape and the operations alone decide where chunks begin, not the number of threads: so sums
have the same bits for any number of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ...ir import Node, Value
from ...primitive import IndexMap, Joined, Stored
from .costs import of_nest
from .gemm.tiles import rounded
from .layout import places_of, row_major, strides_of
from .plan import Plan
from .steps import Nest
from .workspace import ALIGNMENT

BLOCK = 512  # so many numbers are summed plainly before the sum is added with its error

# In nanoseconds.
WORTHWHILE = 16_000  # for less, nobody is woken
CHUNK = 6_000
MOST = 64  # chunks
_LINE = 64  # elements of the last axis that stay together
_FEW = 4096  # elements of a result that each chunk may have of its own


@dataclass(frozen=True)
class Chunks:
    """How a nest is divided.

    Attributes:
        axis: The axis that is; None for all points as one axis.
        extent: Its extent.
        size: That of a chunk; the last one may be smaller.
        partial_bytes: What a chunk needs for what it folds, to be joined in the end; 0 where each
            chunk has results of its own.
    """

    axis: int | None
    extent: int
    size: int
    partial_bytes: int = 0

    @property
    def count(self) -> int:
        """The number of chunks."""
        return -(-self.extent // self.size)

    @property
    def axes(self) -> tuple[int | None, ...]:
        """The axes of which a chunk is a span."""
        return (self.axis,)


@dataclass(frozen=True)
class Part:
    """What a nest does at a time that follows a product: see ``fusion.py``.

    Attributes:
        axes: It is a span of each of these axes; of None for all points as one axis.
        partial_bytes: None are needed: results are those of the part.
    """

    axes: tuple[int | None, ...]
    partial_bytes: ClassVar[int] = 0


def folded_axes(nest: Nest) -> tuple[int, ...]:
    """Return the axes over which a nest folds."""
    return tuple(nest.folds[0].attrs["axes"]) if nest.folds else ()


def ends_in_kept(nest: Nest) -> bool:
    """Whether the innermost loop of a nest goes over what its folds keep."""
    rank, axes = len(nest.shape), folded_axes(nest)
    return len(axes) < rank and rank - 1 not in axes and nest.shape[-1] > 1


def is_flat(plan: Plan, nest: Nest, leaves: Sequence[Value]) -> bool:
    """Whether one counter serves for all axes: everything is read in row-major order."""
    shape, seen = nest.shape, set()
    todo = [*nest.values, *(node.operands[0] for node in nest.folds)]
    there = set(leaves)
    if nest.folds and len(folded_axes(nest)) < len(shape):
        return False
    while todo:
        one = todo.pop()
        if one in seen or prod(one.shape) == 1:
            continue
        seen.add(one)
        if one in there:
            if one.shape != shape or strides_of(one, plan.layouts) != row_major(shape):
                return False
        elif isinstance(plan.producers[one].primitive.lower, IndexMap):
            operand = plan.producers[one].operands[0]
            if prod(operand.shape) != 1 or places_of(plan.producers[one]):
                return False
            todo.append(operand)
        elif _depends_on_place(plan.producers[one]) and len(shape) > 1:
            return False
        else:
            todo += plan.producers[one].operands
    return True


def _depends_on_place(node: Node) -> bool:
    return isinstance(node.primitive.lower, Stored | Joined) or not node.operands


def chunks_of(plan: Plan, nest: Nest, leaves: Sequence[Value]) -> Chunks | None:
    """Return how a nest is divided; None where it is not worth it, or has no axis for it."""
    time = of_nest(nest, leaves)
    if time < WORTHWHILE:
        return None
    wanted = min(MOST, int(time / CHUNK))
    if is_flat(plan, nest, leaves):
        partial = 16 * len(nest.folds)
        return _divided(None, prod(nest.shape), wanted, BLOCK, partial)
    axes = folded_axes(nest)
    kept = [axis for axis in range(len(nest.shape)) if axis not in axes]
    whole = [axis for axis in kept if axis != len(nest.shape) - 1]
    large = [axis for axis in whole if nest.shape[axis] >= min(wanted, 8)]
    if large:
        return _divided(large[0], nest.shape[large[0]], wanted, 1)
    size = sum(prod(node.out.shape) * 8 for node in nest.folds)
    if ends_in_kept(nest) and nest.folds and size <= 8 * _FEW:
        axis = max(axes, key=lambda axis: nest.shape[axis])
        return _divided(axis, nest.shape[axis], wanted, 1, size)
    if kept:
        axis = max(kept, key=lambda axis: nest.shape[axis])
        unit = _LINE if axis == len(nest.shape) - 1 else 1
        return _divided(axis, nest.shape[axis], wanted, unit)
    return None


def chunk_size(count: int, each: float) -> int:
    """Return how many of things that are alike make a chunk; all where it is not worth it.

    Args:
        count: How many there are.
        each: Nanoseconds that one takes.
    """
    if each * count < WORTHWHILE:
        return count
    return max(-(-count // MOST), min(count, int(CHUNK / max(each, 1.0))))


def _divided(
    axis: int | None, extent: int, wanted: int, unit: int, partial_bytes: int = 0
) -> Chunks | None:
    size = rounded(-(-extent // wanted), unit)
    found = Chunks(axis, extent, size, rounded(partial_bytes, ALIGNMENT))
    return found if found.count > 1 else None
