"""A graph as one native function."""

from __future__ import annotations

from collections.abc import Collection

import llvmlite.ir as ir

from ...ir import Graph, Node, Value
from .clock import Clock
from .contents import Contents, contents
from .costs import SPELL, of_graph
from .emission import Emission
from .inventory import Item, inventory
from .section import Section
from .target import Target


class Program:
    """Emits a graph as ``i32 name(ptr of each param, ptr of each output, ptr workspace)``.

    Attributes:
        function: The function; it returns 0, or 1 where an exception is set.
        workspace_bytes: How much memory it needs.
        section: Its steps.
        products: The module of the products that it calls.
        calls: What it calls of Python, under these names of objects.
        may_fail: Whether it may end with an exception, after part of its results was written.
        times: The symbol of the times that its clock notes, if it has one.

    Args:
        graph: The graph.
        module: Where to.
        name: The function's.
        target: The machine.
        workers: How many threads have workspaces of their own.
        clock: Which of C's clocks its items are timed by: see ``Clock``.
    """

    def __init__(
        self,
        graph: Graph,
        module: ir.Module,
        name: str,
        target: Target,
        workers: int,
        clock: int | None = None,
    ) -> None:
        count, self.times = len(graph.params), f"{name}.times"
        emission = Emission.start(module, name, count + len(graph.outputs), target, workers)
        self.function = emission.function
        self.section = Section(emission, graph, is_program=True)
        self.workspace_bytes = self.section.workspace_bytes
        if clock is not None:
            starts = [item.start for item in self.items()]
            emission.clock = Clock(module, self.times, clock, starts)
        emission.pauses = self._pauses()
        pointers = self.function.args[:-1]
        self.section.emit(pointers[:count], pointers[count:])
        emission.finish()
        self.calls: dict[str, Node] = emission.calls
        self.may_fail = emission.may_fail
        self.products = emission.products

    def items(self, early: Collection[Value] | None = None) -> list[Item]:
        """Return what it does, in order; see ``inventory``."""
        return inventory(self.section, early)

    def _pauses(self) -> set[int]:
        """Return before which steps it looks at signals: every few milliseconds of a long one."""
        found: set[int] = set()
        if of_graph(self.section.graph) < SPELL:
            return found
        passed = 0.0
        for item in self.items():
            if passed >= SPELL:
                found.add(item.start)
                passed = 0.0
            passed += SPELL if item.nanoseconds is None else item.nanoseconds
        return found

    def contents(self) -> Contents:
        """Return what is in its memory; see ``Contents``."""
        return contents(self.section)
