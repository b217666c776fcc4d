"""Loops and branches over a batch, and the loop over a batch itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import GradcError
from ..ir import Builder, Graph, Node, Value
from ..primitive import REGISTRY, Primitive
from ..primitives.batching import move_axis, repeated
from ..primitives.elementwise import extent
from ..primitives.records import record
from ..primitives.regions import INDEX, block, cond, for_loop, while_loop
from ..primitives.selection import Gather, Slice
from ..types import INDEX_DTYPE, Dim, Sym

if TYPE_CHECKING:
    from .batch import Batching

Results = tuple[Sequence[Any], Sequence[bool]]
Rule = Callable[["Batching", Node, list[Any], list[bool]], Results]


def counted_loop(
    count: Dim,
    carried: Sequence[Any],
    invariants: Sequence[Any],
    step: Callable[[Any, Sequence[Any], Sequence[Any]], Sequence[Any]],
) -> tuple[Any, ...]:
    """Append a loop of ``count`` iterations, and return what it carries in the end.

    Args:
        count: How many iterations.
        carried: The first carried values.
        invariants: What else the body reads.
        step: Builds the body: ``(i, carried, invariants) -> the next carried``.
    """
    builder = Builder.current()
    params = [Value(INDEX), *(Value(one.type, one.name) for one in (*carried, *invariants))]
    end = 1 + len(carried)
    with Builder() as inner:
        inner.origin, inner.detached = builder.origin, builder.detached
        outputs = tuple(step(params[0], params[1:end], params[end:]))
    attrs = {
        "body": Graph(tuple(params), tuple(inner.nodes), outputs),
        "carried": len(carried),
        "reverse": False,
        "most": None,
        "checkpoint": None,
    }
    bounds = (builder.constant(INDEX_DTYPE.type(0)), _whole(count), _whole(1))
    return builder.add(for_loop, (*bounds, *carried, *invariants), attrs)


def _whole(number: Dim) -> Any:
    builder = Builder.current()
    if isinstance(number, int):
        return builder.constant(INDEX_DTYPE.type(number))
    return builder.add(extent, (), {"dim": number, "dtype": INDEX_DTYPE})[0]


def _names_in(dim: Dim) -> frozenset[str]:
    return dim.names if isinstance(dim, Sym) else frozenset()


def row_index(rank: int) -> tuple[Gather | Slice, ...]:
    """Return the index of one row, whose number is an operand, of an array of a rank."""
    return (Gather(), *(Slice() for _ in range(rank - 1)))


def looped(size: Dim, node: Node, operands: Sequence[Any], flags: Sequence[bool]) -> Sequence[Any]:
    """Append a loop over the batch that applies a node to one after the other.

    Args:
        size: The length of the batch.
        node: The node.
        operands: What its operands have become.
        flags: Which of them are batched.

    Returns:
        The results, all of them batched.

    Raises:
        GradcError: The sizes of results would differ over the batch.
    """
    builder = Builder.current()
    known = {name for x in operands for dim in x.shape for name in _names_in(dim)}
    made = {name for out in node.outs for dim in out.shape for name in _names_in(dim)}
    producers = [_producer(x) for x in operands]
    has_records = any(one is not None and one.primitive is record for one in producers)
    if has_records or not made <= known:
        raise GradcError(
            f"{node.primitive.name}: the sizes of its results differ over the batch",
            where=node.origin,
            fix="batch what is differentiated, and not its backward program",
        )
    rooms = [builder.full(out.type.with_shape((size, *out.shape)), 0) for out in node.outs]

    def step(i: Any, rows: Sequence[Any], given: Sequence[Any]) -> Sequence[Any]:
        gather, update = REGISTRY["gather"], REGISTRY["update"]
        one = [
            gather(x, i, index=row_index(x.ndim)) if flag else x
            for x, flag in zip(given, flags, strict=True)
        ]
        outs = Builder.current().add(node.primitive, tuple(one), node.attrs)
        return [
            update(room, out, i, index=row_index(room.ndim))
            for room, out in zip(rows, outs, strict=True)
        ]

    return counted_loop(size, rooms, operands, step)


def _for_batch(batching: Batching, node: Node, operands: list[Any], flags: list[bool]) -> Results:
    if any(flags[:3]):
        return looped(batching.size, node, operands, flags), (True,) * len(node.outs)
    count = node.attrs["carried"]
    carried, fixed = flags[3 : 3 + count], flags[3 + count :]
    body, carried = _fixpoint(batching, node.attrs["body"], [False], carried, fixed)
    bodies = node.with_attrs(body=body)
    return _loop(batching, bodies, operands, flags, carried), carried


def _while_batch(batching: Batching, node: Node, operands: list[Any], flags: list[bool]) -> Results:
    count = node.attrs["carried"]
    carried, fixed = flags[:count], flags[count:]
    body, carried = _fixpoint(batching, node.attrs["body"], [], carried, fixed)
    condition, decided = batching.graph(node.attrs["condition"], [*carried, *fixed], [False])
    if any(decided):  # each of the batch ends after another number of iterations
        return looped(batching.size, node, operands, flags), (True,) * len(node.outs)
    bodies = node.with_attrs(body=body, condition=condition)
    return _loop(batching, bodies, operands, flags, carried), carried


def _fixpoint(
    batching: Batching,
    body: Graph,
    head: Sequence[bool],
    carried: Sequence[bool],
    fixed: Sequence[bool],
) -> tuple[Graph, list[bool]]:
    """Return the body for a batch, and which carried values are batched in some iteration."""
    carried = list(carried)
    while True:
        made, found = batching.graph(body, [*head, *carried, *fixed], carried)
        if found == carried:
            return made, carried
        carried = found


def _loop(
    batching: Batching,
    node: Node,
    operands: Sequence[Any],
    flags: Sequence[bool],
    carried: Sequence[bool],
) -> list[Any]:
    """Append a loop whose bodies are those for a batch.

    Args:
        batching: The batch.
        node: The loop, with these bodies.
        operands: What its operands have become.
        flags: Which of them are batched.
        carried: Which carried values have to be.
    """
    inner = 1 if node.primitive is for_loop else 0  # the index
    head = len(operands) - len(node.attrs["body"].params) + inner
    given = list(operands)
    records = []
    for i, wanted in enumerate(carried):
        x = operands[head + i]
        if not wanted or flags[head + i]:
            continue
        made = _producer(x)
        if made is not None and made.primitive is record:
            attrs = {**made.attrs, "shape": (batching.size, *made.attrs["shape"])}
            given[head + i] = record(*made.operands, **attrs)
            records.append(i)
        else:
            given[head + i] = repeated(x, batching.size)
    for name in node.primitive.regions if records else ():
        outputs = records if name == "body" else ()
        turned = _rows_in_front(node.attrs[name], [inner + i for i in records], outputs)
        node = node.with_attrs(**{name: turned})
    outs = Builder.current().add(node.primitive, tuple(given), node.attrs)
    return [move_axis(out, 0, 1) if i in records else out for i, out in enumerate(outs)]


def _producer(x: Value) -> Node | None:
    nodes = reversed(Builder.current().nodes)
    return next((node for node in nodes if x in node.outs), None)


def _rows_in_front(body: Graph, params: Sequence[int], outputs: Sequence[int]) -> Graph:
    """Return a body that takes and gives records of a batch with the rows in front of the batch.

    So rows are stored in place; and there may be more of them, or fewer, than their type says.
    """
    given, known = list(body.params), list(body.params)
    with Builder() as builder:
        for i in params:
            size, rows, *rest = body.params[i].shape
            type = body.params[i].type.with_shape((rows, size, *rest))
            given[i] = Value(type, body.params[i].name)
            known[i] = move_axis(given[i], 0, 1)
        results = list(builder.inline(body, known))
        for i in outputs:
            results[i] = move_axis(results[i], 1, 0)
    return Graph(tuple(given), tuple(builder.nodes), tuple(results))


def _branch_batch(
    batching: Batching, node: Node, operands: list[Any], flags: list[bool]
) -> Results:
    if flags[0] and node.primitive is cond:  # each of the batch goes its own way
        return looped(batching.size, node, operands, flags), (True,) * len(node.outs)
    inner = flags[1:] if node.primitive is cond else flags
    nothing = [False] * len(node.outs)
    found = [batching.graph(region, inner, nothing)[1] for region in node.regions]
    results = [any(one) for one in zip(*found, strict=True)]
    bodies = node.map_regions(lambda region: batching.graph(region, inner, results)[0])
    return Builder.current().add(node.primitive, tuple(operands), bodies.attrs), results


REGION_RULES: dict[Primitive, Rule] = {
    for_loop: _for_batch,
    while_loop: _while_batch,
    cond: _branch_batch,
    block: _branch_batch,
}
