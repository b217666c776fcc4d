"""How native code does a node: the lowering of its primitive, or a call back into NumPy."""

from __future__ import annotations

from math import prod

from ...ir import Graph, Node, Value
from ...primitive import (
    Contraction,
    Cut,
    Expand,
    IndexMap,
    Lowering,
    Scalar,
    Stored,
    Uninitialised,
    Windowed,
)
from ...primitives.image_convolution import conv_image_gradient
from ...primitives.regions import block, cond, for_loop, while_loop
from ...primitives.selection import Mask
from .layout import selects
from .scalars import rule_of

REGIONS = (for_loop, while_loop, cond, block)
MOST_PHASES = 16  # of strides: the gradient by an image has code for each, 0.1 s of compiling
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
        return rule_of(node.primitive, node.operands[0].dtype) is not None
    if isinstance(lower, Contraction):
        return bool(node.out.type.is_float)
    if isinstance(lower, IndexMap | Stored):
        has_mask = any(isinstance(item, Mask) for item in node.attrs.get("index", ()))
        return not has_mask and not (selects(node) and is_record(node.operands[0]))
    if isinstance(lower, Expand):  # it was no help
        return False
    if isinstance(lower, Uninitialised):
        return not node.attrs["grows"] or is_record(node.out)
    if isinstance(lower, Cut):
        return is_record(node.operands[0]) and is_record(node.out)
    if isinstance(lower, Windowed):
        return _slides(node)
    return True


def _slides(node: Node) -> bool:
    """Whether windows slide in native code: over something, and with code of bounded length."""
    if any(0 in one.shape for one in node.operands) and 0 not in node.out.shape:
        return False
    if node.primitive is conv_image_gradient:
        return prod(node.attrs["stride"]) <= MOST_PHASES
    return "window" not in node.attrs or node.attrs["window"][-1] <= MOST_TAPS


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


def is_record(value: Value) -> bool:
    """Whether the length of an array is known at run time only: what a loop saves."""
    return not value.type.is_static


def same_records(node: Node) -> list[tuple[Value, Value]]:
    """Return the results that lie where an operand lies: a record after a store, or a loop."""
    first = 3 if node.primitive is for_loop else 0
    is_loop = node.primitive in (for_loop, while_loop)
    operands = node.operands[first:] if is_loop else () if node.regions else node.operands[:1]
    pairs = zip(node.outs, operands, strict=False)
    return [(out, one) for out, one in pairs if is_record(out) and is_record(one)]
