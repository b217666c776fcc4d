"""Records of what a loop saves for its backward program, a row for each iteration.

They are arrays with one axis in front, made before the loop and filled row by row. Where the number
of iterations is not known when the loop begins, a record grows, and is cut when the loop has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import GradcError, TypeRuleError
from ..primitive import (
    REGISTRY,
    Attrs,
    Cut,
    Linear,
    NoGradient,
    NumPy,
    Primitive,
    Stored,
    Uninitialised,
)
from ..types import ArrayType, Dim, Shape, Sym, format_shape
from .batching import all_batched, batch_size, move_axis
from .elementwise.casting import dtype_name
from .regions import INDEX
from .selection import Gather, Slice

FIRST_ROOM = 16  # rows of a growing record


def _record_type(count: ArrayType, size: Dim, shape: Shape, dtype: Any, grows: bool) -> ArrayType:
    if count != INDEX:
        raise TypeRuleError("the size of a record is one integer", got=str(count))
    return ArrayType((size, *shape), dtype)


def _record_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    size = "{0}" if isinstance(attrs["size"], Sym) else str(attrs["size"])
    size = str(FIRST_ROOM) if attrs["grows"] else size
    shape = "(" + ", ".join([size, *map(str, attrs["shape"])]) + ",)"
    if attrs["shape"]:
        shape = shape[:-2] + ")"
    dtype = "" if attrs["dtype"].name == "float64" else f", dtype={dtype_name(attrs['dtype'])}"
    return f"np.empty({shape}{dtype})"


# Room for ``count`` rows; ``size`` is what types call their number in the end, which is another one
# where it ``grows``. What is in it is not said.
record = Primitive(
    "record",
    type=_record_type,
    derivative=NoGradient(),
    numpy=NumPy(_record_text),
    lower=Uninitialised(),
    dtypes="i",
)


def _row(array: Any, place: Any) -> Any:
    index = (Gather(), *(Slice() for _ in array.shape[1:]))
    return REGISTRY["gather"](array, place, index=index)


def _push_type(rows: ArrayType, value: ArrayType, place: ArrayType) -> ArrayType:
    if place != INDEX or not rows.ndim or rows.with_shape(rows.shape[1:]) != value:
        got = f"{value} to {rows} of rows of {format_shape(rows.shape[1:])}"
        raise TypeRuleError("the value does not fit the record", got=got)
    return rows


_PUSH = '''
def _push(rows, value, place):
    """Store a row of a record, which gets twice as long where it is full."""
    if place == rows.shape[0]:
        longer = np.empty((2 * place, *rows.shape[1:]), rows.dtype)
        longer[:place] = rows
        rows = longer
    rows[place] = value
    return rows
'''


def _check_one(is_batched: bool) -> None:
    if is_batched:
        raise GradcError(
            "the lengths of records differ over the batch",
            fix="batch what is differentiated, and not its backward program",
        )


def _push_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    _check_one(is_batched[2])
    rows, value = all_batched(operands[:2], is_batched[:2], batch_size(operands, is_batched))
    return move_axis(primitive(move_axis(rows, 1, 0), value, operands[2]), 1, 0)


# Stores the row ``place``, for which there is always room.
push = Primitive(
    "push",
    type=_push_type,
    derivative=Linear(lambda ct, rows, value, place: (ct, _row(ct, place), None)),
    numpy=NumPy("{0} = _push({0}, {1}, {2})", store=True, functions=(_PUSH,)),
    lower=Stored(adds=False),
    dtypes="fib",
    batch=_push_batch,
)


def _trim_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    _check_one(is_batched[1])
    rows, count = operands
    return move_axis(primitive(move_axis(rows, 1, 0), count, **attrs), 1, 0)


# The rows that were filled; ``size`` is what types call their number from here on.
trim = Primitive(
    "trim",
    type=lambda rows, count, size: rows.with_shape((size, *rows.shape[1:])),
    derivative=Linear(lambda ct, rows, count, size: (ct, None)),
    numpy=NumPy("{0}[:{1}]"),
    lower=Cut(),
    view=True,
    dtypes="fib",
    batch=_trim_batch,
)
