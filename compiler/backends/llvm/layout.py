"""Where elements lie in memory: strides of views, found by asking an index map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from ...ir import Node, Value
from ...primitive import IndexMap, Joined, Stored
from ...primitives.selection import Gather, Index, Slice, first_array_axis

Strides = tuple[int, ...]

WIDE = 2  # a wide store fills one of so many parts at least
MOST_PARTS = 4  # of an array that is computed anew for each reader


def row_major(shape: Sequence[int]) -> Strides:
    """Return the strides, in elements, of an array without gaps."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def rows_first(shape: Sequence[Any]) -> Strides:
    """Return the strides of an array without gaps in which the axis of unknown size is outermost.

    Example:
        >>> from gradc.compiler.types import Sym
        >>> rows_first((2, Sym.named("n"), 3))
        (3, 6, 1)
    """
    known = [dim for dim in shape if isinstance(dim, int)]
    rest = iter(row_major(known))
    return tuple(next(rest) if isinstance(dim, int) else prod(known) for dim in shape)


def is_row_major(shape: Sequence[int], strides: Strides) -> bool:
    """Whether an array with these strides has no gaps."""
    return 0 in shape or all(
        dim == 1 or stride == wanted
        for dim, stride, wanted in zip(shape, strides, row_major(shape), strict=True)
    )


def strides_of(value: Value, layouts: Mapping[Value, Strides]) -> Strides:
    """Return the strides of a value: those that are known for it, else without gaps."""
    return layouts.get(value) or row_major(value.shape)


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


def places_of(node: Node) -> tuple[Value, ...]:
    """Return the numbers, and arrays of these, that say where a node reads or stores."""
    if not isinstance(node.primitive.lower, IndexMap | Stored):
        return ()
    return node.operands[first_number(node) :]


def selects(node: Node) -> bool:
    """Whether arrays of places say what a node reads, or where it stores."""
    return any(one.ndim for one in places_of(node))


def parted(node: Node, index: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Part the index of an element of what arrays select.

    Args:
        node: It ``selects``.
        index: Of an element of what it reads, or stores.

    Returns:
        What slices and new axes take of the index, and what arrays take.
    """
    first = first_array_axis(stored_index(node))
    behind = first + max(one.ndim for one in node.operands[first_number(node) :])
    return [*index[:first], *index[behind:]], list(index[first:behind])


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


def is_wide(node: Node) -> bool:
    """Whether a store fills so much of an array that its result is better computed anew.

    It is then a choice of two, element by element, and fuses with what reads it.
    """
    x, value = node.operands[:2]
    index = node.attrs.get("index")
    return (
        index is not None
        and len(node.operands) == 2
        and value.ndim == x.ndim
        and all(isinstance(item, Slice) and item.step in (None, 1) for item in index)
        and WIDE * prod(value.shape) >= prod(x.shape)
    )


def is_choice(node: Node) -> bool:
    """Whether an array is joined so that it is better computed anew: of one part, mostly."""
    sizes = [prod(one.shape) for one in node.operands]
    is_new = isinstance(node.primitive.lower, Joined) and node.primitive.lower.new
    return not is_new and len(sizes) <= MOST_PARTS and WIDE * max(sizes) >= sum(sizes)


def bounds_of(node: Node) -> list[tuple[int, int]]:
    """Return from where to where a wide store, or a slice, goes in operand 0, along each axis."""
    found = []
    for item, dim in zip(node.attrs["index"], node.operands[0].shape, strict=True):
        start, stop, _ = slice(item.start, item.stop).indices(dim)
        found.append((start, stop))
    return found
