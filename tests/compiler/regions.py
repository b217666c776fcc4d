"""Loops, branches and blocks for the tests of the compiler, written as functions of values."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gradc.compiler.ir import Builder, Graph, Node, Value
from gradc.compiler.primitives.regions import Checkpoint, block, cond, for_loop, while_loop

from .build import array_type, build

INDEX = array_type(dtype=np.int64)


def loop(
    body: Callable[..., Any],
    carried: Sequence[Value],
    invariants: Sequence[Value] = (),
    bounds: Sequence[Any] = (0, 3, 1),
    checkpoint: Checkpoint | None = None,
    reverse: bool = False,
) -> tuple[Value, ...]:
    """Append a loop over a range; its body takes (i, *carried, *invariants)."""
    builder = Builder.current()
    limits = [one if isinstance(one, Value) else builder.constant(np.int64(one)) for one in bounds]
    attrs = {
        "body": _body(body, carried, invariants, i=INDEX),
        "carried": len(carried),
        "reverse": reverse,
        "most": None,
        "checkpoint": checkpoint,
    }
    return builder.add(for_loop, (*limits, *carried, *invariants), attrs)


def loop_while(
    condition: Callable[..., Any],
    body: Callable[..., Any],
    carried: Sequence[Value],
    invariants: Sequence[Value] = (),
    checkpoint: Checkpoint | None = None,
) -> tuple[Value, ...]:
    """Append a loop with a condition; both functions take (*carried, *invariants)."""
    attrs = {
        "condition": _body(condition, carried, invariants),
        "body": _body(body, carried, invariants),
        "carried": len(carried),
        "checkpoint": checkpoint,
    }
    return Builder.current().add(while_loop, (*carried, *invariants), attrs)


def branch(
    predicate: Value, true: Callable[..., Any], false: Callable[..., Any], *operands: Value
) -> tuple[Value, ...]:
    """Append a branch; both functions take the operands."""
    attrs = {"true": _body(true, operands), "false": _body(false, operands)}
    return Builder.current().add(cond, (predicate, *operands), attrs)


def part(body: Callable[..., Any], *operands: Value) -> tuple[Value, ...]:
    """Append a block."""
    attrs = {"body": _body(body, operands), "name": "part"}
    return Builder.current().add(block, operands, attrs)


def _body(
    function: Callable[..., Any],
    carried: Sequence[Value],
    invariants: Sequence[Value] = (),
    **first: Any,
) -> Graph:
    types = {f"c{i}": one.type for i, one in enumerate(carried)}
    types |= {f"v{i}": one.type for i, one in enumerate(invariants)}
    return build(function, **first, **types)


def region_nodes(graph: Graph) -> list[Node]:
    """Return the nodes of a graph that have bodies."""
    return [node for node in graph.nodes if node.regions]


def only(graph: Graph) -> Node:
    """Return the only node of a graph that has bodies."""
    (node,) = region_nodes(graph)
    return node
