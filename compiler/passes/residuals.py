"""Splitting a joint graph into a forward and a backward program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any

import numpy as np

from ..ir import Builder, Graph, Node, Value
from ..primitives.elementwise import constant
from ..primitives.selection import Gather, Mask, Slice
from ..types import ArrayType, Sym
from .mincut import cut, interleave


def residuals(graph: Graph, outputs: int, cts: int) -> tuple[Graph, Graph]:
    """Split a joint graph at its cotangents.

    What depends on a cotangent runs backward. What else the backward program reads is computed
    forward and saved, or cheap and made again from what is saved, so that the fewest bytes are
    saved. Params count as all others: the caller may change them between the two programs.

    Requires: the last ``cts`` params are cotangents; the first ``outputs`` outputs do not depend on
        them.
    Ensures: forward takes the other params and returns the outputs, then the residuals; backward
        takes the residuals and the cotangents, and returns the remaining outputs. A size that is
        known forward only comes as the length of a residual without elements.
    Cost: that of ``cut``.
    """
    inputs = graph.params[: len(graph.params) - cts]
    late: set[Value] = set(graph.params[len(inputs) :])
    forward: list[Node] = []
    backward: list[Node] = []
    for node in graph.nodes:
        if any(operand in late for operand in node.operands):
            backward.append(node)
            late.update(node.outs)
        else:
            forward.append(node)
    results = graph.outputs[outputs:]
    read = [*(one for node in backward for one in node.operands), *results]
    crossing = cut(forward, [value for value in dict.fromkeys(read) if value not in late])
    nodes = interleave(crossing.again, backward)
    place = {param: i for i, param in enumerate(inputs)}
    saved = sorted(crossing.saved, key=lambda value: place.get(value, len(inputs)))
    known = (*saved, *graph.params[len(inputs) :])
    missing = _missing_sizes(nodes, known, _sizes(forward, inputs))
    builder = Builder(forward)
    lengths = tuple(
        builder.full(ArrayType((Sym.named(one), 0), np.dtype(np.bool_)), False) for one in missing
    )
    return (
        Graph(inputs, tuple(builder.nodes), (*graph.outputs[:outputs], *saved, *lengths)),
        Graph((*saved, *lengths, *graph.params[len(inputs) :]), nodes, results),
    )


def _missing_sizes(nodes: Sequence[Node], params: Sequence[Value], known: Set[str]) -> list[str]:
    """Return the known sizes that a program may ask for, and that its params do not tell."""
    if not known:
        return []
    told = {str(dim) for value in params for dim in value.shape}
    given = {*params, *(node.out for node in nodes if node.primitive is constant)}
    for node in nodes:
        items = [one for one in node.attrs.get("index", ()) if isinstance(one, Gather | Mask)]
        arrays = node.operands[len(node.operands) - len(items) :]
        for item, array in zip(items, arrays, strict=True):
            if isinstance(item, Mask) and array in given:  # and so counted before anything runs
                told.add(str(item.count))
    return sorted((_sizes(nodes, inside=True) & known) - told)


def _sizes(
    nodes: Iterable[Node], params: Iterable[Value] = (), *, inside: bool = False
) -> set[str]:
    """Return the sizes named in types and attrs of nodes, and ``inside`` their bodies."""
    found: set[str] = set()
    pending: list[Any] = [param.shape for param in params]
    for node in nodes:
        pending += [value.shape for value in (*node.operands, *node.outs)]
        pending += [one for key, one in node.attrs.items() if key not in node.primitive.regions]
        for region in node.regions if inside else ():
            found |= _sizes(region.nodes, region.params, inside=True)
    while pending:
        one = pending.pop()
        if isinstance(one, Sym):
            found |= one.names
        elif isinstance(one, tuple):
            pending += one
        elif isinstance(one, Slice):
            pending += one.start, one.stop
        elif isinstance(one, Mask):
            pending.append(one.count)
    return found
