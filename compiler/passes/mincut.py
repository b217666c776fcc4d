"""What to save of a forward program for a backward one, and what to compute again: a min-cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from math import prod
from typing import NamedTuple

from ..errors import DerivativeError
from ..ir import Node, Value
from ..types import ArrayType, Sym
from .flow import Network

UNKNOWN_SIZE = 1000  # what a named size is taken to be where bytes are compared


class Cut(NamedTuple):
    """What crosses from a forward program to a backward one.

    Attributes:
        saved: The values to save, in the order in which they are defined.
        again: The nodes to run again in backward, in order.
        nbytes: The bytes of what is saved; a named size counts as ``UNKNOWN_SIZE``.
    """

    saved: tuple[Value, ...]
    again: tuple[Node, ...]
    nbytes: int


def cut(
    nodes: Sequence[Node],
    needed: Sequence[Value],
    free: Set[Value] = frozenset(),
    cannot_save: Callable[[Value], bool] = lambda value: False,
) -> Cut:
    """Choose what is saved and what is run again, so that the fewest bytes are saved.

    Every needed value is free, or saved, or made by the nodes that run again from what is free,
    saved, or made by those before. Only cheap nodes run again (see ``is_cheap``), except for values
    that cannot be saved. Among the choices of equal bytes it is the one that runs the fewest again,
    views apart, which take no time.

    Requires: nothing.
    Ensures: the order in which sets are iterated has no influence.
    Cost: a maximum flow through the nodes between what is needed and what cannot be run again; in
        practice linear.

    Args:
        nodes: The forward nodes, in order.
        needed: What the backward program reads. Values that no node yields are params.
        free: What is at hand in backward at no cost.
        cannot_save: Whether a value has to be made again, whatever it takes: because its size is
            not known outside a loop, for example.

    Returns:
        The cut.

    Raises:
        DerivativeError: A needed value cannot be saved, and cannot be made again.

    Example:
        >>> import numpy as np
        >>> from gradc.compiler.ir import Builder
        >>> from gradc.compiler.primitives.elementwise import cast, exp
        >>> from gradc.compiler.primitives.elementwise.comparison import greater
        >>> x = Value(ArrayType((1000,), np.dtype(np.float64)))
        >>> with Builder() as builder:
        ...     mask = greater(exp(x), 1.0)
        ...     weights = cast(mask, dtype=x.dtype)
        >>> made = cut(builder.nodes, [weights])
        >>> made.saved == (mask,), made.nbytes
        (True, 1000)
    """
    return _Cutting(nodes, free, cannot_save).cut(needed)


def is_cheap(node: Node) -> bool:
    """Whether a node may run again, rather than that its result is saved.

    Views, and what its entry calls cheap; nothing with an effect, a body, or a store.
    """
    primitive = node.primitive
    if node.has_effect or node.regions or node.is_store or len(node.outs) != 1:
        return False
    view = primitive.view
    if not isinstance(view, bool):
        view = view([operand.type for operand in node.operands])
    return primitive.cheap or view


def cost(type: ArrayType) -> int:
    """Return the bytes of a value, those of unknown size being taken for large."""
    return prod(map(_extent, type.shape), start=type.dtype.itemsize)


def _extent(dim: int | Sym) -> int:
    if isinstance(dim, int):
        return dim
    size: int = sum(factor * UNKNOWN_SIZE ** len(names) for names, factor in dim.terms)
    return max(size, 1)


def interleave(again: Iterable[Node], nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return the nodes of a backward program, each node that runs again as late as may be.

    What is small is held then, and what is made of it lives no longer than it is read.

    Requires: both are in an order in which they could run, ``again`` first.
    Ensures: so is the result. Nodes of ``again`` that no node reads come last.
    Cost: linear.
    """
    waiting = {out: node for node in again for out in node.outs}
    placed: dict[Node, None] = {}

    def place(value: Value) -> None:
        pending = [value]
        while pending:
            node = waiting.get(pending[-1])
            missing = [one for one in node.operands if one in waiting] if node else []
            if missing:
                pending += reversed(missing)
                continue
            pending.pop()
            if node is not None:
                placed[node] = None
                for out in node.outs:
                    del waiting[out]

    for node in nodes:
        for operand in node.operands:
            place(operand)
        placed[node] = None
    for value in list(waiting):
        place(value)
    return tuple(placed)


