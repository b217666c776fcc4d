"""Primitives that arrange elements: reshape, transpose, broadcast, join."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from ..errors import TypeRuleError
from ..primitive import Attrs, Example, Expand, IndexMap, Joined, Linear, NumPy, Primitive, Rows
from ..types import (
    ArrayType,
    Shape,
    broadcast_shapes,
    format_shape,
    normalize_axis,
    resolve_reshape,
)
from .batching import along
from .index import slice_
from .reduce import sum_
from .selection import Slice


def _reshape_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    before, after = types[0].shape, attrs["shape"]
    if 0 < len(before) < len(after) and before == tuple(dim for dim in after if dim != 1):
        return "{0}[" + ", ".join("None" if dim == 1 else ":" for dim in after) + "]"
    if after and after == tuple(dim for dim in before if dim != 1):
        return "{0}[" + ", ".join("0" if dim == 1 else ":" for dim in before) + "]"
    return "{0}.reshape(" + (", ".join(map(str, after)) or "()") + ")"


def _reshape_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    (x,) = operands
    return reshape(x, shape=(x.shape[0], *resolve_reshape(x.shape[1:], attrs["shape"])))


# Row-major order, as NumPy's.
reshape: Primitive = Primitive(
    "reshape",
    type=lambda x, shape: x.with_shape(resolve_reshape(x.shape, shape)),
    derivative=Linear(lambda ct, x, shape: (reshape(ct, shape=x.shape),)),
    numpy=NumPy(_reshape_text),
    lower=Rows(),
    view=True,
    dtypes="fib",
    examples=(
        Example(((2, 6),), {"shape": (3, 4)}),
        Example(((2, 3),), {"shape": (2, 1, 3)}),
        Example(((1, 3, 1),), {"shape": (3,)}),
        Example(((),), {"shape": (1, 1)}),
        Example(((1, 1),), {"shape": ()}),
        Example(((0, 2),), {"shape": (3, 0)}),
    ),
    batch=_reshape_batch,
)


def _transpose_type(x: ArrayType, axes: tuple[int, ...]) -> ArrayType:
    if sorted(axes) != list(range(x.ndim)):
        raise TypeRuleError(f"axes {axes} do not match an array of rank {x.ndim}")
    return x.with_shape([x.shape[axis] for axis in axes])


def _transpose_transpose(ct: Any, x: Any, axes: tuple[int, ...]) -> tuple[Any]:
    return (transpose(ct, axes=tuple(axes.index(axis) for axis in range(len(axes)))),)


def _transpose_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    axes = attrs["axes"]
    if axes == tuple(reversed(range(len(axes)))):
        return "{0}.T"
    moved = [axis for axis, old in enumerate(axes) if axis != old]
    if len(moved) == 2:
        return f"{{0}}.swapaxes({moved[0]}, {moved[1]})"
    return f"{{0}}.transpose({', '.join(map(str, axes))})"


def _transpose_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    (x,) = operands
    return transpose(x, axes=(0, *(axis + 1 for axis in attrs["axes"])))


transpose: Primitive = Primitive(
    "transpose",
    type=_transpose_type,
    derivative=Linear(_transpose_transpose),
    numpy=NumPy(_transpose_text),
    lower=IndexMap(lambda index, x, axes: [index[axes.index(i)] for i in range(x.ndim)]),
    view=True,
    dtypes="fib",
    examples=(
        Example(((2, 3),), {"axes": (1, 0)}),
        Example(((2, 3, 4),), {"axes": (1, 2, 0)}),
        Example(((2, 3, 1),), {"axes": (0, 2, 1)}),
        Example(((0, 3),), {"axes": (1, 0)}),
        Example(((),), {"axes": ()}),
    ),
    batch=_transpose_batch,
)


def _broadcast_type(x: ArrayType, shape: Shape) -> ArrayType:
    if broadcast_shapes(x.shape, shape) != shape:
        raise TypeRuleError(f"cannot broadcast {format_shape(x.shape)} to {format_shape(shape)}")
    return x.with_shape(shape)


def _broadcast_transpose(ct: Any, x: Any, shape: Shape) -> tuple[Any]:
    lead = len(shape) - len(x.shape)
    axes = tuple(
        axis
        for axis, dim in enumerate(shape)
        if axis < lead or (x.shape[axis - lead] == 1 and dim != 1)
    )
    if not axes:
        return (ct,)
    total = sum_(ct, axes=axes, keepdims=False)
    return (total if total.shape == x.shape else reshape(total, shape=x.shape),)


def _broadcast_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    (x,), shape = operands, attrs["shape"]
    size, *rest = x.shape
    if len(rest) < len(shape):
        x = reshape(x, shape=(size, *(1,) * (len(shape) - len(rest)), *rest))
    return broadcast_to(x, shape=(size, *shape))


def _broadcast_index(index: Sequence[Any], x: ArrayType, shape: Shape) -> list[Any]:
    own = index[len(shape) - x.ndim :]
    return [0 if dim == 1 else one for one, dim in zip(own, x.shape, strict=True)]


broadcast_to: Primitive = Primitive(
    "broadcast_to",
    type=_broadcast_type,
    derivative=Linear(_broadcast_transpose),
    lower=IndexMap(_broadcast_index),
    numpy=NumPy(lambda types, attrs: f"np.broadcast_to({{0}}, {format_shape(attrs['shape'])})"),
    view=True,
    dtypes="fib",
    examples=(
        Example(((3,),), {"shape": (2, 3)}),
        Example(((2, 1),), {"shape": (2, 3)}),
        Example(((1, 1),), {"shape": (4, 1, 3)}),
        Example(((),), {"shape": (2, 2)}),
        Example(((1,),), {"shape": (0,)}),
        Example(((),), {"shape": ()}),
    ),
    batch=_broadcast_batch,
)


def _check_axis(axis: int, ndim: int) -> None:
    if normalize_axis(axis, ndim) != axis:
        raise TypeRuleError(f"axis {axis} must be counted from the front")


def _concatenate_type(*types: ArrayType, axis: int) -> ArrayType:
    first = types[0]
    _check_axis(axis, first.ndim)
    frame = first.shape[:axis], first.shape[axis + 1 :], first.dtype
    for one in types:
        if (one.shape[:axis], one.shape[axis + 1 :], one.dtype) != frame or one.ndim != first.ndim:
            raise TypeRuleError(f"arrays must be alike in all axes but axis {axis}")
    total = sum((one.shape[axis] for one in types[1:]), start=first.shape[axis])
    return first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :]))


def _concatenate_transpose(ct: Any, *parts: Any, axis: int) -> tuple[Any, ...]:
    ends = list(accumulate(part.shape[axis] for part in parts))
    lead = (Slice(),) * axis
    trail = (Slice(),) * (len(ct.shape) - axis - 1)
    return tuple(
        slice_(ct, index=(*lead, Slice(start, end), *trail))
        for start, end in zip([0, *ends], ends, strict=False)
    )


def _join_text(function: str) -> Any:
    def text(types: Sequence[ArrayType], attrs: Attrs) -> str:
        slots = ", ".join("{%d}" % i for i in range(len(types)))
        slots += "," if len(types) == 1 else ""
        return f"np.{function}(({slots}), axis={attrs['axis']})"

    return text


concatenate = Primitive(
    "concatenate",
    type=_concatenate_type,
    derivative=Linear(_concatenate_transpose),
    numpy=NumPy(_join_text("concatenate")),
    lower=Joined(new=False),
    dtypes="fib",
    examples=(
        Example(((2, 3), (2, 1)), {"axis": 1}),
        Example(((2, 3), (1, 3), (0, 3)), {"axis": 0}),
        Example(((3,),), {"axis": 0}),
    ),
    batch=along("axis"),
)


def _stack_type(*types: ArrayType, axis: int) -> ArrayType:
    first = types[0]
    _check_axis(axis, first.ndim + 1)
    if any(one != first for one in types):
        raise TypeRuleError("all arrays must have the same shape and dtype")
    return first.with_shape((*first.shape[:axis], len(types), *first.shape[axis:]))


def _stack_transpose(ct: Any, *parts: Any, axis: int) -> tuple[Any, ...]:
    lead = (Slice(),) * axis
    trail = (Slice(),) * (len(ct.shape) - axis - 1)
    return tuple(slice_(ct, index=(*lead, i, *trail)) for i in range(len(parts)))


stack = Primitive(
    "stack",
    type=_stack_type,
    derivative=Linear(_stack_transpose),
    numpy=NumPy(_join_text("stack")),
    lower=Joined(new=True),
    dtypes="fib",
    examples=(
        Example(((2, 3), (2, 3)), {"axis": 1}),
        Example(((), (), ()), {"axis": 0}),
        Example(((0,),), {"axis": 0}),
    ),
    batch=along("axis"),
)


def _roll_type(x: ArrayType, shift: tuple[int, ...], axis: tuple[int, ...]) -> ArrayType:
    if not isinstance(axis, tuple) or len(shift) != len(axis):
        raise TypeRuleError("takes one shift for each axis")
    for one in axis:
        _check_axis(one, x.ndim)
    return x


def _roll_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    shift, axis = attrs["shift"], attrs["axis"]
    if len(shift) == 1:
        shift, axis = shift[0], axis[0]
    return f"np.roll({{0}}, {shift}, axis={axis})"


def _roll_transpose(ct: Any, x: Any, shift: tuple[int, ...], axis: tuple[int, ...]) -> tuple[Any]:
    return (roll(ct, shift=tuple(-one for one in shift), axis=axis),)


def _roll_by_joining(x: Any, shift: tuple[int, ...], axis: tuple[int, ...]) -> Any:
    for by, one in zip(shift, axis, strict=True):
        count = x.shape[one]
        if not isinstance(count, int):
            return None
        by = by % count if count else 0
        if by:
            lead, trail = (Slice(),) * one, (Slice(),) * (len(x.shape) - one - 1)
            ends = Slice(count - by, None), Slice(None, count - by)
            x = concatenate(*(slice_(x, index=(*lead, end, *trail)) for end in ends), axis=one)
    return x


# What is shifted out at one end of an axis comes in at the other.
roll: Primitive = Primitive(
    "roll",
    type=_roll_type,
    derivative=Linear(_roll_transpose),
    numpy=NumPy(_roll_text),
    lower=Expand(_roll_by_joining),
    dtypes="fib",
    examples=(
        Example(((4,),), {"shift": (1,), "axis": (0,)}),
        Example(((2, 3),), {"shift": (-1, 4), "axis": (0, 1)}),
        Example(((2, 3),), {"shift": (1, 1), "axis": (1, 1)}),
        Example(((0, 3),), {"shift": (1,), "axis": (0,)}),
    ),
    batch=along("axis"),
)
