"""What is computed together: the steps of a program, and which values lie in memory.

A value is *tiny* (each of its elements is a register), *stored* (it has memory), a *view* of what
is stored, or *lazy*: computed wherever one of its elements is read. A ``Nest`` is a set of loops
over one space, which computes values that are stored, and folds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...ir import Graph, Node, Value
from ...primitive import (
    Correlation,
    Cumulative,
    Generated,
    IndexMap,
    Joined,
    Reduction,
    Rows,
    Scalar,
    Stored,
    Uninitialised,
    Windowed,
    Winner,
)
from ...primitives.elementwise import copy
from .gathers import with_places
from .layout import (
    Strides,
    is_choice,
    is_row_major,
    is_wide,
    regrouped,
    row_major,
    rows_first,
    selects,
    view_strides,
)
from .lowering import is_called, is_record, same_records
from .overwriting import hinders, in_order, write_over
from .steps import Nest, Step, Tiny, is_tiny
from .stores import add_store
from .wide_stores import is_parted, store_in_array, store_of, waits

LARGEST_NEST = 160  # operations in one nest (with 48 Black-Scholes takes 1.2 times as long)
DEAR = 4  # what a function counts for, beside additions
LIGHT = 4  # so many operations are done in loops that are neither vectorised nor divided
HEAVIEST = 24  # so many operations are done anew for each reader


class Plan:
    """The steps of a graph.

    Attributes:
        prelude: Tiny values that come before all steps.
        steps: In order.
        stored: The values that have memory, with the step that fills it.
        tiny: The values that are in registers.
        layouts: The strides of values that are stored, or views of what is stored.
        roots: Of these views, what they show.
        shared: The value in whose memory a store, or a nest, puts its result.
        positions: The place of each node in the graph.
        owned: Params whose memory may be stored to.
        placed: Of views whose address is computed, the first step that can use it.
        checked: Places along an axis of some size as they are used: see ``gathers``.
    """

    def __init__(self, graph: Graph, owned: frozenset[Value] = frozenset()) -> None:
        self.graph, self.owned = graph, owned
        self.producers = graph.producers()
        self.users = graph.users()
        self.prelude: list[Tiny] = []
        self.steps: list[Step] = []
        self.stored: dict[Value, int] = {}
        self.tiny: dict[Value, int] = {}
        self.layouts: dict[Value, Strides] = {}
        self.roots: dict[Value, Value] = {}
        self.shared: dict[Value, Value] = {}
        self.weights: dict[Value, int] = {}
        self.placed: dict[Value, int] = {}
        self.checked: dict[tuple[Value, int], Value] = {}
        self.positions = {node: i for i, node in enumerate(graph.nodes)}
        for param in graph.params:
            self.place(param, -1)
        for node in graph.nodes:
            self.add(node)
        for output in in_order(self):
            self.materialise(output)
        self._drop_unread()
        write_over(self)

    def home(self, value: Value) -> Value:
        """Return the value whose memory this one lies in."""
        root = self.roots.get(value, value)
        return self.shared.get(root, root)

    def is_backed(self, value: Value) -> bool:
        """Whether a value is in memory, as it is or as a view."""
        return value in self.layouts

    def place(self, value: Value, step: int) -> None:
        """Say which step computes a value, to memory or registers."""
        if is_tiny(value):
            self.tiny[value] = step
            return
        self.stored[value] = step
        self.layouts[value] = rows_first(value.shape)
        self.roots[value] = value

    def add(self, node: Node) -> None:
        """Add a node behind those that it reads."""
        if is_called(node) or is_record(node.outs[0]):
            self._add_whole(node)
            return
        lower, value = node.primitive.lower, node.outs[0]
        if node.primitive.name == "constant":
            self.place(value, -1)
        elif isinstance(lower, Stored) and is_wide(node):
            store_in_array(self, node) if waits(self, node) else self._add_lazy(node)
        elif isinstance(lower, Stored) and (selects(node) or not is_tiny(value)):
            add_store(self, with_places(self, node))
        elif isinstance(lower, IndexMap) and selects(node):
            self._add_lazy(with_places(self, node))
        elif isinstance(lower, Rows):
            self._add_rows(node)
        elif isinstance(lower, IndexMap) and len(node.operands) > 1:
            self._add_selection(node)
        elif isinstance(lower, IndexMap) and self.is_backed(node.operands[0]):
            self.add_view(node, view_strides(node, self.layouts[node.operands[0]]))
        elif isinstance(lower, Scalar | IndexMap | Generated):
            self._add_lazy(node)
        elif isinstance(lower, Reduction):
            self._add_fold(node)
        elif isinstance(lower, Joined | Stored | Uninitialised) and is_tiny(value):
            self._add_tiny(node)
        elif isinstance(lower, Joined) and is_choice(node):
            self._add_lazy(node)
        else:
            self._add_whole(node)

    def _add_lazy(self, node: Node) -> None:
        """Leave a value lazy as long as it is light enough to be computed at each read."""
        if is_tiny(node.out):
            self._add_tiny(node)
            return
        weight = 1 if self._is_cheap(node) else DEAR
        if node.primitive is copy:  # of what is stored to next
            weight = HEAVIEST + 1
        weight += sum(self.weights.get(operand, 0) for operand in dict.fromkeys(node.operands))
        self.weights[node.out] = weight
        several = len(self.users.get(node.out, ())) > 1 and not is_parted(self, node.out)
        if several and weight <= HEAVIEST and store_of(self, node.out):
            return
        if weight > HEAVIEST or (several and weight >= DEAR):
            self.materialise(node.out)
            self.weights[node.out] = 0

    def is_light(self, value: Value) -> bool:
        """Whether a value may be computed in a loop that is neither vectorised nor divided."""
        return self.weights.get(value, 0) <= LIGHT

    def _is_cheap(self, node: Node) -> bool:
        if isinstance(node.primitive.lower, IndexMap):
            return not selects(node)
        return node.primitive.cheap or isinstance(node.primitive.lower, Generated | Stored | Joined)

    def add_view(self, node: Node, strides: Strides) -> None:
        """Add a view of what is stored: an address, and no step."""
        if is_tiny(node.out):
            self._add_tiny(node)
            return
        self.layouts[node.out] = strides
        self.roots[node.out] = self.roots[node.operands[0]]
        self.placed[node.out] = self.placed.get(node.operands[0], 0)

    def _add_selection(self, node: Node) -> None:
        """Add a view whose place is computed: there is one where what it shows is in memory."""
        for operand in node.operands:
            self.materialise(operand)
        if is_tiny(node.out):
            self._add_tiny(node)
            return
        if node.operands[0] in self.tiny:  # an array without elements
            self._add_lazy(node)
            return
        self.add_view(node, view_strides(node, self.layouts[node.operands[0]]))
        self.placed[node.out] = len(self.steps)

    def _add_rows(self, node: Node) -> None:
        operand = node.operands[0]
        if is_tiny(node.out) or operand in self.tiny:  # if folded from nothing, of any size
            self._add_tiny(node)
            return
        if not self.is_backed(operand):
            self.materialise(operand)
        strides = regrouped(operand.shape, self.layouts[operand], node.out.shape)
        if strides is None:  # its elements are copied first
            node = replace(node, operands=(self.copied(operand),))
            self.producers[node.out] = node
            strides = row_major(node.out.shape)
        self.add_view(node, strides)

    def _add_tiny(self, node: Node) -> None:
        for operand in node.operands:
            if isinstance(node.primitive.lower, Rows) and not is_tiny(operand):
                self.materialise(operand)
        if self._is_early(node):
            self.tiny[node.outs[0]] = -1
            self.prelude.append(Tiny(node))
            return
        self.tiny[node.outs[0]] = len(self.steps)
        self.steps.append(Tiny(node))

    def _is_early(self, node: Node) -> bool:
        """Whether a tiny value can be computed before all steps: it then divides no nest."""
        is_plain = isinstance(
            node.primitive.lower, Scalar | Generated | IndexMap | Reduction | Rows
        )
        has_numbers = isinstance(node.primitive.lower, IndexMap) and len(node.operands) > 1
        is_ready = all(self.tiny.get(operand) == -1 for operand in node.operands)
        return is_plain and not has_numbers and is_ready

    def _add_fold(self, node: Node) -> None:
        operand = node.operands[0]
        if is_tiny(operand):
            self._add_tiny(node)
            return
        nest = self._nest(operand, operand.shape, node.attrs["axes"])
        nest.folds.append(node)
        nest.cost += self._cost(operand)
        place = self.steps.index(nest)
        for out in node.outs:
            self.stored[out] = place
            self.layouts[out] = row_major(out.shape)
            self.roots[out] = out

    def _add_whole(self, node: Node) -> None:
        reads_once = isinstance(node.primitive.lower, Cumulative)
        for operand in node.operands:
            if not (reads_once and self.is_light(operand)):
                self.materialise(operand)
        takes_dense = isinstance(node.primitive.lower, Correlation | Windowed | Winner)
        if node.regions or is_called(node) or takes_dense:  # which take arrays without gaps
            operands = tuple(self._dense(operand) for operand in node.operands)
            node = replace(node, operands=operands)
            self.producers.update(dict.fromkeys(node.outs, node))
        self.steps.append(node)
        for out in node.outs:
            self.place(out, len(self.steps) - 1)
        for out, record in same_records(node):
            self.roots[out] = self.roots[record]

    # Values in memory

    def materialise(self, value: Value) -> None:
        """See that a value is in memory or in registers."""
        if value in self.tiny or self.is_backed(value):
            return
        self._join(value)

    def _join(self, value: Value) -> None:
        nest = self._nest(value, value.shape)
        nest.values.append(value)
        nest.cost += self._cost(value)
        self.stored[value] = self.steps.index(nest)
        self.layouts[value] = row_major(value.shape)
        self.roots[value] = value

    def _dense(self, value: Value) -> Value:
        """Return a value without gaps in memory: itself, or a copy."""
        strides = self.layouts.get(value)
        if strides is None or is_record(value) or is_row_major(value.shape, strides):
            return value
        return self.copied(value)

    def copied(self, value: Value) -> Value:
        """Return a copy of a view, in memory of its own."""
        made = Value(value.type, value.name)
        self.producers[made] = Node(copy, (value,), {}, (made,))
        self._join(made)
        return made

    def _nest(
        self, value: Value, shape: tuple[Any, ...], axes: tuple[int, ...] | None = None
    ) -> Nest:
        """Return the nest in which a value is computed: an old one if it can be, else a new one.

        Args:
            value: The value.
            shape: The space.
            axes: Over which it is folded; all folds of a nest go over the same axes.
        """
        ready = self._ready(value, shape)
        for place in range(len(self.steps) - 1, max(ready, 0) - 1, -1):
            nest = self.steps[place]
            if not isinstance(nest, Nest) or nest.shape != shape or nest.cost >= LARGEST_NEST:
                continue
            if hinders(self, nest, value):
                break
            if axes is None or all(fold.attrs["axes"] == axes for fold in nest.folds):
                return nest
        nest = Nest(shape)
        self.steps.append(nest)
        return nest

    def _ready(self, value: Value, shape: tuple[Any, ...]) -> int:
        """Return the first step in which a value can be computed at each point of a space."""
        found = -1
        seen = set()
        todo = [(value, True)]  # and whether it is read where it is computed
        while todo:
            one, same = todo.pop()
            if (one, same) in seen:
                continue
            seen.add((one, same))
            if one in self.tiny:
                found = max(found, self.tiny[one] + 1)
            elif one in self.layouts:
                root = self.roots[one]
                place = self.stored[root]
                step = self.steps[place] if place >= 0 else None
                pointwise = (
                    same
                    and one is root
                    and isinstance(step, Nest)
                    and step.shape == shape
                    and one in step.values
                )
                found = max(found, place if pointwise else place + 1, self.placed.get(one, 0))
            else:
                node = self.producers[one]
                here = same and isinstance(node.primitive.lower, Scalar)
                todo += [(operand, here) for operand in node.operands]
        return found

    def _cost(self, value: Value) -> int:
        """Return how many operations compute an element of a value."""
        total, todo, seen = 0, [value], set()
        while todo:
            one = todo.pop()
            if one in seen or one in self.tiny or (one in self.layouts and one is not value):
                continue
            seen.add(one)
            node = self.producers.get(one)
            if node is None:
                continue
            total += 1 if self._is_cheap(node) else DEAR
            todo += node.operands
        return total

    def leaves(self, place: int) -> list[Value]:
        """Return the values in memory or registers that a step reads, each once."""
        step = self.steps[place]
        if isinstance(step, Nest):
            todo = [*step.values, *(node.operands[0] for node in step.folds)]
            inside = set(step.values)
        elif isinstance(step, Tiny):
            todo, inside = list(step.node.operands), set()
        else:
            todo, inside = list(step.operands), set()
        found: dict[Value, None] = {}
        seen = set()
        while todo:
            one = todo.pop(0)
            if one in seen:
                continue
            seen.add(one)
            if one in inside:
                todo += self.producers[one].operands
            elif self.is_there(one, place):
                found[one] = None
            else:
                todo += self.producers[one].operands
        return list(found)

    def leaves_of(self, node: Node) -> list[Value]:
        """Return the values in memory or registers that a node of its own reads, each once."""
        out = node.outs[0]
        return self.leaves(self.tiny[out] if out in self.tiny else self.stored[out])

    def is_there(self, value: Value, place: int) -> bool:
        """Whether a value is in memory or registers when a step begins."""
        if value in self.tiny:
            return self.tiny[value] < place
        if value not in self.layouts or self.placed.get(value, 0) > place:
            return False
        return self.stored[self.roots[value]] < place

    def _drop_unread(self) -> None:
        """Take the memory from values that only their own nest reads."""
        read = {self.roots.get(output) for output in self.graph.outputs}
        for place in range(len(self.steps)):
            read.update(self.roots.get(leaf) for leaf in self.leaves(place))
        for step in self.steps:
            if isinstance(step, Nest):
                for value in [one for one in step.values if one not in read]:
                    step.values.remove(value)
                    del self.stored[value], self.layouts[value], self.roots[value]
