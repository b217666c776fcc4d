"""How long code takes, about: by it work is divided among threads, and the lock is released.

Figures are nanoseconds by one core with 64-byte registers, measured on maps, sums and products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, prod
from typing import Any

from ...ir import Graph, Node, Value
from ...primitive import Contraction, Reduction, Scalar, Stored, Windowed
from ...primitives.regions import cond, for_loop, while_loop
from .lowering import is_called, lowering
from .plan import DEAR
from .steps import Nest

SPELL = 5e6  # nanoseconds between looks at signals, as that of Ctrl-C
_OPERATION = 0.12  # on one element; Nest.cost counts them
_ACCESS = 0.25  # to one element of an array
_CALL = 5_000.0  # of Python
RATES = {"float32": 120.0, "float64": 60.0}  # of products: operations within a nanosecond


def of_nest(nest: Nest, leaves: Sequence[Value]) -> float:
    """Return how long the loops of a nest take."""
    arrays = len(nest.values) + sum(prod(one.shape) > 1 for one in leaves)
    return float(prod(nest.shape) * (nest.cost * _OPERATION + arrays * _ACCESS))


def of_graph(graph: Graph) -> float:
    """Return how long a graph takes; infinity where a loop's trips are not known."""
    producers = graph.producers()
    return sum(of_node(node, producers) for node in graph.nodes)


def of_node(node: Node, producers: Mapping[Value, Node]) -> float:
    """Return how long a node takes by itself; infinity where a loop's trips are not known."""
    if node.primitive is for_loop:
        count = trips(node, producers)
        return of_graph(node.attrs["body"]) * (inf if count is None else count)
    if node.primitive is while_loop:
        return inf
    bodies = [of_graph(region) for region in node.regions]
    if bodies:
        return max(bodies) if node.primitive is cond else sum(bodies)
    if is_called(node):
        return _CALL
    if isinstance(lowering(node), Contraction | Windowed):
        rate = 1 / _OPERATION if "window" in node.attrs else RATES[node.out.dtype.name]
        return operations(node) / rate
    points = max((_points(one) for one in (*node.operands, *node.outs)), default=0)
    return float(points) * _OPERATION * (1 if node.primitive.cheap else DEAR)


def of_store(node: Node) -> float:
    """Return how long a store takes that leaves the rest of the array where it is."""
    return _points(node.operands[1]) * 2 * _ACCESS


def operations(node: Node) -> int:
    """Return how many operations on numbers a node is, beside those of its bodies."""
    lower = lowering(node)
    if node.regions or node.primitive.name == "constant":
        return 0
    if isinstance(lower, Contraction):
        return int(2 * prod(node.out.shape) * node.operands[0].shape[-1])
    if isinstance(lower, Windowed):
        return _window_operations(node, lower.what)
    if isinstance(lower, Reduction):
        return prod(node.operands[0].shape)
    if isinstance(lower, Stored):
        return prod(node.operands[1].shape) if lower.adds else 0
    return prod(node.outs[0].shape) if isinstance(lower, Scalar) else 0


def _window_operations(node: Node, what: str) -> int:
    """Return how many operations windows are that slide: each of their places is visited."""
    if "window" in node.attrs:
        slid = node.operands[0] if what.endswith("gradient") else node.out
        return int(prod((*slid.shape, *node.attrs["window"])))
    x, y = node.operands
    kernels = node.out if what == "kernel gradient" else y
    slid = {"kernel gradient": y, "image gradient": x}.get(what, node.out)
    return int(2 * prod((*slid.shape, *kernels.shape[1:])))


def _points(value: Value) -> int:
    """Return the number of elements; along an axis of unknown size one."""
    return prod(dim for dim in value.shape if isinstance(dim, int))


def trips(node: Node, producers: Mapping[Value, Node]) -> int | None:
    """Return how often a ``for`` loop runs its body; None where that is not known."""
    bounds: list[Any] = []
    for operand in node.operands[:3]:
        made = producers.get(operand)
        if made is None or made.primitive.name != "constant":
            return None
        bounds.append(int(made.attrs["value"].array))
    return len(range(*bounds)) if bounds[2] else 0
