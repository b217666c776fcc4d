"""What a program does, step by step, to be read: what each kernel is, and which lines it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from ...ir import Node, SourceLine, Value
from ...primitive import Contraction, IndexMap, Stored, Uninitialised, Windowed
from ...primitives.regions import cond, for_loop, while_loop
from .chunks import folded_axes
from .costs import of_nest, of_node, of_store, operations, trips
from .gathers import Checked
from .lowering import is_called, lowering
from .nests import written_by
from .plan import Plan
from .python_names import python_name
from .steps import Nest, Step, Tiny

if TYPE_CHECKING:
    from .section import Section


class Line(NamedTuple):
    """A line of the user's.

    Attributes:
        origin: The line.
        is_late: Whether what stands for it is there for the derivative only.
    """

    origin: SourceLine
    is_late: bool


class Item(NamedTuple):
    """A kernel, a loop with its body, or what is computed in registers between these.

    Numbers are of one run; of a body, of one iteration. They are None where they are known when the
    program runs only.

    Attributes:
        what: What it is, in words.
        start: The step that it begins with.
        lines: The lines whose operations it holds.
        operations: How many operations on numbers; a function of one counts as one.
        read: How many bytes of arrays, each byte once.
        written: How many bytes.
        nanoseconds: How long it takes by one core, about.
        chunks: How many parts there are for threads.
        body: What a loop or a branch does.
    """

    what: str
    start: int
    lines: tuple[Line, ...]
    operations: float | None
    read: float | None
    written: float | None
    nanoseconds: float | None
    chunks: int = 1
    body: tuple[Item, ...] = ()

    def whole(self, depth: int = 0) -> Iterator[tuple[Item, int]]:
        """Yield this one and those in its body, each with its depth."""
        yield self, depth
        for one in self.body:
            yield from one.whole(depth + 1)


def inventory(section: Section, early: Collection[Value] | None = None) -> list[Item]:
    """Return what a program or a body does, in order.

    Args:
        section: The program.
        early: Of the graph's values those that the function itself needs; all if not given.
    """
    plan = section.plan
    found: list[Item] = []
    place = 0
    while place < len(plan.steps):
        step, start = plan.steps[place], place
        place += 1
        if step in section.fusion.places:
            continue  # it is part of an item
        if step in section.fusion.followers:
            found.append(_fused(section, start, early))
        elif isinstance(step, Nest):
            found.append(_nest(section, start, early))
        elif isinstance(step, Tiny):
            while place < len(plan.steps) and isinstance(plan.steps[place], Tiny):
                place += 1
            found.append(_registers(plan, range(start, place), early))
        elif isinstance(step, Checked):
            users = [node for node in plan.producers.values() if step.out in node.operands]
            count = prod(step.operands[0].shape)
            lines = _lines(users, early)
            found.append(Item("check of places", start, lines, count, 0, 0, float(count)))
        elif step in section.inner:
            found.append(_region(section, start, step, early))
        elif not isinstance(step.primitive.lower, Uninitialised):
            found.append(_whole(section, start, step, early))
    return found


# Of each kind


def _fused(section: Section, start: int, early: Collection[Value] | None) -> Item:
    """Return a product with the nests that are done with it."""
    plan, product = section.plan, section.plan.steps[start]
    assert isinstance(product, Node)
    nests = section.fusion.followers[product]
    first = _whole(section, start, product, early)
    kinds = dict.fromkeys(kind for nest in nests for kind in _kinds(nest))
    places = [start, *map(plan.steps.index, nests)]
    nodes = list(dict.fromkeys(node for place in places for node in computed(plan, place)))
    leaves = dict.fromkeys(leaf for place in places for leaf in plan.leaves(place))
    made = [product.out, *(value for nest in nests for value in written_by(nest))]
    return Item(
        ", ".join((first.what, *kinds)),
        start,
        _lines(nodes, early),
        sum(map(operations, nodes)),
        _read(plan, nodes, [leaf for leaf in leaves if plan.roots.get(leaf) not in made]),
        _bytes([value for value in made if value not in plan.shared]),
        sum(
            of_nest(nest, plan.leaves(place)) for nest, place in zip(nests, places[1:], strict=True)
        )
        + (first.nanoseconds or 0),
        first.chunks,
    )


def _kinds(nest: Nest) -> list[str]:
    """Return what a nest does, in words."""
    kinds = ["map"] if nest.values else []
    if nest.folds:
        axes = folded_axes(nest)
        over = ("axis " if len(axes) == 1 else "axes ") + ", ".join(map(str, axes))
        kinds.append(f"fold over {'all' if len(axes) == len(nest.shape) else over}")
    return kinds


def _nest(section: Section, start: int, early: Collection[Value] | None) -> Item:
    plan = section.plan
    nest = plan.steps[start]
    assert isinstance(nest, Nest)
    leaves, values = plan.leaves(start), written_by(nest)
    dtypes = ", ".join(dict.fromkeys(one.dtype.name for one in values))
    first, *others = _kinds(nest)
    nodes = computed(plan, start)
    chunks = section.chunks.get(nest)
    return Item(
        ", ".join((f"{first} {nest.shape} {dtypes}", *others)),
        start,
        _lines(nodes, early),
        sum(map(operations, nodes)),
        _read(plan, nodes, leaves),
        _bytes(values),
        of_nest(nest, leaves),
        chunks.count if chunks else 1,
    )


def _registers(plan: Plan, places: range, early: Collection[Value] | None) -> Item:
    nodes = list(dict.fromkeys(node for place in places for node in computed(plan, place)))
    leaves = {leaf: None for place in places for leaf in plan.leaves(place)}
    values = f"{len(places)} value{'s' if len(places) > 1 else ''} in registers"
    count = sum(map(operations, nodes))
    read = _read(plan, nodes, leaves)
    times = [of_node(node, plan.producers) for node in nodes]
    return Item(values, places.start, _lines(nodes, early), count, read, 0, sum(times))


def _region(section: Section, start: int, node: Node, early: Collection[Value] | None) -> Item:
    inside = () if _is_late(node, early) else None
    inner = [inventory(one, inside) for one in section.inner[node]]
    times: int | None = 1
    what = "branch" if node.primitive is cond else "block"
    if node.primitive is for_loop:
        times = trips(node, section.plan.producers)
        what = "loop" if times is None else f"loop, {times} times"
    elif node.primitive is while_loop:
        times, what = None, "loop while a condition holds"

    def total(name: str) -> float | None:
        sums: list[float] = []
        for items in inner:
            numbers = [getattr(item, name) for item in items]
            if times is None or None in numbers:
                return None
            sums.append(times * sum(numbers))
        return max(sums, default=0) if node.primitive is cond else sum(sums)

    return Item(
        what,
        start,
        _lines([node], early),
        operations=total("operations"),
        read=total("read"),
        written=total("written"),
        nanoseconds=total("nanoseconds"),
        body=tuple(item for items in inner for item in items),
    )


def _whole(section: Section, start: int, node: Node, early: Collection[Value] | None) -> Item:
    plan, is_store = section.plan, isinstance(node.primitive.lower, Stored)
    nodes = computed(plan, start)
    read = plan.leaves(start)
    written, nanoseconds = node.outs, of_node(node, plan.producers)
    if is_store and node.out in plan.shared:  # the rest of the array stays where it is
        read, written = [one for one in read if one is not node.operands[0]], node.operands[1:2]
        nanoseconds = of_store(node)
    chunks = 1
    if node in section.work:
        chunks = section.work[node].chunks
    sliding = section.sliding.get(node)
    if sliding:
        chunks = sliding.chunks
    return Item(
        title(node),
        start,
        _lines(nodes, early),
        sum(map(operations, nodes)),
        _read(plan, nodes, read),
        _bytes(written),
        nanoseconds,
        chunks,
    )


def title(node: Node) -> str:
    """Return what a node of its own is, in words."""
    out = node.outs[0].type if node.outs else ""
    if is_called(node):
        return f"call {python_name(node)}"
    lower = lowering(node)
    if isinstance(lower, Contraction):
        x, y = (one.shape for one in node.operands)
        rows, columns = x[-2] if len(x) > 1 else 1, y[-1] if len(y) > 1 else 1
        count = prod(x[:-2] if len(x) > 2 else y[:-2])
        times = f"{count} x " if count > 1 else ""
        return f"product {times}{rows}x{columns}x{x[-1]} {node.out.dtype.name}"
    if isinstance(lower, Windowed):
        is_pool = lower.what.startswith(("maximum", "mean"))
        return f"{lower.what}{' of windows' if is_pool else ''} {out}"
    name = f"{node.outs[0].name} " if node.outs and node.outs[0].name else ""
    return f"{node.primitive.name.replace('_', ' ').strip()} {name}{out}"


# What is in a step


def computed(plan: Plan, place: int) -> list[Node]:
    """Return the nodes whose results a step computes, in the order of the graph."""
    step, there = plan.steps[place], set(plan.leaves(place))
    nodes = _roots(plan, step)
    todo = [operand for node in nodes for operand in node.operands]
    seen: set[Value] = set()
    while todo:
        one = todo.pop()
        if one in seen or one in there or one not in plan.producers:
            continue
        seen.add(one)
        node = plan.producers[one]
        nodes.append(node)
        todo += node.operands
    unique = list(dict.fromkeys(nodes))
    return sorted(unique, key=lambda node: plan.positions.get(node, len(plan.positions)))


def _roots(plan: Plan, step: Step) -> list[Node]:
    if isinstance(step, Nest):
        return [*(plan.producers[one] for one in step.values), *step.folds]
    if isinstance(step, Tiny):
        return [step.node]
    return [step] if isinstance(step, Node) else []


def _lines(nodes: Sequence[Node], early: Collection[Value] | None) -> tuple[Line, ...]:
    found: dict[Line, None] = {}
    for node in nodes:
        if node.origin is not None and node.primitive.name != "constant":
            found[Line(node.origin, _is_late(node, early))] = None
    return tuple(found)


def _is_late(node: Node, early: Collection[Value] | None) -> bool:
    """Whether a node is there for the derivative only; those without results are the user's."""
    return early is not None and bool(node.outs) and not any(out in early for out in node.outs)


def _bytes(values: Sequence[Value]) -> int | None:
    sizes = [one.type.nbytes for one in values]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _read(plan: Plan, nodes: Sequence[Node], leaves: Iterable[Value]) -> int | None:
    """Return how many bytes of memory nodes read: of a view that is read what it shows."""
    needed: dict[Value, int | None] = {}
    for node in nodes:
        for operand in dict.fromkeys(node.operands):
            is_view = isinstance(node.primitive.lower, IndexMap) and operand is node.operands[0]
            nbytes = node.out.type.nbytes if is_view else operand.type.nbytes
            known = needed.get(operand, 0)
            needed[operand] = None if None in (known, nbytes) else max(known or 0, nbytes or 0)
    total = 0
    for leaf in leaves:
        if leaf not in plan.layouts:  # it is in registers
            continue
        nbytes, root = needed.get(leaf, 0), plan.roots.get(leaf, leaf).type.nbytes
        if nbytes is None:
            return None
        total += nbytes if root is None else min(nbytes, root)
    return total
