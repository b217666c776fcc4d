"""Where elements lie in memory: strides of views, found by asking an index map."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ...ir import Node
from ...primitive import IndexMap, Stored
from ...primitives.selection import Gather, Index, Slice

Strides = tuple[int, ...]


def row_major(shape: Sequence[int]) -> Strides:
    """Return the strides, in elements, of an array without gaps."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def is_row_major(shape: Sequence[int], strides: Strides) -> bool:
    """Whether an array with these strides has no gaps."""
    return 0 in shape or all(
        dim == 1 or stride == wanted
        for dim, stride, wanted in zip(shape, strides, row_major(shape), strict=True)
    )


def dot(index: Sequence[Any], strides: Strides) -> Any:
    """Return the distance of an element from the first one; zeros and ones are left out."""
    total: Any = 0
    for place, stride in zip(index, strides, strict=True):
        if isinstance(place, int) and not place * stride:
            continue
        term = place if stride == 1 else place * stride
        total = term if isinstance(total, int) and not total else total + term
    return total


def stored_index(node: Node) -> Index:
    """Return the index at which a store puts its value: of a record, one row."""
    index: Index | None = node.attrs.get("index")
    return index if index is not None else (Gather(), *(Slice() for _ in node.out.shape[1:]))


def first_number(node: Node) -> int:
    """Return the position of the first operand that says where to read or to store."""
    return 2 if isinstance(node.primitive.lower, Stored) else 1


def gathered_sizes(node: Node) -> list[int]:
    """Return the sizes of the axes of operand 0 in which computed numbers say the place."""
    index = stored_index(node)
    axes = [item for item in index if item is not None]
    sizes = zip(axes, node.operands[0].shape, strict=True)
    return [size for item, size in sizes if isinstance(item, Gather)]


def mapped(node: Node, index: Sequence[Any], numbers: Sequence[Any]) -> list[Any]:
    """Return where an element of a view lies in operand 0.

    Args:
        node: Its primitive has an index map.
        index: Of the element.
        numbers: The operands behind the first.
    """
    lower = node.primitive.lower
    assert isinstance(lower, IndexMap)
    return list(lower.rule(index, node.operands[0].type, *numbers, **node.attrs))


def view_strides(node: Node, strides: Strides) -> Strides:
    """Return the strides of a view of an array with these strides."""
    rank = node.out.ndim
    numbers = [0] * (len(node.operands) - 1)
    first = dot(mapped(node, [0] * rank, numbers), strides)
    found = []
    for axis, dim in enumerate(node.out.shape):
        unit = [int(axis == other) for other in range(rank)]
        found.append(dot(mapped(node, unit, numbers), strides) - first if dim > 1 else 0)
    return tuple(found)


def regrouped(shape: Sequence[int], strides: Strides, target: Sequence[int]) -> Strides | None:
    """Return the strides of the same elements in another shape; None where there are none."""
    if is_row_major(shape, strides):
        return row_major(target)
    kept = [(dim, stride) for dim, stride in zip(shape, strides, strict=True) if dim != 1]
    if [dim for dim, _ in kept] != [dim for dim in target if dim != 1]:
        return None
    rest = iter(stride for _, stride in kept)
    return tuple(next(rest) if dim != 1 else 0 for dim in target)
