"""A graph as one native function."""

from __future__ import annotations

import llvmlite.ir as ir

from ...ir import Graph, Node
from ...primitive import (
    Contraction,
    Generated,
    IndexMap,
    Joined,
    Reduction,
    Rows,
    Scalar,
    Stored,
    Uninitialised,
)
from ...primitives.regions import block, cond, for_loop, while_loop
from ...primitives.selection import Mask
from .emission import STATUS, Emission
from .layout import first_number
from .math import names
from .scalars import rule_of
from .section import Section
from .target import Target


def without_lowering(graph: Graph) -> list[Node]:
    """Return the nodes that native code cannot do, in bodies too."""
    producers = graph.producers()
    found = []
    for node in graph.nodes:
        if node.primitive in (for_loop, while_loop, cond, block):
            found += [one for region in node.regions for one in without_lowering(region)]
            made = producers.get(node.operands[2]) if node.primitive is for_loop else None
            step = made.attrs["value"].array if made and made.primitive.name == "constant" else 0
            if node.primitive is for_loop and not step:
                found.append(node)
        elif not _is_lowered(node):
            found.append(node)
    return found


def _is_lowered(node: Node) -> bool:
    lower = node.primitive.lower
    if any(not one.type.is_static for one in (*node.operands, *node.outs)):
        return False
    if isinstance(lower, Scalar):
        is_function = isinstance(lower.rule, str) and lower.rule in names()
        return rule_of(node.primitive) is not None and (not is_function or node.out.type.is_float)
    if isinstance(lower, Contraction):
        return node.out.type.is_float
    if isinstance(lower, IndexMap | Stored):
        numbers = node.operands[first_number(node) :]
        has_mask = any(isinstance(item, Mask) for item in node.attrs.get("index", ()))
        return not has_mask and not any(one.ndim for one in numbers)
    if isinstance(lower, Uninitialised):
        return not node.attrs["grows"]
    return node.primitive.name == "constant" or isinstance(
        lower, Generated | Reduction | Rows | Joined
    )


class Program:
    """Emits a graph as ``i32 name(ptr of each param, ptr of each output, ptr workspace)``.

    Attributes:
        function: The function; it returns 0, or 1 where an exception is set.
        workspace_bytes: How much memory it needs.
        section: Its steps.
    """

    def __init__(self, graph: Graph, module: ir.Module, name: str, target: Target) -> None:
        count = len(graph.params)
        emission = Emission.start(module, name, count + len(graph.outputs), target)
        self.function = emission.function
        self.section = Section(emission, graph, is_program=True)
        self.workspace_bytes = self.section.workspace_bytes
        pointers = self.function.args[:-1]
        self.section.emit(pointers[:count], pointers[count:])
        emission.builder.ret(STATUS(0))
