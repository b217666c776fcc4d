"""What masks select, computed for all elements: so that no size depends on what a mask holds."""

from __future__ import annotations

from typing import Any

from ..ir import Builder, Graph, Node, Value
from ..primitive import Scalar
from ..primitives.elementwise import add, cast, power, where
from ..primitives.elementwise.casting import extent, filled
from ..primitives.index import add_at, gather, update
from ..primitives.reduce import all_, any_, prod, sum_
from ..primitives.selection import Mask, Slice
from ..primitives.shape import broadcast_to, reshape
from ..types import INDEX_DTYPE, Dim, Sym, divide_exactly

NEUTRAL = {sum_: 0, prod: 1, any_: 0, all_: 1}


def unmask(graph: Graph) -> Graph:
    """Compute for all elements what is computed, element by element, for those that masks select.

    Reads are left out, stores become choices, and folds meet their neutral number in the place of
    what was not selected.

    Requires: the graph will not be differentiated any more.
    Ensures: the number of selected elements is the size of an array only where it has to be.
    Cost: linear in nodes, for each mask.
    """
    masks = _masks(graph)
    while masks:
        try:
            return _Unmasking(graph, masks).run()
        except _UnfitError as error:
            del masks[error.count]
    return graph


def _masks(graph: Graph) -> dict[Sym, Value]:
    """Return the masks by the unknown numbers of elements that they select."""
    found: dict[Sym, Value] = {}
    mixed = set()
    for node in graph.nodes:
        for item in node.attrs.get("index", ()):
            if isinstance(item, Mask) and isinstance(item.count, Sym):
                if found.setdefault(item.count, node.operands[-1]) is not node.operands[-1]:
                    mixed.add(item.count)
    return {count: mask for count, mask in found.items() if count not in mixed}


def _may_raise(node: Node) -> bool:
    """Whether an operation has errors, which those elements must not cause that are left out."""
    return node.primitive is power and not node.out.type.is_float


class _UnfitError(Exception):
    def __init__(self, count: Sym) -> None:
        self.count = count


