"""A graph as one native function."""

from __future__ import annotations

import llvmlite.ir as ir

from ...ir import Graph, Node
from .emission import STATUS, Emission
from .section import Section
from .target import Target


class Program:
    """Emits a graph as ``i32 name(ptr of each param, ptr of each output, ptr workspace)``.

    Attributes:
        function: The function; it returns 0, or 1 where an exception is set.
        workspace_bytes: How much memory it needs.
        section: Its steps.
        calls: What it calls of Python, under these names of objects.
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
        self.calls: dict[str, Node] = emission.calls
