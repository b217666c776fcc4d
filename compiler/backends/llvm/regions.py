"""Loops and branches as blocks of code, with what they carry in registers or in turns in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Graph, Node, Value
from ...primitives.regions import cond, for_loop, while_loop
from .layout import row_major
from .places import Buffer, Registers
from .plan import is_tiny
from .scalars import I64, Lane, llvm_type

if TYPE_CHECKING:
    from .section import Section

Place = Registers | Buffer


def is_branch(node: Node) -> bool:
    """Whether a node runs its bodies once at most."""
    return node.primitive not in (for_loop, while_loop)


def owned_regions(node: Node) -> list[tuple[Graph, frozenset[Value]]]:
    """Return the bodies of a node, each with the params that it may store to in place."""
    if node.primitive is for_loop:
        body, carried = node.attrs["body"], node.attrs["carried"]
        return [(body, frozenset(body.params[1 : carried + 1]))]
    if node.primitive is while_loop:
        test, body, carried = (node.attrs[one] for one in ("condition", "body", "carried"))
        return [(test, frozenset()), (body, frozenset(body.params[:carried]))]
    return [(region, frozenset()) for region in node.regions]


def emit_region(section: Section, node: Node) -> None:
    """Append the code of a loop, a branch or a block."""
    if node.primitive is for_loop:
        _emit_for(section, node)
    elif node.primitive is while_loop:
        _emit_while(section, node)
    elif node.primitive is cond:
        _emit_cond(section, node)
    else:
        params = [_place(section, one) for one in node.operands]
        _leave(section, node, _run(section, node, 0, params, _results(section, node)))


def _place(section: Section, value: Value) -> Place:
    place = section.backed(value)
    assert place is not None
    return place


def _results(section: Section, node: Node) -> list[ir.Value | None]:
    return [None if is_tiny(out) else section.address(out) for out in node.outs]


def _run(
    section: Section,
    node: Node,
    which: int,
    params: Sequence[Place],
    results: Sequence[ir.Value | None],
) -> list[Place]:
    """Append the code of a body whose large outputs go where the node's lie."""
    inner = section.inner[node][which]
    return inner.emit(params, results, section.offset((node, which)))


def _leave(section: Section, node: Node, places: Sequence[Place]) -> None:
    for out, place in zip(node.outs, places, strict=True):
        section.places[out] = place


class _Carried:
    """What a loop carries: lanes and pointers as phis, and the spare memory of each array."""

    def __init__(self, section: Section, node: Node, operands: Sequence[Value]) -> None:
        self.section, self.node, self.outs = section, node, node.outs
        self.first: list[ir.Value] = []
        for out, operand in zip(node.outs, operands, strict=True):
            place = _place(section, operand)
            if is_tiny(out):
                self.first += [lane.value for lane in _lanes(section, operand, place)]
                continue
            current, spare = (section.in_workspace((out, k)) for k in range(2))
            section.copy(operand, current, row_major(operand.shape))
            self.first += [current, spare]

    def phis(self) -> list[Any]:
        """Append a phi for each."""
        return [self.section.builder.phi(one.type) for one in self.first]

    def places(self, values: Sequence[ir.Value]) -> tuple[list[Place], list[ir.Value | None]]:
        """Return where the carried values are, and where the next ones go."""
        rest = list(values)
        found: list[Place] = []
        spares: list[ir.Value | None] = []
        for out in self.outs:
            if is_tiny(out):
                count = len(range(_size(out)))
                lanes = [Lane(one, out.dtype, self.section.scalars) for one in rest[:count]]
                found.append(Registers(out.shape, tuple(lanes)))
                spares.append(None)
            else:
                count = 2
                found.append(Buffer(rest[0], row_major(out.shape)))
                spares.append(rest[1])
            rest = rest[count:]
        return found, spares

    def after(self, before: Sequence[ir.Value], places: Sequence[Place]) -> list[ir.Value]:
        """Return the values of the next iteration: an array and its spare memory change places."""
        rest, found = list(before), []
        for place in places:
            if isinstance(place, Registers):
                found += [lane.value for lane in place.lanes]
                rest = rest[len(place.lanes) :]
            else:
                current, spare = rest[:2]
                found += [current, spare] if place.pointer is current else [spare, current]
                rest = rest[2:]
        return found


def _size(value: Value) -> int:
    size = 1
    for dim in value.shape:
        size *= dim
    return size


def _lanes(section: Section, value: Value, place: Place) -> Sequence[Lane]:
    if isinstance(place, Registers):
        return place.lanes
    strides = row_major(value.shape)
    assert place.strides == strides or _size(value) <= 1
    return [
        section.scalars.load(section.scalars.element(place.pointer, value.dtype, i), value.dtype)
        for i in range(_size(value))
    ]


