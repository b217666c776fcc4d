"""Simplification: the table of rules, and the canonical form of views."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache

from ..ir import Graph, Node, Value
from ..primitive import Primitive
from ..primitives.elementwise import add, cast, copy, multiply, negative, subtract
from ..primitives.elementwise.casting import extent_of
from ..primitives.index import add_at, gather, slice_, update
from ..primitives.reduce import sum_
from ..primitives.selection import Slice, is_basic
from ..primitives.shape import broadcast_to, reshape, transpose
from ..types import reduced_shape, size_of
from .match import made_for, match, pattern_of
from .overlap import are_disjoint
from .rewriter import Rewriter
from .rules import RULES, Rule

MOST_ROUNDS = 8
MOST_STORES = 16  # that are looked through for one read


def simplify(graph: Graph, rules: Sequence[Rule] = RULES) -> Graph:
    """Apply the rules, and merge chains of views, until nothing changes.

    Requires: nothing.
    Ensures: no rule matches (or ``MOST_ROUNDS`` were made); hooked values are as they were.
    Cost: linear in nodes, times the rounds.
    """
    by_root = _by_root(rules)
    for _ in range(MOST_ROUNDS):
        rewriter = Rewriter(graph)
        graph = rewriter.run(lambda rewriter, node: _simplify(rewriter, node, by_root))
        if not rewriter.changed:
            break
    return graph


@cache
def _by_root(rules: Sequence[Rule]) -> dict[Primitive, list[Rule]]:
    found: dict[Primitive, list[Rule]] = {}
    for rule in rules:
        found.setdefault(pattern_of(rule.before).primitive, []).append(rule)
    return found


def _simplify(rewriter: Rewriter, node: Node, rules: dict[Primitive, list[Rule]]) -> Value | None:
    for structural in _STRUCTURAL.get(node.primitive, ()):
        replacement = structural(rewriter, node)
        if replacement is not None:
            return replacement
    makers = {rewriter.producer[one].primitive for one in node.operands if one in rewriter.producer}
    for rule in rules.get(node.primitive, ()):
        if (rule.drops and rewriter.hooked) or not made_for(pattern_of(rule.before)) <= makers:
            continue
        found = match(rewriter, pattern_of(rule.before), node)
        if found is None:
            continue
        names = inspect.signature(rule.before).parameters
        operands = [found[name] for name in names if isinstance(found[name], Value)]
        attrs = {name: found[name] for name in names if not isinstance(found[name], Value)}
        if rule.requires is None or rule.requires(*operands, **attrs):
            return rule.after(*operands, **attrs)  # type: ignore[no-any-return]
    return None


def _reshape(rewriter: Rewriter, node: Node) -> Value | None:
    (x,) = node.operands
    if x.shape == node.out.shape:
        return x
    inner = rewriter.made_by(x, node)
    if inner is None:
        return None
    if inner.primitive is reshape:
        return reshape(inner.operands[0], shape=node.out.shape)  # type: ignore[no-any-return]
    if inner.attrs.get("keepdims") is False:
        source = inner.operands[0]
        if node.out.shape == reduced_shape(source.shape, inner.attrs["axes"], True):
            return inner.primitive(source, **{**inner.attrs, "keepdims": True})  # type: ignore[no-any-return]
    scalar = rewriter.scalar_of(x, node)
    if scalar is not None and x.ndim:
        return broadcast_to(scalar, shape=node.out.shape)  # type: ignore[no-any-return]
    return None


def _transpose(rewriter: Rewriter, node: Node) -> Value | None:
    (x,), axes = node.operands, node.attrs["axes"]
    if axes == tuple(range(x.ndim)):
        return x
    inner = rewriter.made_by(x, node)
    if inner is not None and inner.primitive is transpose:
        merged = tuple(inner.attrs["axes"][axis] for axis in axes)
        return transpose(inner.operands[0], axes=merged)  # type: ignore[no-any-return]
    return None


def _broadcast(rewriter: Rewriter, node: Node) -> Value | None:
    (x,) = node.operands
    if x.shape == node.out.shape:
        return x
    inner = rewriter.made_by(x, node)
    if inner is not None and inner.primitive is broadcast_to:
        return broadcast_to(inner.operands[0], shape=node.out.shape)  # type: ignore[no-any-return]
    if inner is not None and inner.primitive is reshape and not inner.operands[0].ndim:
        return broadcast_to(inner.operands[0], shape=node.out.shape)  # type: ignore[no-any-return]
    return None


def _cast(rewriter: Rewriter, node: Node) -> Value | None:
    (x,) = node.operands
    return x if x.dtype == node.out.dtype else None


def _copy(rewriter: Rewriter, node: Node) -> Value | None:
    return node.operands[0]  # values do not change


def _sum(rewriter: Rewriter, node: Node) -> Value | None:
    (x,), axes = node.operands, node.attrs["axes"]
    if not axes and x.dtype == node.out.dtype:
        return x
    scalar = rewriter.scalar_of(x, node)
    if scalar is None or not x.type.is_float:
        return None
    size = size_of([x.shape[axis] for axis in axes])
    if not isinstance(size, int) or size == 0:  # 0 x inf is no sum of nothing
        return None
    count = extent_of(scalar, size)
    return broadcast_to(multiply(scalar, count), shape=node.out.shape)  # type: ignore[no-any-return]


def _slice(rewriter: Rewriter, node: Node) -> Value | None:
    # Nothing but new axes, and axes of one element dropped: a reshape, whose adjoint is one too.
    (x,) = node.operands
    scalar = rewriter.scalar_of(x, node)
    if scalar is not None and x.ndim:
        return broadcast_to(scalar, shape=node.out.shape) if node.out.ndim else scalar
    sizes = iter(x.shape)
    for item in node.attrs["index"]:
        if item is None:
            continue
        size = next(sizes)
        if not (item == Slice() or (item == 0 and size == 1)):
            return None
    return reshape(x, shape=node.out.shape)  # type: ignore[no-any-return]


def _stored(rewriter: Rewriter, node: Node) -> Value | None:
    # What was stored last at a place is read there; stores to other places do not matter. Only
    # where no array is read in the end: living on past its stores, it would have to be copied.
    (x,), index = node.operands, node.attrs["index"]
    source = x
    for _ in range(MOST_STORES):
        made = rewriter.made_by(source, node)
        if made is None or made.primitive not in (update, add_at) or len(made.operands) > 2:
            break
        if made.primitive is update and made.attrs["index"] == index:
            return made.operands[1]
        if not are_disjoint(made.attrs["index"], index, x.shape):
            break
        source = made.operands[0]
    scalar = None if source is x else rewriter.scalar_of(source, node)
    if scalar is None or not node.out.ndim:
        return scalar
    return broadcast_to(scalar, shape=node.out.shape)  # type: ignore[no-any-return]


def _add_at(rewriter: Rewriter, node: Node) -> Value | None:
    # The first contribution to an accumulator is a store.
    base, value, *_ = node.operands
    if rewriter.number(base) == 0 and is_basic(node.attrs["index"]):
        return update(base, value, index=node.attrs["index"])  # type: ignore[no-any-return]
    return None


def _update(rewriter: Rewriter, node: Node) -> Value | None:
    # x[i] += y ends with the store of a view into its own place.
    base, value, *indices = node.operands
    inner = rewriter.made_by(value, node)
    if inner is not None and inner.primitive is slice_ and not indices:
        if inner.operands[0] is base and inner.attrs == node.attrs:
            return base
    below = rewriter.made_by(base, node)
    if below is not None and below.primitive is update and not indices:
        if below.attrs == node.attrs and len(below.operands) == 2:
            if below.operands[1] is value:  # what was read there was found to be that value
                return base
            if rewriter.uses[base] == 1:
                return update(below.operands[0], value, **node.attrs)  # type: ignore[no-any-return]
    if base.shape == value.shape and all(str(item) == ":" for item in node.attrs["index"]):
        return value
    return None


def _augmented(rewriter: Rewriter, node: Node) -> Value | None:
    # x[i] += y: a sum in place, whose adjoint needs no zeros.
    base, value, *indices = node.operands
    made = rewriter.made_by(value, node)
    if made is None or rewriter.uses[value] != 1 or any(index.ndim for index in indices):
        return None
    if made.primitive not in (add, subtract) or all(str(i) == ":" for i in node.attrs["index"]):
        return None
    for place, rest in enumerate(reversed(made.operands)):
        read = rewriter.made_by(made.operands[place], node)
        if read is None or read.primitive not in (slice_, gather):
            continue
        if read.operands != (base, *indices) or read.attrs["index"] != node.attrs["index"]:
            continue
        if made.primitive is subtract:
            if place:
                continue
            rest = negative(rest)
        return add_at(base, rest, *indices, **node.attrs)  # type: ignore[no-any-return]
    return None


_STRUCTURAL: dict[Primitive, tuple[Callable[[Rewriter, Node], Value | None], ...]] = {
    reshape: (_reshape,),
    transpose: (_transpose,),
    broadcast_to: (_broadcast,),
    cast: (_cast,),
    copy: (_copy,),
    sum_: (_sum,),
    slice_: (_slice, _stored),
    add_at: (_add_at,),
    update: (_update, _augmented),
}