class _Unmasking:
    """Rebuilds a graph; ``full`` has what selected values are for all elements."""

    def __init__(self, graph: Graph, masks: dict[Sym, Value]) -> None:
        self.graph, self.masks = graph, masks
        self.same: dict[Value, Value] = {}
        self.full: dict[Value, Value] = {}
        self.names = {name for count in masks for name in count.names}

    def run(self) -> Graph:
        """Return the graph with the masks of ``masks`` left out."""
        with Builder() as builder:
            for node in self.graph.nodes:
                count = self._count(node)
                if count is None:
                    self._copy(builder, node)
                    continue
                with builder.at(node):
                    self._rewrite(node, count)
        for output in self.graph.outputs:
            if output in self.full:
                raise _UnfitError(self._selected(output))
        outputs = tuple(self._new(output) for output in self.graph.outputs)
        return Graph(self.graph.params, tuple(builder.nodes), outputs)

    def _new(self, value: Value) -> Value:
        return self.same.get(value, value)

    def _copy(self, builder: Builder, node: Node) -> None:
        operands = tuple(self._new(operand) for operand in node.operands)
        changed = operands != node.operands
        builder.nodes.append(
            Node(node.primitive, operands, node.attrs, node.outs, node.origin, node.detached)
            if changed
            else node
        )

    def _count(self, node: Node) -> Sym | None:
        """Return the number of selected elements that a node has to do with."""
        for dim in (dim for one in (*node.operands, *node.outs) for dim in one.shape):
            if isinstance(dim, Sym) and dim.names & self.names:
                return self._of(dim)
        dim = node.attrs.get("dim")
        if isinstance(dim, Sym) and dim.names & self.names:
            return self._of(dim)
        return None

    def _of(self, dim: Sym) -> Sym:
        return next(count for count in self.masks if count.names & dim.names)

    def _selected(self, value: Value) -> Sym:
        return next(self._of(dim) for dim in value.shape if isinstance(dim, Sym))

    def _rewrite(self, node: Node, count: Sym) -> None:
        primitive, mask = node.primitive, self._new(self.masks[count])
        if primitive is gather and self._is_lead(node, count):
            self.full[node.out] = self._new(node.operands[0])
        elif primitive in (update, add_at) and self._is_lead(node, count):
            self._store(node, mask, count)
        elif primitive is broadcast_to:
            self.full[node.out] = self._broadcast(node, mask, count)
        elif primitive is reshape and node.out.ndim and node.out.shape[0] == count:
            shape = (*mask.shape, *node.out.shape[1:])
            self.full[node.out] = reshape(self._full(node.operands[0], count), shape=shape)
        elif primitive is extent:
            self.same[node.out] = self._extent(node, mask, count)
        elif isinstance(primitive.lower, Scalar) and not _may_raise(node):
            operands = [self._full(operand, count) for operand in node.operands]
            self.full[node.out] = primitive(*operands, **node.attrs)
        elif primitive in NEUTRAL:
            self._fold(node, mask, count)
        else:
            raise _UnfitError(count)

    def _is_lead(self, node: Node, count: Dim) -> bool:
        """Whether a mask spans the first axes, and the others are taken as they are."""
        item, *rest = node.attrs["index"]
        is_mask = isinstance(item, Mask) and item.count == count
        return is_mask and all(one == Slice() for one in rest) and node.operands[0] not in self.full

    def _full(self, value: Value, count: Sym) -> Value:
        if value not in self.full or value.shape[0] != count:
            raise _UnfitError(count)
        return self.full[value]

    def _over(self, mask: Value, like: Value) -> Value:
        """Return a mask in the shape of an array that it spans the first axes of."""
        if mask.shape == like.shape:
            return mask
        shape = (*mask.shape, *(1 for _ in like.shape[mask.ndim :]))
        return broadcast_to(reshape(mask, shape=shape), shape=like.shape)  # type: ignore[no-any-return]

    def _store(self, node: Node, mask: Value, count: Sym) -> None:
        x, value = self._new(node.operands[0]), self._full(node.operands[1], count)
        stored = add(x, value) if node.primitive is add_at else value
        self.same[node.out] = where(self._over(mask, x), stored, x)

    def _broadcast(self, node: Node, mask: Value, count: Sym) -> Value:
        (operand,), shape = node.operands, node.attrs["shape"]
        if shape[0] != count:
            raise _UnfitError(count)
        whole = (*mask.shape, *shape[1:])
        if operand in self.full:
            made = self._full(operand, count)
        else:
            made = self._new(operand)
            if made.ndim == len(shape):  # its first axis has one place
                made = reshape(made, shape=(*(1 for _ in mask.shape), *made.shape[1:]))
        return broadcast_to(made, shape=whole)  # type: ignore[no-any-return]

    def _extent(self, node: Node, mask: Value, count: Sym) -> Value:
        """Return a multiple of the number of selected elements."""
        times = divide_exactly(node.attrs["dim"], count)
        if not isinstance(times, int):
            raise _UnfitError(count)
        number = sum_(cast(mask, dtype=INDEX_DTYPE), axes=tuple(range(mask.ndim)), keepdims=False)
        return cast(number * times, dtype=node.attrs["dtype"])  # type: ignore[no-any-return]

    def _fold(self, node: Node, mask: Value, count: Sym) -> None:
        value, axes = self._full(node.operands[0], count), node.attrs["axes"]
        moved = tuple(axis + mask.ndim - 1 for axis in axes if axis)
        if 0 not in axes:
            attrs = {**node.attrs, "axes": moved}
            self.full[node.out] = node.primitive(value, **attrs)
            return
        neutral = filled(value, NEUTRAL[node.primitive])
        chosen: Any = where(self._over(mask, value), value, neutral)
        spanned = tuple(range(mask.ndim))
        folded = node.primitive(chosen, axes=(*spanned, *moved), keepdims=False)
        self.same[node.out] = reshape(folded, shape=node.out.shape)