def _connect(phis: Sequence[Any], values: Sequence[ir.Value], block: ir.Block) -> None:
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, block)


def _body(
    section: Section,
    node: Node,
    which: int,
    carried: _Carried,
    phis: Sequence[ir.Value],
    lead: Sequence[Place],
    invariants: Sequence[Place],
) -> list[ir.Value]:
    """Append one iteration; return what the next one carries."""
    inner = section.inner[node][which]
    places, spares = carried.places(phis)
    results = [
        None if inner.is_in_place(i, len(lead) + i) else spare for i, spare in enumerate(spares)
    ]
    after = inner.emit([*lead, *places, *invariants], results, section.offset((node, which)))
    return carried.after(phis, after)


def _emit_for(section: Section, node: Node) -> None:
    builder, scalars = section.builder, section.scalars
    start, stop, step = (_lanes(section, one, _place(section, one))[0] for one in node.operands[:3])
    count, operands = node.attrs["carried"], node.operands[3:]
    carried = _Carried(section, node, operands[:count])
    invariants = [_place(section, one) for one in operands[count:]]
    by = _step_of(section, node)
    trips = scalars.subtract(stop, start) if by > 0 else scalars.subtract(start, stop)
    if abs(by) != 1:
        trips = scalars.lane(builder.sdiv((trips + (abs(by) - 1)).value, I64(abs(by))), trips)
    before = builder.block
    body, after = (builder.append_basic_block(one) for one in ("for", "done"))
    builder.cbranch(builder.icmp_signed(">", trips.value, I64(0)), body, after)
    builder.position_at_end(body)
    counter = builder.phi(I64)
    counter.add_incoming(I64(0), before)
    phis = carried.phis()
    _connect(phis, carried.first, before)
    turn = section.reader.index_lane(counter)
    if node.attrs["reverse"]:
        turn = trips - turn - 1
    index = start + turn if by == 1 else start + turn * by
    following = _body(section, node, 0, carried, phis, [Registers((), (index,))], invariants)
    end = builder.block
    _connect(phis, following, end)
    more = builder.add(counter, I64(1), flags=["nuw", "nsw"])
    counter.add_incoming(more, end)
    builder.cbranch(builder.icmp_signed("<", more, trips.value), body, after)
    builder.position_at_end(after)
    results = carried.phis()
    _connect(results, carried.first, before)
    _connect(results, following, end)
    _leave(section, node, carried.places(results)[0])


def _step_of(section: Section, node: Node) -> int:
    made = section.plan.producers[node.operands[2]]
    return int(made.attrs["value"].array)


def _emit_while(section: Section, node: Node) -> None:
    builder, count = section.builder, node.attrs["carried"]
    carried = _Carried(section, node, node.operands[:count])
    invariants = [_place(section, one) for one in node.operands[count:]]
    before = builder.block
    head, body, after = (builder.append_basic_block(one) for one in ("while", "do", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    phis = carried.phis()
    _connect(phis, carried.first, before)
    places, _ = carried.places(phis)
    test = section.inner[node][0]
    (found,) = test.emit([*places, *invariants], [None], section.offset((node, 0)))
    assert isinstance(found, Registers)
    builder.cbranch(found.lanes[0].value, body, after)
    builder.position_at_end(body)
    following = _body(section, node, 1, carried, phis, [], invariants)
    _connect(phis, following, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    _leave(section, node, places)


def _emit_cond(section: Section, node: Node) -> None:
    builder = section.builder
    predicate = _lanes(section, node.operands[0], _place(section, node.operands[0]))[0]
    params = [_place(section, one) for one in node.operands[1:]]
    results = _results(section, node)
    blocks = [builder.append_basic_block(one) for one in ("true", "false")]
    after = builder.append_basic_block("either")
    builder.cbranch(predicate.value, *blocks)
    found: list[tuple[list[Place], Any]] = []
    for which, block in enumerate(blocks):
        builder.position_at_end(block)
        found.append((_run(section, node, which, params, results), builder.block))
        builder.branch(after)
    builder.position_at_end(after)
    for i, out in enumerate(node.outs):
        if not is_tiny(out):
            section.places[out] = found[0][0][i]
            continue
        lanes = []
        for k in range(_size(out)):
            phi = builder.phi(llvm_type(out.dtype))
            for places, block in found:
                place = places[i]
                assert isinstance(place, Registers)
                phi.add_incoming(place.lanes[k].value, block)
            lanes.append(Lane(phi, out.dtype, section.scalars))
        section.places[out] = Registers(out.shape, tuple(lanes))
