"""The adjoints of loops, branches and blocks, made of the adjoints of their bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..ir import Builder, Graph, Node, Value
from ..primitive import Primitive
from ..primitives.control import callback
from ..primitives.custom import custom_jvp, custom_vjp
from ..primitives.regions import Again, block, cond, for_loop, while_loop
from .activity import active_values, carried_activity, grown, inner_operands, inner_params, reaching
from .mincut import cost, cut
from .records import Records
from .reverse_custom import reverse_by_jvp, reverse_by_vjp
from .segments import segmented
from .sizes import size_names, untold
from .work import again

if TYPE_CHECKING:
    from .differentiate import Backward


def reverse_region(backward: Backward, node: Node) -> None:
    """Append the adjoint of a loop, a branch or a block, and let the node save what that reads."""
    _REVERSE[node.primitive](backward, node)


class Halves(NamedTuple):
    """The joint graph of a body in two.

    Attributes:
        forward: The nodes that do not depend on cotangents.
        backward: Those that do.
        results: The forward outputs.
        gradients: The outputs behind them.
        params: The forward params.
        cts: The params behind them.
        saved: What backward reads of forward, and forward has to save.
        again: The forward nodes that backward runs again.
    """

    forward: tuple[Node, ...]
    backward: tuple[Node, ...]
    results: tuple[Value, ...]
    gradients: tuple[Value, ...]
    params: tuple[Value, ...]
    cts: tuple[Value, ...]
    saved: tuple[Value, ...]
    again: tuple[Node, ...]

    def body(
        self, params: Sequence[Value], before: Sequence[Node], known: dict[Value, Value]
    ) -> Graph:
        """Return the backward body: what is read again, what is run again, and the adjoint.

        Args:
            params: The params of the body.
            before: The nodes that read what was saved.
            known: What stands for a saved value.
        """
        nodes = [
            replace(node, operands=tuple(known.get(one, one) for one in node.operands))
            for node in (*self.again, *self.backward)
        ]
        outputs = tuple(known.get(one, one) for one in self.gradients)
        return Graph(tuple(params), (*before, *nodes), outputs)


def halve(
    joint: Graph, cts: int, results: int, free: Iterable[Value], kept: Iterable[Value] | None = None
) -> Halves:
    """Split a joint graph, and choose what is saved.

    Args:
        joint: The joint graph of a body.
        cts: How many of its params, the last ones, are cotangents and accumulators.
        results: How many of its outputs, the first ones, are those of the body.
        free: What is at hand in backward.
        kept: The only values that may be saved; everything else is run again.
    """
    params = joint.params[: len(joint.params) - cts]
    late = set(joint.params[len(params) :])
    forward, backward = [], []
    for node in joint.nodes:
        is_late = any(one in late for one in node.operands)
        is_told = node.primitive is callback and node.outs  # what a hook was told
        if is_late or is_told:
            backward.append(node)
            late.update(node.outs)
        else:
            forward.append(node)
    gradients = joint.outputs[results:]
    read = [one for node in backward for one in node.operands]
    needed = [one for one in dict.fromkeys((*read, *gradients)) if one not in late]
    outside = size_names(params)
    only = None if kept is None else set(kept)

    def cannot_save(value: Value) -> bool:
        if only is not None and value not in only:
            return True
        return not outside.issuperset(size_names([value]))

    again = forward if only is None else [silent(node) for node in forward]
    found = cut(again, needed, set(free), cannot_save)
    while more := untold((*found.again, *backward), forward, outside):
        needed += more
        found = cut(again, needed, set(free), cannot_save)
    return Halves(
        tuple(forward),
        tuple(backward),
        joint.outputs[:results],
        gradients,
        params,
        joint.params[len(params) :],
        found.saved,
        found.again,
    )


def silent(node: Node) -> Node:
    """Return a loop or branch without the call-backs that only look at values."""

    def quiet(graph: Graph) -> Graph:
        kept = (silent(one) for one in graph.nodes if one.outs or not one.has_effect)
        return Graph(graph.params, tuple(kept), graph.outputs)

    return node.map_regions(quiet) if node.has_effect else node


def _halves_of_loop(
    backward: Backward, node: Node, slots: Sequence[int], accumulated: Sequence[int]
) -> Halves:
    body, carried = node.attrs["body"], node.attrs["carried"]
    params = inner_params(node)
    offset = len(body.params) - len(params)
    wrt = [offset + i for i in (*slots, *accumulated)]
    shared = [offset + i for i in accumulated]
    joint = backward.of_body(body, wrt, slots, shared)
    for i, ct in zip(slots, joint.params[len(body.params) :], strict=False):
        ct.name = f"ct_{params[i].name}" if params[i].name else ct.name
    first = joint.params[: len(body.params)]
    invariants = first[offset + carried :]
    state = first[offset : offset + carried]
    kept = state if node.attrs["checkpoint"] is not None else None
    free = (*first[:offset], *invariants)
    return halve(joint, len(wrt), len(body.outputs), free, kept)


def _bytes_saved(backward: Backward, node: Node) -> tuple[int, int]:
    """Return the bytes of what a loop carries, and of what it saves in each iteration."""
    node = node.with_attrs(checkpoint=None)
    halves = _halves_of_loop(backward, node, *_wanted(backward, node))
    state = inner_operands(node)[: node.attrs["carried"]]
    return sum(cost(one.type) for one in state), sum(cost(one.type) for one in halves.saved)


def _reverse_loop(backward: Backward, node: Node) -> None:
    """Append the reverse loop: carried cotangents, and accumulators for the invariants."""
    if node.attrs["checkpoint"] is not None and node.attrs["checkpoint"].rule != "carried":
        node = segmented(backward, node, lambda: _bytes_saved(backward, node))
    operands, carried = inner_operands(node), node.attrs["carried"]
    slots, accumulated = _wanted(backward, node)
    halves = _halves_of_loop(backward, node, slots, accumulated)
    records = Records(backward, node, halves)
    cts = [
        backward.finish(node.outs[i])
        if node.outs[i] in backward.cts
        else _zero(backward, node.outs[i])
        for i in slots
    ]
    totals = [_present(backward, operands, i) for i in accumulated]
    outs = records.reverse([*cts, *totals], operands[carried:])
    for i, out in zip(slots, outs, strict=False):
        if operands[i] in backward.active:
            backward.accumulate(operands[i], out)
    for i, out in zip(accumulated, outs[len(slots) :], strict=True):
        _replace(backward, operands, i, out)


def _wanted(backward: Backward, node: Node) -> tuple[list[int], list[int]]:
    """Return the carried values that have cotangents, and the invariants that get some."""
    body, carried = node.attrs["body"], node.attrs["carried"]
    operands, params = inner_operands(node), inner_params(node)
    slots = carried_activity(node, backward.active)
    wanted = [params[i] for i in slots]
    invariants = [
        i
        for i in range(carried, len(operands))
        if operands[i] in backward.active and operands[i].type.is_float
    ]
    active = active_values(body, [*wanted, *(params[i] for i in invariants)])

    def reached(useful: Iterable[int]) -> set[Value]:
        return reaching(body, [body.outputs[i] for i in useful], active)

    given = {i for i in slots if node.outs[i] in backward.cts}
    useful = grown(given, lambda found: {i for i in slots if params[i] in reached(found)})
    read = reached(useful)
    return sorted(useful), [i for i in invariants if params[i] in read]


def _zero(backward: Backward, value: Value) -> Value:
    return backward.builder.full(value.type, 0)


def _present(backward: Backward, operands: Sequence[Value], i: int) -> Any:
    """Return what a cotangent is so far, to add to it; zeros where there is nothing."""
    operand = operands[i]
    if operands.count(operand) == 1 and operand in backward.cts:
        return backward.cts[operand]
    return _zero(backward, operand)


def _replace(backward: Backward, operands: Sequence[Value], i: int, total: Value) -> None:
    """Make a sum the cotangent of an operand: what was there is in it."""
    if operands.count(operands[i]) == 1:
        backward.cts.pop(operands[i], None)
    backward.accumulate(operands[i], total)


def _reverse_cond(backward: Backward, node: Node) -> None:
    """Append the branch with the adjoints of both branches; forward saves what its own reads."""
    predicate, *operands = node.operands
    outputs = [i for i, out in enumerate(node.outs) if out in backward.cts]
    wanted = _read_in(backward, node, operands, outputs)
    shared = _with_present(backward, operands, wanted)
    halves = []
    for region in node.regions:
        joint = backward.of_body(region, wanted, outputs, shared)
        count = len(outputs) + len(shared)
        params = joint.params[: len(region.params)]
        halves.append(halve(joint, count, len(region.outputs), params))
    places, types = _shared_places([one.saved for one in halves])
    slots = [Value(one.type, one.name) for one in types]
    true, false = (
        _with_saved(one, where, types) for one, where in zip(halves, places, strict=True)
    )
    forward = replace(node, outs=(*node.outs, *slots)).with_attrs(true=true, false=false)
    backward.substitute(node, (forward,))
    cts = [backward.finish(node.outs[i]) for i in outputs]
    totals = [backward.cts[operands[i]] for i in shared]
    bodies = []
    for one, where in zip(halves, places, strict=True):
        held = [Value(slot.type, slot.name) for slot in slots]
        known = {value: held[i] for value, i in zip(one.saved, where, strict=True)}
        bodies.append(one.body([*held, *one.params, *one.cts], (), known))
    outs = backward.builder.add(
        cond,
        (predicate, *slots, *operands, *cts, *totals),
        {"true": bodies[0], "false": bodies[1], "again": _more(halves)},
    )
    _take(backward, operands, zip(wanted, outs, strict=True), shared)


def _with_present(
    backward: Backward, operands: Sequence[Value], wanted: Sequence[int]
) -> list[int]:
    """Return the operands that have a cotangent to add to, and are not given twice."""
    return [i for i in wanted if operands[i] in backward.cts and operands.count(operands[i]) == 1]


def _take(
    backward: Backward,
    operands: Sequence[Value],
    pulled: Iterable[tuple[int, Value]],
    shared: Sequence[int],
) -> None:
    """Take the cotangents of operands; those of ``shared`` have in them what was there."""
    for i, ct in pulled:
        if i in shared:
            backward.cts.pop(operands[i], None)
        backward.accumulate(operands[i], ct)


def _again(half: Halves) -> Again:
    return again(half.forward, (*half.results, *half.saved), half.again)


def _more(halves: Sequence[Halves]) -> Again:
    """Return what the branch computes again that computes more."""
    return max(map(_again, halves), key=lambda one: one.work)


def _read_in(
    backward: Backward, node: Node, operands: Sequence[Value], outputs: Sequence[int]
) -> list[int]:
    """Return the operands that get cotangents from these outputs in some body."""
    found: set[int] = set()
    for region in node.regions:
        params = region.params
        wanted = {
            params[i]
            for i, one in enumerate(operands)
            if one in backward.active and one.type.is_float
        }
        read = reaching(region, [region.outputs[i] for i in outputs], active_values(region, wanted))
        found.update(i for i, param in enumerate(params) if param in read and param in wanted)
    return sorted(found)


def _shared_places(
    saved: Sequence[Sequence[Value]],
) -> tuple[list[list[int]], list[Value]]:
    """Return where each branch puts what it saves, and a value like each place.

    What the branches save of equal types shares places: only one of them runs.
    """
    types: list[Value] = []
    places = []
    for values in saved:
        used: set[int] = set()
        chosen = []
        for value in values:
            fitting = (i for i, one in enumerate(types) if one.type == value.type and i not in used)
            place = next(fitting, len(types))
            if place == len(types):
                types.append(value)
            used.add(place)
            chosen.append(place)
        places.append(chosen)
    return places, types


def _with_saved(half: Halves, places: Sequence[int], types: Sequence[Value]) -> Graph:
    """Return a forward branch that also gives what it saves, and zeros in the other places."""
    builder = Builder(half.forward)
    by_place = dict(zip(places, half.saved, strict=True))
    with builder:
        extra = [
            by_place[i] if i in by_place else builder.full(one.type, 0)
            for i, one in enumerate(types)
        ]
    return Graph(half.params, tuple(builder.nodes), (*half.results, *extra))


def _reverse_block(backward: Backward, node: Node) -> None:
    """Append a block that runs the body again, and its adjoint."""
    body, operands = node.attrs["body"], node.operands
    outputs = [i for i, out in enumerate(node.outs) if out in backward.cts]
    wanted = _read_in(backward, node, operands, outputs)
    shared = _with_present(backward, operands, wanted)
    joint = backward.of_body(body, wanted, outputs, shared)
    count = len(outputs) + len(shared)
    half = halve(joint, count, len(body.outputs), joint.params[: len(body.params)], ())
    forward = Graph(half.params, half.forward, half.results)  # its hooks are resolved
    backward.substitute(node, (node.with_attrs(body=forward),))
    cts = [backward.finish(node.outs[i]) for i in outputs]
    totals = [backward.cts[operands[i]] for i in shared]
    attrs = {
        "body": half.body([*half.params, *half.cts], (), {}),
        "name": f"{node.attrs['name']}_backward",
        "again": _again(half),
    }
    outs = backward.builder.add(block, (*operands, *cts, *totals), attrs)
    _take(backward, operands, zip(wanted, outs, strict=True), shared)


_REVERSE: dict[Primitive, Callable[[Any, Node], None]] = {
    for_loop: _reverse_loop,
    while_loop: _reverse_loop,
    cond: _reverse_cond,
    block: _reverse_block,
    custom_vjp: reverse_by_vjp,
    custom_jvp: reverse_by_jvp,
}
