"""Reads and stores by index; see ``selection``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import GradcError, TypeRuleError
from ..ir import Builder
from ..primitive import (
    REGISTRY,
    Attrs,
    Example,
    IndexMap,
    Linear,
    NumPy,
    Primitive,
    Scatter,
    Stored,
)
from ..types import (
    INDEX_DTYPE,
    ArrayType,
    Dim,
    Shape,
    format_shape,
)
from .batching import all_batched, batch_size
from .elementwise.casting import arange, filled, numbered
from .elementwise.comparison import equal, where
from .elementwise.kind import check_kinds
from .selection import Gather, Index, Mask, Slice, index_text, indexed_shape, slice_index


def _slice_type(x: ArrayType, index: Index) -> ArrayType:
    return x.with_shape(indexed_shape(x.shape, index, ()))


def _slice_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    (x,) = operands
    return slice_(x, index=(Slice(), *attrs["index"]))


slice_: Primitive = Primitive(
    "slice",
    type=_slice_type,
    derivative=Linear(lambda ct, x, index: (Scatter(ct, (), index),)),
    numpy=NumPy(lambda types, attrs: "{0}[" + index_text(attrs["index"], 1) + "]"),
    lower=IndexMap(slice_index),
    view=True,
    dtypes="fib",
    examples=(
        Example(((5,),), {"index": (Slice(1, None),)}),
        Example(((5, 4),), {"index": (Slice(None, None, -2), 1)}),
        Example(((5, 4),), {"index": (Slice(4, 1, -1), Slice(-3, -1))}),
        Example(((3,),), {"index": (None, Slice(), None)}),
        Example(((3, 2),), {"index": (-1, 0)}),
        Example(((3, 0),), {"index": (Slice(3, 3), Slice())}),
        Example(((),), {"index": ()}),
    ),
    batch=_slice_batch,
)


def _gather_type(x: ArrayType, *arrays: ArrayType, index: Index) -> ArrayType:
    return x.with_shape(indexed_shape(x.shape, index, arrays))


def _gather_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    return "{0}[" + index_text(attrs["index"], 1) + "]"


def _selects_view(types: Sequence[ArrayType]) -> bool:
    # Where all indices are single numbers, NumPy gives a view.
    return not any(one.ndim for one in types[1:])


def _over_batch(
    size: Dim, index: Index, arrays: Sequence[Any], is_batched: Sequence[bool], whole: bool
) -> tuple[Index, list[Any], tuple[int, ...]]:
    """Return the index and the arrays for a whole batch, and the order of axes of what they take.

    Args:
        size: Its length.
        index: The index of one.
        arrays: Its arrays.
        is_batched: Which of them are batched.
        whole: Whether what is indexed is batched.

    Returns:
        Index, arrays, and the ``axes`` that bring the batch to the front of what they select, and
        the others into the order in which one index places them.
    """
    places: list[tuple[int, int]] = []  # (position in the index, axis of the result)
    kept = 0
    for position, item in enumerate(index):
        if item is None or isinstance(item, Slice):
            kept += 1
        else:
            places.append((position, kept))
    adjacent = places[-1][0] - places[0][0] == len(places) - 1
    at = places[0][1] if adjacent else 0
    ranks = [len(x.shape) - flag for x, flag in zip(arrays, is_batched, strict=True)]
    items = [item for item in index if isinstance(item, Gather | Mask)]
    pairs = zip(items, ranks, is_batched, strict=True)
    if any(isinstance(item, Mask) and flag for item, _, flag in pairs):
        raise GradcError(
            "masks that differ over a batch select different numbers of elements",
            fix="write the step with np.where, which keeps the shape",
        )
    spans = zip(items, ranks, strict=True)
    rank = max(1 if isinstance(item, Mask) else own for item, own in spans)
    if not any(is_batched):
        axes = list(range(rank + kept + 1))
        if not adjacent:
            axes.insert(0, axes.pop(rank))
        return (Slice(), *index), list(arrays), tuple(axes)
    aligned = [
        _reshaped(x, (size, *(1,) * (rank - own), *x.shape[1:])) if flag else x
        for x, own, flag in zip(arrays, ranks, is_batched, strict=True)
    ]
    if not whole:
        axes = list(range(rank + kept + 1))
        axes.insert(0, axes.pop(at))
        return index, aligned, tuple(axes)
    rows = _reshaped(_arange(size), (size, *(1,) * rank))
    taken, rest = range(1, rank + 1), range(rank + 1, rank + kept + 1)
    return (Gather(), *index), [rows, *aligned], (0, *rest[:at], *taken, *rest[at:])


def _arange(count: Dim) -> Any:
    return Builder.current().add(arange, (), {"count": count})[0]


def _reshaped(x: Any, shape: Shape) -> Any:
    return x if x.shape == shape else REGISTRY["reshape"](x, shape=shape)


def _ordered(x: Any, axes: Sequence[int]) -> Any:
    return x if list(axes) == sorted(axes) else REGISTRY["transpose"](x, axes=tuple(axes))


def _gather_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    (x, *arrays), (whole, *flags) = operands, is_batched
    size = batch_size(operands, is_batched)
    index, arrays, axes = _over_batch(size, attrs["index"], arrays, flags, whole)
    return _ordered(gather(x, *arrays, index=index), axes)


def _gather_transpose(ct: Any, x: Any, *arrays: Any, index: Index) -> tuple[Any, ...]:
    return (Scatter(ct, arrays, index), *(None for _ in arrays))


_ROWS = np.array([2, 0, 2, -1])
_MASK = np.array([True, False, True])

gather: Primitive = Primitive(
    "gather",
    type=_gather_type,
    derivative=Linear(_gather_transpose),
    numpy=NumPy(_gather_text),
    lower=IndexMap(slice_index),
    view=_selects_view,
    dtypes="fib",
    examples=(
        Example(((3,), _ROWS), {"index": (Gather(),)}),
        Example(((3, 2), _ROWS), {"index": (Gather(), Slice())}),
        Example(
            ((4, 3, 2), _ROWS, np.array([[1], [0]])), {"index": (Gather(), Slice(1, 3), Gather())}
        ),
        Example(((2, 3), _ROWS), {"index": (1, Gather())}),
        Example(((3, 2), _MASK), {"index": (Mask(1, 2), Slice())}),
        Example(((3, 2), np.zeros(0, np.int64)), {"index": (Gather(), Slice(None, None, -1))}),
        Example(((3,), np.array(1)), {"index": (Gather(),)}),
    ),
    batch=_gather_batch,
)


def _store_type(x: ArrayType, value: ArrayType, *arrays: ArrayType, index: Index) -> ArrayType:
    region = indexed_shape(x.shape, index, arrays)
    if value.shape != region or value.dtype != x.dtype:
        got = f"{value} into a region of shape {format_shape(region)} of {x}"
        raise TypeRuleError("the value does not fit the place", got=got)
    return x


def _read(array: Any, arrays: Sequence[Any], index: Index) -> Any:
    return gather(array, *arrays, index=index) if arrays else slice_(array, index=index)


def _update_transpose(ct: Any, x: Any, value: Any, *arrays: Any, index: Index) -> tuple[Any, ...]:
    read = _read(ct, arrays, index)
    if any(isinstance(item, Gather) for item in index) and any(len(one.shape) for one in arrays):
        read = where(_survives(ct, value, arrays, index), read, 0.0)
    kept = update(ct, filled(value, 0), *arrays, index=index)
    return (kept, read, *(None for _ in arrays))


def _survives(ct: Any, value: Any, arrays: Sequence[Any], index: Index) -> Any:
    # Where an index occurs twice the last value stays: number the values, store the numbers in
    # the same way, and see which of them are still there.
    numbers = numbered(value)
    board = update(filled(ct, 0, INDEX_DTYPE), numbers, *arrays, index=index)
    return equal(_read(board, arrays, index), numbers)


def _store_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    (_, _, *arrays), (_, _, *flags) = operands, is_batched
    size = batch_size(operands, is_batched)
    x, value = all_batched(operands[:2], is_batched[:2], size)
    if not arrays:
        return primitive(x, value, index=(Slice(), *attrs["index"]))
    index, arrays, axes = _over_batch(size, attrs["index"], arrays, flags, True)
    back = sorted(range(len(axes)), key=axes.__getitem__)
    return primitive(x, _ordered(value, back), *arrays, index=index)


update: Primitive = Primitive(
    "update",
    type=_store_type,
    derivative=Linear(_update_transpose),
    numpy=NumPy(
        lambda types, attrs: "{0}[" + index_text(attrs["index"], 2) + "] = {1}", store=True
    ),
    lower=Stored(adds=False),
    dtypes="fib",
    examples=(
        Example(((5,), (2,)), {"index": (Slice(1, None, 2),)}),
        Example(((5, 4), (4,)), {"index": (-1, Slice(None, None, -1))}),
        Example(((3,), ()), {"index": (0,)}),
        Example(((3,), (4,), _ROWS), {"index": (Gather(),)}),
        Example(((3, 2), (4, 2), _ROWS), {"index": (Gather(), Slice())}),
        Example(((3, 2), (2, 2), _MASK), {"index": (Mask(1, 2), Slice())}),
        Example(((0, 2), (0, 2)), {"index": (Slice(), Slice())}),
    ),
    batch=_store_batch,
)


def _add_at_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    index = attrs["index"]
    text = index_text(index, 2)
    if not any(isinstance(item, Gather) for item in index) or _selects_view(types[1:]):
        return f"{{0}}[{text}] += {{1}}"
    # Of an index that occurs twice both values count.
    return f"np.add.at({{0}}, {text if text == '{2}' else f'np.s_[{text}]'}, {{1}})"


def _add_at_transpose(ct: Any, x: Any, value: Any, *arrays: Any, index: Index) -> tuple[Any, ...]:
    return (ct, _read(ct, arrays, index), *(None for _ in arrays))


def _add_at_type(x: ArrayType, value: ArrayType, *arrays: ArrayType, index: Index) -> ArrayType:
    check_kinds(x, "fi")
    return _store_type(x, value, *arrays, index=index)


add_at = Primitive(
    "add_at",
    type=_add_at_type,
    derivative=Linear(_add_at_transpose),
    numpy=NumPy(_add_at_text, store=True),
    lower=Stored(adds=True),
    dtypes="fi",
    examples=update.examples,
    batch=_store_batch,
)
