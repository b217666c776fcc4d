"""Checkpointing of loops: cut into segments, of which only the first carried values are saved."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DerivativeError
from ..ir import Builder, Graph, Node, Value
from ..primitives.elementwise import cast, floor_divide, less, maximum, minimum, sqrt, where
from ..primitives.elementwise.logic import logical_and
from ..primitives.regions import INDEX, Checkpoint, for_loop, while_loop
from .activity import inner_operands, inner_params
from .trips import Trips

if TYPE_CHECKING:
    from .differentiate import Backward

CARRIED = Checkpoint("carried")


def segmented(backward: Backward, node: Node, bytes_saved: Callable[[], tuple[int, int]]) -> Node:
    """Replace a loop by a loop over segments, each of which is run again on the way back.

    Args:
        backward: The backward program under construction; the forward loop is replaced in it.
        node: A loop that says how much it saves.
        bytes_saved: Returns the bytes of what it carries, and of what it would save in each
            iteration.

    Returns:
        The loop that took its place; the loop itself where all can be saved.

    Raises:
        DerivativeError: So little memory is not enough.
    """
    before = Builder()
    before.origin, before.detached = node.origin, node.detached
    state, row = bytes_saved()
    with before:
        if "condition" in node.attrs:
            length: int | Value | None = node.attrs["checkpoint"].amount
        else:
            trips = Trips(node, backward.producers)
            length = _length(node, trips, before, state, row)
        # What is carried into a segment may take more than all that would be saved in it.
        checkpoint = node.attrs["checkpoint"]
        longest = checkpoint.amount if checkpoint.rule == "every" else length
        if length is None or not row or (isinstance(longest, int) and row * longest <= state):
            outer = node.with_attrs(checkpoint=None)
        elif "condition" in node.attrs:
            outer = _segments_of_while(node)
        else:
            outer = _segments_of_range(node, trips, length, before)
    backward.producers.update((out, one) for one in before.nodes for out in one.outs)
    backward.substitute(node, (*before.nodes, outer))
    return outer


def _length(node: Node, trips: Trips, before: Builder, state: int, row: int) -> int | Value | None:
    """Return the number of iterations in a segment; None where no segments are needed."""
    checkpoint = node.attrs["checkpoint"]
    if checkpoint.rule == "every" and isinstance(trips.count, int):
        return min(int(checkpoint.amount), max(trips.count, 1))
    if checkpoint.rule == "every":  # rows are made for so many: for no more than there are
        length: Value = minimum(checkpoint.amount, maximum(trips.counted(before), 1))
        return length
    if checkpoint.rule == "memory":
        return _fitting(node, trips, state, row)
    if isinstance(trips.count, int):
        return max(1, isqrt(max(trips.count - 1, 0)) + 1)
    count = cast(trips.counted(before), dtype=np.dtype(np.float64))
    return cast(sqrt(count), dtype=INDEX.dtype) + 1  # type: ignore[no-any-return]


def _fitting(node: Node, trips: Trips, state: int, row: int) -> int | None:
    """Return the length of the segments with which the loop saves no more than it may."""
    budget, count = node.attrs["checkpoint"].amount, trips.count
    if not isinstance(count, int):
        raise DerivativeError(
            "memory= needs a loop whose number of iterations is known when it is compiled",
            where=node.origin,
            fix='write every=n, or checkpoint="sqrt"',
        )
    if count * row <= budget:
        return None
    best = max(1, round((count * state / row) ** 0.5))

    def needed(length: int) -> int:
        return -(-count // length) * state + length * row

    fitting = [one for one in range(1, count + 1) if needed(one) <= budget]
    if not fitting:
        raise DerivativeError(
            "the loop cannot be differentiated in so little memory",
            got=f"{budget} bytes; the least is {min(map(needed, (best, best + 1)))} bytes",
            where=node.origin,
            fix="allow more",
        )
    segments = -(-count // max(fitting))  # the fewest carried values copied
    return -(-count // segments)


def _segments_of_range(node: Node, trips: Trips, length: int | Value, before: Builder) -> Node:
    start, stop, step = node.operands[:3]
    carried, body = node.attrs["carried"], node.attrs["body"]
    operands = inner_operands(node)
    long = before.constant(np.int64(length)) if isinstance(length, int) else length
    stride = (
        long * step
        if not isinstance(trips.step, int) or not isinstance(length, int)
        else (before.constant(np.int64(length * trips.step)))
    )
    if isinstance(length, int) and isinstance(trips.count, int):
        segments = before.constant(np.int64(-(-trips.count // length)))
    else:
        segments = floor_divide(trips.counted(before) + (long - 1), long)
    params = [Value(one.type, one.name) for one in inner_params(node)]
    number, first, last, leap, by = (
        Value(INDEX, name) for name in ("segment", "start", "stop", "stride", "step")
    )
    builder = Builder()
    builder.origin = node.origin
    with builder:
        low = first + number * leap
        high = low + leap
        nearer, farther = minimum(high, last), maximum(high, last)
        if isinstance(trips.step, int):
            high = nearer if trips.step > 0 else farther
        else:
            high = where(less(by, 0), farther, nearer)
        attrs = {**node.attrs, "body": body, "checkpoint": None}
        attrs["most"] = length if isinstance(length, int) else None
        outs = builder.add(for_loop, (low, high, by, *params), attrs)
    region = Graph((number, *params, first, last, leap, by), tuple(builder.nodes), outs)
    zero, one = before.constant(np.int64(0)), before.constant(np.int64(1))
    return Node(
        for_loop,
        (zero, segments, one, *operands, start, stop, stride, step),
        {
            "body": region,
            "carried": carried,
            "reverse": node.attrs["reverse"],
            "most": None,
            "checkpoint": CARRIED,
        },
        node.outs,
        node.origin,
        node.detached,
    )


def _segments_of_while(node: Node) -> Node:
    carried, length = node.attrs["carried"], node.attrs["checkpoint"].amount
    test, body = node.attrs["condition"], node.attrs["body"]
    builder = Builder()
    builder.origin = node.origin
    params = [Value(one.type, one.name) for one in body.params]
    with builder:
        zero = builder.constant(np.int64(0))
        attrs = {
            "condition": _bounded(test, carried, length),
            "body": _counting(body, carried),
            "carried": carried + 1,
            "checkpoint": None,
        }
        operands = (*params[:carried], zero, *params[carried:])
        outs = builder.add(while_loop, operands, attrs)
    region = Graph(tuple(params), tuple(builder.nodes), outs[:carried])
    return node.with_attrs(body=region, checkpoint=CARRIED)


def _bounded(test: Graph, carried: int, length: int) -> Graph:
    count = Value(INDEX, "count")
    builder = Builder(test.nodes)
    with builder:
        both = logical_and(less(count, length), test.outputs[0])
    params = (*test.params[:carried], count, *test.params[carried:])
    return Graph(params, tuple(builder.nodes), (both,))


def _counting(body: Graph, carried: int) -> Graph:
    count = Value(INDEX, "count")
    builder = Builder(body.nodes)
    with builder:
        counted = count + 1
    params = (*body.params[:carried], count, *body.params[carried:])
    return Graph(params, tuple(builder.nodes), (*body.outputs, counted))
