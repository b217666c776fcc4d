"""Scans: a loop over the rows of arrays that stacks what each iteration gives."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from ..errors import CaptureError
from ..primitives.records import record
from ..primitives.regions import Checkpoint
from ..types import Dim, Sym, format_shape
from .active import current_trace
from .bodies import Slot, capture_body, carry, leaving
from .carrying import capture_at_work, check_function, checkpoint_of, copied, fields
from .control_flow import run_for
from .source import user_line
from .trace import Trace
from .tracer import Tracer
from .tree import unflatten


def scan(
    body: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    *,
    reverse: bool = False,
    checkpoint: Literal["sqrt"] | None = None,
    every: int | None = None,
    memory: str | int | None = None,
) -> tuple[Any, Any]:
    """Run ``carry, y = body(carry, x)`` for each row ``x`` of ``xs``; stack the ``y``.

    Args:
        body: Takes the carry and a row of each array in ``xs`` (None without ``xs``); returns the
            next carry and what is stacked, an array or a structure of these (or None).
        init: The first carry; see ``fori_loop``.
        xs: Arrays of equal first size, in any structure.
        length: The number of iterations, where there is no ``xs``.
        reverse: Whether to run from the last row to the first; the ``y`` stand where their ``x``
            do.
        checkpoint: As for ``fori_loop``.
        every: As for ``fori_loop``.
        memory: As for ``fori_loop``.

    Returns:
        The last carry, and the ``y`` with an axis in front.

    Raises:
        CaptureError: As for ``fori_loop``; or the first sizes differ.

    Example:
        >>> import numpy as np
        >>> import gradc
        >>> total, sums = gradc.scan(lambda c, x: (c + x, c + x), 0.0, np.array([1.0, 2.0, 3.0]))
        >>> float(total), sums
        (6.0, array([1., 3., 6.]))
    """
    saved = checkpoint_of(checkpoint, every, memory)
    usage = "gradc.scan(lambda carry, row: ..., init, xs)"
    check_function(body, "the body of scan", "the carry and a row", 2, usage)
    tree, rows, _ = fields(xs, "xs")
    count = _count(rows, length)

    def one(i: Any, state: Any) -> Any:
        return body(state, unflatten(tree, [_row(row, i) for row in rows]))

    trace = capture_at_work(init, xs)
    if trace is None:
        return _plainly(one, init, int(count), reverse)
    return _captured(trace, one, init, count, saved, reverse)


def _captured(
    trace: Trace,
    one: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    count: Dim,
    saved: Checkpoint | None,
    reverse: bool,
) -> tuple[Any, Any]:
    shape = _Stacked(trace, one, init, count)

    def step(i: Any, state: Any) -> Any:
        carried, stacks = state
        carried, y = one(i, carried)
        for stack, leaf in zip(stacks, fields(y, "y")[1], strict=True):
            stack[i] = leaf
        return carried, stacks

    state = run_for(0, count, 1, step, (init, shape.stacks), saved, reverse)
    return state[0], unflatten(shape.tree, state[1])


def _row(rows: Any, i: Any) -> Any:
    """Return a row as an array of its own."""
    trace = current_trace()
    if trace is not None and not isinstance(rows, Tracer):
        rows = trace.array_of(rows)
    return rows[i].copy()


def _count(rows: list[Any], length: int | None) -> Dim:
    """Return the number of iterations.

    Raises:
        CaptureError: It is not said, or differently by two.
    """
    shapes = [np.shape(row) if not isinstance(row, Tracer) else row.shape for row in rows]
    sizes = [shape[0] if shape else None for shape in shapes]
    if isinstance(length, Tracer | np.integer) and length.dtype.kind in "iu" and not length.ndim:
        length = operator.index(length)  # the program depends on it
    sizes += [length] if length is not None else []
    is_number = type(length) is int and length >= 0
    if not (length is None or isinstance(length, Sym) or is_number) or not _are_equal(sizes):
        told = [*map(format_shape, shapes), *([] if rows and length is None else [f"{length=!r}"])]
        raise CaptureError(
            "scan needs one length: the first size of every array in xs",
            got=", ".join(told),
            where=user_line(),
            fix="pass arrays with equal first axes, or length=n",
        )
    size: Dim = sizes[0]  # type: ignore[assignment]
    return size


def _are_equal(sizes: list[Any]) -> bool:
    return bool(sizes) and all(size is not None and size == sizes[0] for size in sizes)


def _plainly(
    one: Callable[[Any, Any], tuple[Any, Any]], init: Any, count: int, reverse: bool
) -> tuple[Any, Any]:
    state = copied(init)
    found: dict[int, list[Any]] = {}
    shape: Any = None
    for i in reversed(range(count)) if reverse else range(count):
        state, y = one(i, state)
        state = copied(state)
        shape, found[i], _ = fields(y, "y")
        found[i] = [np.array(leaf) for leaf in found[i]]
    if not count:  # what would be stacked is not known
        return state, None
    stacks = [np.stack(parts) for parts in zip(*(found[i] for i in range(count)), strict=True)]
    return state, unflatten(shape, stacks)


class _Stacked:
    """Room for what a scan stacks; the body is captured once to see what that is."""

    def __init__(self, trace: Trace, one: Callable[..., Any], init: Any, count: Dim) -> None:
        tree, leaves, names = fields(init, "init")
        index = Slot.of(0, "i")
        found: list[Any] = []

        def keep(returned: Any, params: Any) -> Any:
            if not isinstance(returned, tuple | list) or len(returned) != 2:
                raise CaptureError(
                    "the body of scan returns a pair (carry, y)",
                    got=type(returned).__name__,
                    where=user_line(),
                    fix="return (carry, None) where nothing is stacked",
                )
            next_carry, y = returned
            self.tree, stacked, labels = fields(y, "y")
            found[:] = [Slot.of(leaf, label) for leaf, label in zip(stacked, labels, strict=True)]
            return next_carry

        carry(
            leaves,
            names,
            lambda slots: capture_body(
                one,
                (index, *slots),
                lambda params: (params[0], unflatten(tree, params[1:])),
                keep,
            ),
            lambda i: f"the carried {names[i]}",
        )
        self.stacks = [self._room(trace, slot, count) for slot in found]

    def _room(self, trace: Trace, slot: Slot, count: Dim) -> Tracer:
        size = trace.value_of(np.int64(count if isinstance(count, int) else 0))
        attrs = {"size": count, "shape": slot.type.shape, "dtype": slot.type.dtype, "grows": False}
        (room,) = trace.structured(record, [size], attrs)
        room.name = slot.name
        return leaving(trace, room, Slot(room.type, slot.name, "array", True))
