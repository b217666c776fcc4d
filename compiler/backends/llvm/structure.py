"""When two nests are the same code: programs repeat themselves, and kernels are compiled once."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

from ...ir import Value
from .chunks import Chunks, Part
from .columns import lies_in_columns
from .layout import strides_of
from .overwriting import place_in
from .plan import Plan
from .steps import Nest


def structure(
    plan: Plan,
    nest: Nest,
    leaves: Sequence[Value],
    registers: Collection[Value],
    chunks: Chunks | Part | None,
    replaced: Mapping[Value, Value],
) -> Hashable:
    """Return what decides the code of a nest: all but where its operands and results are.

    Of the values in memory that the nest reads, ``leaves`` are operands of their own, ``replaced``
    those in the place of which it writes others.

    Nodes are numbered in the order in which they are met from the results, so that the same
    operations have the same numbers in another part of the program.
    """
    numbers: dict[Value, int] = {leaf: i for i, leaf in enumerate(leaves)}
    places = [(nest.values.index(other), *place_in(plan, one)) for one, other in replaced.items()]
    numbers |= {one: -1 - i for i, one in enumerate(replaced)}
    parts: list[Hashable] = [
        (one.type, one in registers, strides_of(one, plan.layouts)) for one in leaves
    ]
    roots = [*nest.values, *(node.operands[0] for node in nest.folds)]
    todo = list(reversed(roots))
    while todo:
        value = todo[-1]
        if value in numbers:
            todo.pop()
            continue
        node = plan.producers[value]
        missing = [one for one in node.operands if one not in numbers]
        if missing:
            todo += reversed(missing)
            continue
        todo.pop()
        numbers[value] = len(numbers)
        operands = tuple(numbers[one] for one in node.operands)
        parts.append((node.primitive.name, operands, node.out.type, _hashable(node.attrs)))
    folds = tuple(
        (numbers[node.operands[0]], node.primitive.name, node.out.type, _hashable(node.attrs))
        for node in nest.folds
    )
    values = tuple(numbers[one] for one in nest.values)
    in_columns = lies_in_columns(plan, nest, {*leaves, *replaced})
    return nest.shape, chunks, values, folds, tuple(parts), tuple(places), in_columns


def _hashable(attrs: Mapping[str, Any]) -> Hashable:
    pairs = tuple(sorted(attrs.items()))
    try:
        hash(pairs)
    except TypeError:
        return object()  # like no other
    return pairs