class _Cutting:
    """A network with two places for each value, before and after it is saved.

    An edge between them weighs the bytes of the value; edges from operands to results weigh
    infinitely much. What cannot be run again is fed by the source, what is needed flows into the
    sink: what a cut separates from the source is made from what it cuts.
    """

    SOURCE, SINK = 0, 1

    def __init__(
        self, nodes: Sequence[Node], free: Set[Value], cannot_save: Callable[[Value], bool]
    ) -> None:
        self.nodes, self.free, self.cannot_save = nodes, free, cannot_save
        self.made = {out: node for node in nodes for out in node.outs}
        self.forced: set[Node] = set()

    def cut(self, needed: Sequence[Value]) -> Cut:
        self.forced = self._forced(needed)
        reached = self._reached(needed)
        late = self._late_side(reached, needed)
        saved: set[Value] = set()
        again: set[Node] = set()
        pending = [one for one in needed if one not in self.free]
        while pending:
            value = pending.pop()
            node = self.made.get(value)
            if value not in late and not self._is_as_large(node):
                saved.add(value)
                continue
            assert node is not None
            if node not in again:
                again.add(node)
                pending += [one for one in node.operands if one not in self.free]
        ordered = tuple(value for value in reached if value in saved)
        return Cut(
            ordered,
            tuple(node for node in self.nodes if node in again),
            sum(cost(value.type) for value in ordered),
        )

    def _is_as_large(self, node: Node | None) -> bool:
        """Whether a node is a view of an array of the same bytes, which is as well saved itself."""
        return (
            node is not None
            and node.is_view
            and len(node.operands) == 1
            and cost(node.operands[0].type) == cost(node.out.type)
            and not self.cannot_save(node.operands[0])
        )

    def _forced(self, needed: Sequence[Value]) -> set[Node]:
        """Return the nodes that have to run again, at any price."""
        forced: set[Node] = set()
        seen: set[Value] = set()
        pending = list(needed)
        while pending:
            value = pending.pop()
            if value in seen or value in self.free or not self.cannot_save(value):
                continue
            seen.add(value)
            node = self.made.get(value)
            if node is None or node.has_effect:
                raise DerivativeError(
                    "backward reads a value that can neither be saved nor computed again",
                    got=f"{value.name or 'a value'}: {value.type}"
                    + (f", made by {node.primitive.name}" if node else ""),
                    where=node.origin if node else None,
                    fix="give it a size that is known before the loop, or move it out of the loop",
                )
            forced.add(node)
            pending += node.operands
        return forced

    def _operands(self, value: Value) -> tuple[Value, ...] | None:
        """Return what a value is made of where it may be made again, else None."""
        node = self.made.get(value)
        if node is None or not (node in self.forced or is_cheap(node)):
            return None
        return tuple(one for one in dict.fromkeys(node.operands) if one not in self.free)

    def _reached(self, needed: Sequence[Value]) -> list[Value]:
        """Return what needed values can be made of, params first, in order of definition."""
        found: set[Value] = set()
        pending = [one for one in needed if one not in self.free]
        while pending:
            value = pending.pop()
            if value not in found:
                found.add(value)
                pending += self._operands(value) or ()
        read = (operand for node in self.nodes for operand in node.operands)
        params = [value for value in dict.fromkeys((*read, *needed)) if value not in self.made]
        return [value for value in (*params, *self.made) if value in found]

    def _late_side(self, reached: Sequence[Value], needed: Sequence[Value]) -> set[Value]:
        """Return the values that are made again by the least cut nearest to the sink."""
        before = {value: 2 + 2 * place for place, value in enumerate(reached)}
        network = Network(2 + 2 * len(reached))
        total = sum(cost(value.type) for value in reached) + 1
        for value in reached:
            operands = self._operands(value)
            # What cannot be saved and need not be made again is no part of any finite cut.
            price = total if self.cannot_save(value) else cost(value.type)
            network.connect(before[value], before[value] + 1, price)
            if operands is None:
                network.connect(self.SOURCE, before[value], total)
            for operand in operands or ():
                network.connect(before[operand] + 1, before[value], total)
        for value in dict.fromkeys(needed):
            if value in before:
                network.connect(before[value] + 1, self.SINK, total)
        flow = network.saturate(self.SOURCE, self.SINK)
        assert flow < total
        late = network.reaching(self.SINK)
        return {value for value in reached if before[value] in late}
