"""Arrays of places: what is read, or stored to, where integers say.

They are counted from the front, and compared with the size of their axis, before anything is read
or written: code that uses them has no branches, and cannot reach beyond an array.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir import Builder, Node, SourceLine, Value
from ...primitive import IndexMap, Rows
from ...primitives.elementwise import cast, less, where
from ...primitives.reduce import max_
from ...types import INDEX_DTYPE, ArrayType, broadcast_shapes
from .layout import first_number, gathered_sizes, selects
from .records import length

if TYPE_CHECKING:
    from .plan import Plan
    from .scalars import Lane
    from .section import Section

_UNSIGNED = np.dtype(np.uint64)
_SHORT = np.dtype(np.int32)


@dataclass(eq=False)
class Checked:
    """A step: places may be used from here on, for all of them lie within an axis.

    Attributes:
        operands: The places, counted from the front, and the largest of them; as an unsigned
            number, so that negative ones are too large.
        out: The places as those see them who use them.
        size: Of the axis.
        origin: A line of the user's that uses them.
    """

    operands: tuple[Value, Value]
    out: Value
    size: int
    origin: SourceLine | None


def with_places(plan: Plan, node: Node) -> Node:
    """Return a node that reads or stores at places that are checked."""
    if not selects(node):
        return node
    plan.materialise(node.operands[0])
    first = first_number(node)
    arrays = node.operands[first:]
    if 0 in broadcast_shapes(*(one.shape for one in arrays)):
        return node  # which uses none of them
    sizes = gathered_sizes(node)
    places = [_checked(plan, *pair, node) for pair in zip(arrays, sizes, strict=True)]
    made = replace(node, operands=(*node.operands[:first], *places))
    plan.producers[node.out] = made
    plan.positions[made] = plan.positions[node]
    return made


def _checked(plan: Plan, places: Value, size: int, node: Node) -> Value:
    """Return places along an axis, counted from the front and checked."""
    key = places, size
    if key not in plan.checked:
        known = _known(plan, places)
        if known is None or not -size <= known[0] <= known[1] < size:
            plan.checked[key] = _check(plan, places, size, node)
        elif known[0] >= 0:
            plan.materialise(places)
            plan.checked[key] = places
        else:
            (plan.checked[key],) = _append(plan, node, lambda: _from_the_front(places, size))
            plan.materialise(plan.checked[key])
    return plan.checked[key]


def _known(plan: Plan, places: Value) -> tuple[int, int] | None:
    """Return bounds of places that are known while compiling."""
    node = plan.producers.get(places)
    if node is None:
        return None
    if node.primitive.name == "constant":
        array = node.attrs["value"].array
        return (int(array.min()), int(array.max())) if array.size else (0, 0)
    if node.primitive.name == "arange":
        return 0, max(0, node.attrs["count"] - 1)
    if isinstance(node.primitive.lower, IndexMap | Rows) and not selects(node):
        return _known(plan, node.operands[0])
    return None


def _from_the_front(places: Value, size: int) -> Value:
    """Return places of which negative ones were counted from the end."""
    return where(less(places, 0), places + size, places)  # type: ignore[no-any-return]


def _check(plan: Plan, places: Value, size: int, node: Node) -> Value:
    def build() -> tuple[Value, Value]:
        counted = _from_the_front(places, size)
        largest = max_(
            cast(counted, dtype=_UNSIGNED), axes=tuple(range(places.ndim)), keepdims=False
        )
        short = size <= np.iinfo(_SHORT).max  # half the memory, and as fast to use
        return cast(counted, dtype=_SHORT) if short else counted, largest

    counted, largest = _append(plan, node, build)
    plan.materialise(counted)
    out = Value(ArrayType(places.shape, counted.dtype), places.name)
    plan.steps.append(Checked((counted, largest), out, size, node.origin))
    if counted in plan.tiny:
        plan.tiny[out] = len(plan.steps) - 1
    else:
        plan.layouts[out], plan.roots[out] = plan.layouts[counted], plan.roots[counted]
        plan.placed[out] = len(plan.steps)
    return out


def _append(plan: Plan, node: Node, build: Any) -> tuple[Value, ...]:
    """Add the nodes to a plan that a function applies, and return what it gives."""
    with Builder() as builder, builder.at(node):
        made = build()
    for one in builder.nodes:
        plan.producers.update(dict.fromkeys(one.outs, one))
        plan.positions[one] = plan.positions[node]
        plan.add(one)
    return made if isinstance(made, tuple) else (made,)


def emit_check(section: Section, step: Checked) -> None:
    """Append what ends the program with an IndexError unless all places lie within the axis."""
    counted, largest = step.operands
    section.backed(largest)
    lane = section.reader.read(largest, ())
    inside = section.scalars.less(lane, section.scalars.number(step.size, lane.dtype))
    where = f": {step.origin}" if step.origin else ""
    message = f"an index is out of bounds for an axis of size {step.size}{where}"
    section.emission.require(inside.value, message)
    place = section.backed(counted)
    assert place is not None
    section.places[step.out] = place


def counted(section: Section, node: Node, place: int) -> Lane:
    """Return a number that says where in an array to look, counted from the front and checked."""
    x, size = node.operands[0], gathered_sizes(node)[place]
    scalars = section.scalars
    lane = section.reader.read(node.operands[first_number(node) + place], ())
    extent = scalars.number(size, lane.dtype) if isinstance(size, int) else length(section, x)
    at = scalars.where(scalars.less(lane, scalars.number(0, lane.dtype)), lane + extent, lane)
    inside = section.builder.icmp_unsigned("<", at.value, extent.value)
    where = f": {node.origin}" if node.origin else ""
    message = f"index {{}} is out of bounds for an axis of size {size}{where}"
    section.emission.require(inside, message, got=scalars.cast(lane, INDEX_DTYPE).value)
    return at
