"""Which nodes become statements of their own, and which are written inside another's expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir import Graph, Node, Value
from ...passes.lifetimes import is_worth_reusing
from ...primitive import NumPy
from ...primitives.elementwise import constant, copy
from ...primitives.records import record, trim
from ...primitives.selection import Gather, Mask
from ...primitives.shape import broadcast_to
from ...types import Sym

MOST_NESTED = 4  # operations in an expression that is part of another
MOST_IN_LINE = 6  # operations in one statement


@dataclass
class Schedule:
    """Where each node runs.

    Attributes:
        inlined: Values written where they are read.
        position: For each node, the place in the graph of the statement that it is part of.
    """

    inlined: set[Value]
    position: dict[Node, int]


def schedule(graph: Graph, is_condition: bool = False) -> Schedule:
    """Choose the statements: small, unnamed results read once are nested into their reader.

    Args:
        graph: The graph.
        is_condition: Whether its one output is read once, in a statement that is no node.
    """
    counted = {value for value, _ in bound_sizes(graph).values()}
    users, outputs = _readers(graph, counted)
    if is_condition:
        (output,) = graph.outputs
        made = graph.producers().get(output)
        if output not in users and made is not None and made.primitive.elementwise:
            outputs.discard(output)
            users[output] = [made]  # itself: it is written in the statement behind
    nested: dict[Value, int] = {}
    inlined: set[Value] = set()
    reads = _Reads(graph)
    for node in graph.nodes:
        parts = [one for one in node.operands if one in inlined]
        nested_here = 1 + sum(nested[one] for one in parts)
        if nested_here > MOST_IN_LINE:
            largest = max(parts, key=nested.__getitem__)
            inlined.remove(largest)
            nested_here -= nested[largest]
            parts.remove(largest)
        for out in node.outs:
            nested[out] = nested_here
            if node.primitive is constant or _is_spread(node, counted):
                nested[out] = 0
                inlined.add(out)
            elif out not in outputs and out not in counted:
                readers = users.get(out, [])
                may = _may_inline(node, readers, nested_here)
                if may and reads.may_wait(node, parts, readers[0]):
                    inlined.add(out)
        reads.note(node, parts)
    return Schedule(inlined, _positions(graph, users, inlined))


class _Reads:
    """The memory that expressions read, and the stores that change it."""

    def __init__(self, graph: Graph) -> None:
        self._place = {node: place for place, node in enumerate(graph.nodes)}
        self._root = graph.roots()
        self._stores: dict[Value, list[int]] = {}
        self._of: dict[Value, set[Value]] = {}
        for place, node in enumerate(graph.nodes):
            changed = node.operands[:1] if node.is_store else node.operands if node.regions else ()
            for base in changed:
                self._stores.setdefault(base, []).append(place)

    def note(self, node: Node, parts: Sequence[Value]) -> None:
        """Note what a node reads, with the parts that are written inside it."""
        found = {self._root.get(operand, operand) for operand in node.operands}
        for part in parts:
            found |= self._of[part]
        self._of.update((out, found) for out in node.outs)

    def may_wait(self, node: Node, parts: Sequence[Value], user: Node) -> bool:
        """Whether a node reads nothing that is stored to before its user runs."""
        first, last = self._place[node], self._place[user]
        roots = {self._root.get(operand, operand) for operand in node.operands}
        roots.update(*(self._of[part] for part in parts))
        return not any(first < place < last for one in roots for place in self._stores.get(one, ()))


def _is_spread(node: Node, counted: set[Value]) -> bool:
    """Whether it is a broadcast, which is written where it is read, or which NumPy does itself."""
    return node.primitive is broadcast_to and node.out not in counted


def _readers(graph: Graph, counted: set[Value]) -> tuple[dict[Value, list[Node]], set[Value]]:
    """Return the nodes in whose text each value is read, and the values read by ``return``."""
    readers: dict[Value, list[Node]] = {}
    returned = set(graph.outputs)
    for node in reversed(graph.nodes):
        places = [node]
        if _is_spread(node, counted):
            places = readers.get(node.out, [])
            returned.update(node.operands if node.out in returned else ())
        for operand in node.operands:
            readers.setdefault(operand, []).extend(places)
    return readers, returned


def _may_inline(node: Node, users: list[Node], nested: int) -> bool:
    numpy = node.primitive.numpy
    if len(users) != 1 or node.primitive.effect or not isinstance(numpy, NumPy) or numpy.store:
        return False
    if node.primitive is copy:
        return False  # it has to run before the store that follows it
    (user,) = users
    if user.regions:  # but for bounds and predicates, operands become variables
        first = len(user.operands) - len(user.regions[0].params) + ("reverse" in user.attrs)
        if node.out in user.operands[first:]:
            return False
    if user.has_effect or (user.operands[0] is node.out and user.is_store):
        return False
    if node.out.name is not None or nested > MOST_NESTED:
        return False
    if node.is_view:
        return True
    same_line = node.origin is None or user.origin is None or node.origin == user.origin
    return same_line and not is_worth_reusing(node.out.type)


def bound_sizes(graph: Graph) -> dict[Sym, tuple[Value, str]]:
    """Return the value from which each unknown size that begins here is found, and how."""
    found: dict[Sym, tuple[Value, str]] = {}
    for node in graph.nodes:
        size = node.attrs.get("size")
        if isinstance(size, Sym) and node.primitive is trim:
            found.setdefault(size, (node.operands[1], "{0}"))
        elif isinstance(size, Sym) and node.primitive is record and not node.attrs["grows"]:
            found.setdefault(size, (node.operands[0], "{0}"))
        if "index" not in node.attrs:
            continue
        arrays = node.operands[2 if node.is_store else 1 :]
        places = [one for one in node.attrs["index"] if isinstance(one, Gather | Mask)]
        for item, array in zip(places, arrays, strict=True):
            if isinstance(item, Mask) and isinstance(item.count, Sym):
                found.setdefault(item.count, (array, "np.count_nonzero({0})"))
    return found


def private_functions(graph: Graph) -> list[str]:
    """Return the source of the private functions that the nodes call, each once, callees first."""
    texts: list[str] = []
    for node in graph.nodes:
        if isinstance(node.primitive.numpy, NumPy):
            texts += node.primitive.numpy.functions
        for region in node.regions:
            texts += private_functions(region)
    return list(dict.fromkeys(texts))


def _positions(
    graph: Graph, users: dict[Value, list[Node]], inlined: set[Value]
) -> dict[Node, int]:
    position: dict[Node, int] = {}
    for place in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[place]
        position[node] = place
        if len(node.outs) == 1 and node.out in inlined:
            readers = [position[user] for user in users.get(node.out, ())]
            if len(readers) == 1:
                position[node] = readers[0]
    return position
