"""How native code does a node: the lowering of its primitive, or a call back into NumPy."""

from __future__ import annotations

from math import prod

from ...ir import Graph, Node
from ...primitive import Contraction, IndexMap, Lowering, Scalar, Stored, Uninitialised, Windowed
from ...primitives.regions import block, cond, for_loop, while_loop
from ...primitives.selection import Mask
from .layout import first_number
from .math import names
from .scalars import rule_of

REGIONS = (for_loop, while_loop, cond, block)
MOST_PHASES = 36  # of strides: a convolution has code for each
MOST_TAPS = 64  # of a window along the last axis: a pooling has code for each


def lowering(node: Node) -> Lowering | None:
    """Return how native code does a node; None where it calls back into NumPy."""
    lower = node.primitive.lower
    if lower is None or not _holds(lower, node):
        return None
    return lower


def _holds(lower: Lowering, node: Node) -> bool:
    """Whether a lowering serves these operands and attrs."""
    if isinstance(lower, Scalar):
        is_function = isinstance(lower.rule, str) and lower.rule in names()
        return rule_of(node.primitive) is not None and (not is_function or node.out.type.is_float)
    if isinstance(lower, Contraction):
        return bool(node.out.type.is_float)
    if isinstance(lower, IndexMap | Stored):
        numbers = node.operands[first_number(node) :]
        has_mask = any(isinstance(item, Mask) for item in node.attrs.get("index", ()))
        return not has_mask and not any(one.ndim for one in numbers)
    if isinstance(lower, Uninitialised):
        return not node.attrs["grows"]
    if isinstance(lower, Windowed):
        return _slides(node)
    return True


def _slides(node: Node) -> bool:
    """Whether windows slide in native code: over something, and with code of bounded length."""
    stride, window = node.attrs["stride"], node.attrs.get("window", (1,))
    is_sum_of_nothing = any(0 in one.shape for one in node.operands) and 0 not in node.out.shape
    return not is_sum_of_nothing and prod(stride) <= MOST_PHASES and window[-1] <= MOST_TAPS


def is_called(node: Node) -> bool:
    """Whether a node is a call back into NumPy, or into the user's Python."""
    is_special = node.primitive.name == "constant" or node.primitive in REGIONS
    return not is_special and lowering(node) is None


def called(graph: Graph) -> list[Node]:
    """Return the nodes that are calls, in bodies too."""
    found = [node for node in graph.nodes if is_called(node)]
    for node in graph.nodes:
        found += [one for region in node.regions for one in called(region)]
    return found


def has_unknown_sizes(graph: Graph) -> bool:
    """Whether an array's size is known at run time only."""
    values = [*graph.params, *(out for node in graph.nodes for out in node.outs)]
    return not all(value.type.is_static for value in values) or any(
        has_unknown_sizes(region) for node in graph.nodes for region in node.regions
    )
