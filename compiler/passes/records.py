"""What a loop saves in each iteration, and the loop that reads it on the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import Builder, Graph, Node, Value
from ..primitives.index import gather, update
from ..primitives.records import FIRST_ROOM, push, record, trim
from ..primitives.regions import INDEX, for_loop
from ..primitives.selection import Gather, Slice
from ..types import Dim, Sym
from .trips import Trips
from .work import again

if TYPE_CHECKING:
    from .differentiate import Backward
    from .reverse_regions import Halves


class Records:
    """The records of one loop: an array for each saved value, a row for each iteration."""

    def __init__(self, backward: Backward, node: Node, halves: Halves) -> None:
        self._backward, self._halves, self._node = backward, halves, node
        self._counts = "condition" in node.attrs
        self._before, self._after = Builder(), Builder()
        for builder in (self._before, self._after):
            builder.origin, builder.detached = node.origin, node.detached
        if self._counts:
            self._rows = self._record_while()
        else:
            self._rows = self._record_for()

    def _room(self, count: Value, size: Dim, grows: bool) -> list[Value]:
        rooms = []
        for value in self._halves.saved:
            attrs = {"size": size, "shape": value.shape, "dtype": value.dtype, "grows": grows}
            (room,) = self._before.add(record, (count,), attrs)
            room.name = _row_name(value)
            rooms.append(room)
        return rooms

    def _record_for(self) -> list[Value]:
        """Let a loop over a range save; return the records."""
        node, halves = self._node, self._halves
        carried = node.attrs["carried"]
        start, stop, step = node.operands[:3]
        self._trips = Trips(node, self._backward.producers)
        if not halves.saved:  # its hooks are resolved all the same
            body = Graph(halves.params, halves.forward, halves.results)
            self._replace(body, node.operands, ())
            return []
        with self._before as before:
            count = self._trips.counted(before)
        size = self._trips.count
        rooms = self._room(
            count, Sym.named(next(self._backward.sizes)) if size is None else size, False
        )
        params = [Value(room.type, room.name) for room in rooms]
        bounds = [Value(INDEX, "start"), Value(INDEX, "step")]
        builder = Builder(halves.forward)
        with builder:
            place = self._trips.place(halves.params[0], *bounds)
            filled = [
                update(room, value, place, index=_row_index(room))
                for room, value in zip(params, halves.saved, strict=True)
            ]
        for room, param in zip(filled, params, strict=True):
            room.name = param.name
        first, rest = halves.params[: 1 + carried], halves.params[1 + carried :]
        body = Graph(
            (*first, *params, *rest, *bounds), tuple(builder.nodes), (*halves.results, *filled)
        )
        operands = (
            *node.operands[: 3 + carried],
            *rooms,
            *node.operands[3 + carried :],
            start,
            step,
        )
        outs = tuple(Value(room.type, room.name) for room in rooms)
        self._replace(body, operands, outs)
        return list(outs)

    def _record_while(self) -> list[Value]:
        """Let a loop with a condition count and save; return the records."""
        node, halves = self._node, self._halves
        carried = node.attrs["carried"]
        with self._before as before:
            zero = before.constant(np.int64(0))
            room_count = before.constant(np.int64(FIRST_ROOM))
        size = Sym.named(next(self._backward.sizes))
        rooms = self._room(room_count, size, grows=True)
        params = [Value(INDEX, "count"), *(Value(room.type, room.name) for room in rooms)]
        builder = Builder(halves.forward)
        with builder:
            filled = [
                push(room, value, params[0])
                for room, value in zip(params[1:], halves.saved, strict=True)
            ]
            counted = params[0] + 1
        for room, param in zip((counted, *filled), params, strict=True):
            room.name = param.name
        first, rest = halves.params[:carried], halves.params[carried:]
        body = Graph(
            (*first, *params, *rest), tuple(builder.nodes), (*halves.results, counted, *filled)
        )
        test = node.attrs["condition"]
        own, others = test.params[:carried], test.params[carried:]
        unread = (Value(one.type, one.name) for one in params)
        test = Graph((*own, *unread, *others), test.nodes, test.outputs)
        operands = (*node.operands[:carried], zero, *rooms, *node.operands[carried:])
        outs = tuple(Value(one.type, one.name) for one in params)
        self._count = outs[0]
        with self._after:
            rows = [trim(room, self._count, size=size) for room in outs[1:]]
        self._replace(body, operands, outs, condition=test)
        return rows

    def _replace(
        self, body: Graph, operands: Sequence[Value], outs: Sequence[Value], **attrs: Any
    ) -> None:
        """Put the loop that saves in the place of the one that does not."""
        node = self._node
        changed = Node(
            node.primitive,
            tuple(operands),
            {**node.attrs, **attrs, "body": body, "carried": node.attrs["carried"] + len(outs)},
            (*node.outs, *outs),
            node.origin,
            node.detached,
        )
        self._backward.substitute(node, (*self._before.nodes, changed, *self._after.nodes))

    def reverse(self, cts: Sequence[Value], invariants: Sequence[Value]) -> tuple[Value, ...]:
        """Append the loop that runs the other way.

        Args:
            cts: The cotangents and accumulators that it carries, as they are at first.
            invariants: The invariants of the loop.

        Returns:
            What they are in the end.
        """
        node, halves, builder = self._node, self._halves, self._backward.builder
        carried = node.attrs["carried"]
        offset = 0 if self._counts else 1
        index = Value(INDEX, "i") if self._counts else halves.params[0]
        params = [Value(row.type, row.name) for row in self._rows]
        bounds = [Value(INDEX, "start"), Value(INDEX, "step")]
        reads = Builder()
        known: dict[Value, Value] = {}
        with reads:
            if self._rows:
                place = index if self._counts else self._trips.place(index, *bounds)
            for row, value in zip(params, halves.saved, strict=True):
                known[value] = gather(row, place, index=_row_index(row))
                known[value].name = value.name
        rest = halves.params[offset + carried :]
        body = halves.body((index, *halves.cts, *params, *rest, *bounds), tuple(reads.nodes), known)
        if self._counts:
            start, stop, step = (
                builder.constant(np.int64(0)),
                self._count,
                builder.constant(np.int64(1)),
            )
        else:
            start, stop, step = node.operands[:3]
        attrs = {
            "body": body,
            "carried": len(cts),
            "reverse": not node.attrs.get("reverse", False),
            "most": None if self._counts else node.attrs["most"],
            "checkpoint": None,
            "again": again(halves.forward, (*halves.results, *halves.saved), halves.again),
        }
        operands = (start, stop, step, *cts, *self._rows, *invariants, start, step)
        for first, ct in zip(cts, halves.cts, strict=True):
            first.name = first.name or ct.name
        outs = builder.add(for_loop, operands, attrs)
        for out, ct in zip(outs, halves.cts, strict=True):
            out.name = ct.name
        return outs


def _row_index(rows: Value) -> tuple[Any, ...]:
    return (Gather(), *(Slice() for _ in rows.shape[1:]))


def _row_name(value: Value) -> str | None:
    return f"{value.name}_saved" if value.name else "saved"
