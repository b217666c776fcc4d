"""Loops and branches as blocks of code, with what they carry in registers or in turns in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Graph, Node, Value
from ...primitive import Uninitialised
from ...primitives.regions import cond, for_loop, while_loop
from .costs import SPELL, of_graph, trips
from .layout import row_major
from .lowering import is_record
from .places import Buffer, Place, Record, Registers
from .plan import Plan
from .scalars import I64, PTR, Lane, llvm_type
from .steps import is_tiny

if TYPE_CHECKING:
    from .section import Section


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


def is_room(plan: Plan, value: Value) -> bool:
    """Whether a value is nothing but room in which loops store: theirs is as good."""
    node = plan.producers.get(value)
    if node is None or not isinstance(node.primitive.lower, Uninitialised):
        return False
    for user in plan.users.get(value, ()):
        if user.primitive is not for_loop or value in user.operands[3 + user.attrs["carried"] :]:
            return False
    return value not in plan.graph.outputs


def turns_of(section: Section, out: Value) -> int:
    """Return how many blocks of memory an array of a loop goes through.

    None if the body changes it where it is, one if it changes places with others of its kind, two
    if the next one is written while the last one is read.
    """
    node = section.plan.producers[out]
    place, inner = node.outs.index(out), section.inner[node][-1]
    own = inner.graph.params[place + (1 if node.primitive is for_loop else 0)]
    home = inner.carried_in(place)
    return 2 if home is None else int(home is not own)


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
    place = section.records.get(value) or section.backed(value)
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
        if isinstance(place, Record):
            section.records[out] = place
        else:
            section.places[out] = place


class _Carried:
    """What a loop carries: lanes and pointers as phis, and the spare memory of each array.

    Records stay where they are. Arrays of one type may exchange their memory.
    """

    def __init__(self, section: Section, node: Node, operands: Sequence[Value]) -> None:
        self.section, self.node, self.outs = section, node, node.outs
        self.first: list[ir.Value] = []
        self.records: dict[Value, Place] = {}
        for out, operand in zip(node.outs, operands, strict=True):
            place = _place(section, operand)
            if is_record(out):
                self.records[out] = place
                continue
            if is_tiny(out):
                self.first += [lane.value for lane in _lanes(section, operand, place)]
                continue
            turns, spare = turns_of(section, out), ir.Constant(PTR, None)
            current = section.in_workspace((out, 0)) if turns else section.address(out)
            if turns == 2:
                spare = section.in_workspace((out, 1))
            if not is_room(section.plan, operand):
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
            if out in self.records:
                count = 0
                found.append(self.records[out])
                spares.append(None)
            elif is_tiny(out):
                count = prod(out.shape)
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
        """Return the values of the next iteration; memory in which no array lies is spare then."""
        arrays = {out: place for out, place in zip(self.outs, places, strict=True)
                  if isinstance(place, Buffer)}  # fmt: skip
        taken = {id(place.pointer) for place in arrays.values()}
        rest, free, needs = list(before), defaultdict[Any, list[ir.Value]](list), {}
        for out, place in zip(self.outs, places, strict=True):
            count = len(place.lanes) if isinstance(place, Registers) else 2 * (out in arrays)
            if out in arrays:
                needs[out] = turns_of(self.section, out) == 2
                held = rest[: 2 if needs[out] else 1]
                free[out.type] += [one for one in held if id(one) not in taken]
            rest = rest[count:]
        found: list[ir.Value] = []
        for out, place in zip(self.outs, places, strict=True):
            if isinstance(place, Registers):
                found += [lane.value for lane in place.lanes]
            elif isinstance(place, Buffer):
                spare = free[out.type].pop() if needs[out] else ir.Constant(PTR, None)
                found += [place.pointer, spare]
        return found


def _lanes(section: Section, value: Value, place: Place) -> Sequence[Lane]:
    if isinstance(place, Registers):
        return place.lanes
    assert isinstance(place, Buffer)
    assert place.strides == row_major(value.shape) or prod(value.shape) <= 1
    return [
        section.scalars.load(section.scalars.element(place.pointer, value.dtype, i), value.dtype)
        for i in range(prod(value.shape))
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
    results = [None if inner.carried_in(i) else spare for i, spare in enumerate(spares)]
    after = inner.emit([*lead, *places, *invariants], results, section.offset((node, which)))
    _heed_signals(section, node, inner.graph)
    return carried.after(phis, after)


def _heed_signals(section: Section, node: Node, body: Graph) -> None:
    """Let Python handle signals, as that of Ctrl-C, every few milliseconds of a long loop."""
    each = max(1.0, of_graph(body))
    count = trips(node, section.plan.producers) if node.primitive is for_loop else None
    if count is not None and count * each < SPELL:
        return
    builder = section.builder
    with builder.goto_entry_block():
        passed = builder.alloca(I64)
        builder.store(I64(0), passed)
    now = builder.add(builder.load(passed, typ=I64), I64(int(min(each, SPELL))))
    is_due = builder.icmp_signed(">=", now, I64(int(SPELL)))
    builder.store(builder.select(is_due, I64(0), now), passed)
    with builder.if_then(is_due, likely=False):
        section.emission.heed_signals()


def _emit_for(section: Section, node: Node) -> None:
    builder = section.builder
    start, stop, step = (_lanes(section, one, _place(section, one))[0] for one in node.operands[:3])
    count, operands = node.attrs["carried"], node.operands[3:]
    carried = _Carried(section, node, operands[:count])
    invariants = [_place(section, one) for one in operands[count:]]
    turns = _turns(section, node, start, stop, step)
    before = builder.block
    body, after = (builder.append_basic_block(one) for one in ("for", "done"))
    builder.cbranch(builder.icmp_unsigned("!=", turns.value, I64(0)), body, after)
    builder.position_at_end(body)
    counter = builder.phi(I64)
    counter.add_incoming(I64(0), before)
    phis = carried.phis()
    _connect(phis, carried.first, before)
    turn = section.reader.index_lane(counter)
    if node.attrs["reverse"]:
        turn = turns - turn - 1
    index = start + turn * step
    following = _body(section, node, 0, carried, phis, [Registers((), (index,))], invariants)
    end = builder.block
    _connect(phis, following, end)
    more = builder.add(counter, I64(1), flags=["nuw", "nsw"])
    counter.add_incoming(more, end)
    builder.cbranch(builder.icmp_unsigned("<", more, turns.value), body, after)
    builder.position_at_end(after)
    results = carried.phis()
    _connect(results, carried.first, before)
    _connect(results, following, end)
    _leave(section, node, carried.places(results)[0])


def _turns(section: Section, node: Node, start: Lane, stop: Lane, step: Lane) -> Lane:
    """Append how often a loop over a range runs, an unsigned number."""
    builder = section.builder
    made = section.plan.producers.get(node.operands[2])
    if made is None or made.primitive.name != "constant" or not made.attrs["value"].array:
        is_step = builder.icmp_unsigned("!=", step.value, I64(0))
        section.emission.require(is_step, "range() arg 3 must not be zero", "ValueError")
    is_up = builder.icmp_signed(">", step.value, I64(0))
    ends = (start.value, stop.value)
    low, high = (builder.select(is_up, *pair) for pair in (ends, ends[::-1]))
    size = builder.select(is_up, step.value, builder.sub(I64(0), step.value))
    last = builder.udiv(builder.sub(builder.sub(high, low), I64(1)), size)
    is_any = builder.icmp_signed("<", low, high)
    turns = builder.select(is_any, builder.add(last, I64(1)), I64(0))
    return section.scalars.lane(turns, start)


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
            place = found[0][0][i]
            assert isinstance(place, Buffer)
            section.places[out] = place
            continue
        lanes = []
        for k in range(prod(out.shape)):
            phi = builder.phi(llvm_type(out.dtype))
            for places, block in found:
                place = places[i]
                assert isinstance(place, Registers)
                phi.add_incoming(place.lanes[k].value, block)
            lanes.append(Lane(phi, out.dtype, section.scalars))
        section.places[out] = Registers(out.shape, tuple(lanes))
