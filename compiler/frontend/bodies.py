"""Capture of the bodies of loops and branches: closed graphs with typed params."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..ir import Graph, Value
from ..primitives.elementwise import cast
from ..types import ArrayType
from . import fence, numpy_api
from .enclosed import enclosed
from .staging import call
from .trace import Trace
from .tracer import Storage, Tracer
from .tree import Tree, flatten


class Slot(NamedTuple):
    """A param of a body.

    Attributes:
        type: Its type.
        name: The user's name.
        kind: "array", "scalar" or "number", as of leaves of arguments.
        row_major: Whether NumPy would surely lay it out row by row.
    """

    type: ArrayType
    name: str | None
    kind: str
    row_major: bool

    @classmethod
    def of(cls, leaf: Any, name: str | None) -> Slot:
        """Return the slot that fits an array or a number."""
        if not isinstance(leaf, Tracer):
            array = np.asarray(leaf)
            number = type(leaf) in (int, float)
            kind = "number" if number else "scalar" if isinstance(leaf, np.generic) else "array"
            return cls(ArrayType(array.shape, array.dtype), name, kind, array.flags.c_contiguous)
        kind = "number" if leaf.weak else "scalar" if leaf.scalar else "array"
        return cls(leaf.type, name, kind, leaf.is_row_major)

    def joined(self, other: Slot, what: str) -> Slot:
        """Return the slot in which both fit: what is carried in, and what comes back.

        Args:
            other: What comes back, or what the other branch gives.
            what: What to call it in messages.

        Raises:
            CaptureError: Their shapes differ.
        """
        if self.type.shape != other.type.shape:
            raise fence.reshaped(what, self.type, other.type)
        dtype = self.type.dtype
        if other.type.dtype != dtype and not (other.kind == "number" and dtype.kind == "f"):
            weak = [one.type.dtype.type(0).item() for one in (self, other) if one.kind == "number"]
            strong = [one.type.dtype for one in (self, other) if one.kind != "number"]
            dtype = np.result_type(*strong, *weak)
        kinds = {self.kind, other.kind}
        kind = "number" if kinds == {"number"} else "array" if "array" in kinds else "scalar"
        row_major = self.row_major and other.row_major
        return Slot(ArrayType(self.type.shape, dtype), self.name, kind, row_major)


class Body(NamedTuple):
    """A captured body.

    Attributes:
        trace: Its capture, which has ended.
        tree: The structure of what it returns.
        outputs: The leaves of this, live in the capture.
        slots: What these are.
        params: The tracers of its params.
        leaves: What it returned, by leaf: tracers of its capture, or outer ones, or plain.
    """

    trace: Trace
    tree: Tree
    outputs: tuple[Value, ...]
    slots: tuple[Slot, ...]
    params: tuple[Tracer, ...]
    leaves: tuple[Any, ...]

    @property
    def changed(self) -> tuple[bool, ...]:
        """Which params it stored to."""
        return tuple(bool(one.storage.version) for one in self.params)

    def graph(self, invariants: Sequence[Tracer], outputs: Sequence[Value] | None = None) -> Graph:
        """Return it as a closed graph, whose last params are these outer values."""
        own = self.trace.graph(self.outputs if outputs is None else outputs)
        count = len(own.params) - len(self.trace.lifted)
        inner = {
            outer.value: param
            for outer, param in zip(self.trace.lifted, own.params[count:], strict=True)
        }
        rest = [inner.get(one.value) or Value(one.type, one.value.name) for one in invariants]
        return Graph((*own.params[:count], *rest), own.nodes, own.outputs)


def invariants_of(bodies: Sequence[Body]) -> list[Tracer]:
    """Return the outer values that bodies use, each once."""
    found = {outer.value: outer for body in bodies for outer in body.trace.lifted}
    return list(found.values())


def capture_body(
    function: Callable[..., Any],
    slots: Sequence[Slot],
    arrange: Callable[[list[Tracer]], tuple[Any, ...]],
    result: Callable[[Any, list[Tracer]], Any] | None = None,
    types: Sequence[ArrayType] | None = None,
    is_once: bool = False,
) -> Body:
    """Capture a body.

    Args:
        function: The user's function.
        slots: Its params.
        arrange: Makes of their tracers the arguments of the function.
        result: Gets what the function returns and the tracers; gives what to take in its place.
        types: Types to cast the leaves of the result to, where these are known.
        is_once: Whether it runs once, where it stands: it may change variables around it then.

    Raises:
        CaptureError: The body does what cannot be captured.
    """
    around = [] if is_once else enclosed(function)
    with Trace(numpy_api, is_body=True) as trace:
        before = trace.outside.changes()
        params = [trace.param(one.type, one.name, one.kind, one.row_major) for one in slots]
        returned = call(function, *arrange(params))
        if result is not None:
            returned = result(returned, params)
        leaves: list[Any] = []
        names: list[str] = []
        changed_around = next((one for one in around if one.is_changed), None)
        if changed_around is not None:
            raise fence.changed_from_body(changed_around.name, changed_around.kind)
        tree = flatten(returned, "the result", leaves, names, objects=False, bools=not is_once)
        after = trace.outside.changes()
        if after.keys() != before.keys() or any(after[one] is not before[one] for one in after):
            place = next(one for one in after if after[one] is not before.get(one))
            raise fence.stored_from_within(str(place))
        found = tuple(map(Slot.of, leaves, names))
        values = []
        for i, leaf in enumerate(leaves):
            if types is not None and i < len(types) and _dtype(leaf) != types[i].dtype:
                leaf = cast(_as_tracer(trace, leaf), dtype=types[i].dtype)
            values.append(trace.value_of(leaf))
        return Body(trace, tree, tuple(values), found, tuple(params), tuple(leaves))


def _dtype(leaf: Any) -> Any:
    return leaf.dtype if isinstance(leaf, Tracer) else np.asarray(leaf).dtype


def _as_tracer(trace: Trace, leaf: Any) -> Tracer:
    return Tracer(trace, Storage(trace.value_of(leaf)), scalar=not np.ndim(leaf))


def carry(
    initial: Sequence[Any],
    names: Sequence[str | None],
    attempt: Callable[[Sequence[Slot]], Body],
    label: Callable[[int], str],
) -> tuple[list[Slot], Body]:
    """Find types for carried values that the body keeps.

    A body that returns another dtype, or a NumPy scalar for a Python number, is captured again with
    what fits both.

    Args:
        initial: The first values.
        names: Names for them.
        attempt: Captures the body with these slots; the first outputs are the next values.
        label: Returns what to call a slot in messages.
    """
    slots = [Slot.of(leaf, name) for leaf, name in zip(initial, names, strict=True)]
    while True:  # types only grow, so it ends
        body = attempt(slots)
        joined = [
            slot.joined(found, label(i))
            for i, (slot, found) in enumerate(zip(slots, body.slots, strict=False))
        ]
        if joined == slots:
            return slots, body
        slots = joined


def entering(trace: Trace, leaf: Any, slot: Slot) -> Value:
    """Return a first value as the loop takes it: of the slot's dtype."""
    value = trace.value_of(leaf)
    if value.dtype != slot.type.dtype:
        return trace.add(cast, (value,), {"dtype": slot.type.dtype})
    return value


def leaving(trace: Trace, value: Value, slot: Slot) -> Tracer:
    """Return what a loop or a branch gives as a tracer."""
    storage = Storage(value, row_major=slot.row_major)
    weak = slot.kind == "number"
    return Tracer(trace, storage, scalar=slot.kind != "array" and not value.ndim, weak=weak)
