"""The steps of a graph as code, in order, and the memory between them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import llvmlite.ir as ir
import numpy as np

from ...ir import Graph, Node, Value
from ...primitive import Contraction, IndexMap, Joined, Stored, Uninitialised, Windowed
from .calling import emit_call
from .convolutions import Sliding, emit_sliding, emit_windowed
from .emission import Emission
from .gemm import workspace_bytes
from .gemm.emission import pointer_to
from .layout import dot, first_number, gathered_sizes, mapped, row_major
from .lowering import is_called, lowering
from .nests import NestEmitter, loop
from .places import Buffer, Reader, Registers, indices
from .plan import Nest, Plan, Tiny, is_tiny, size_of
from .products import batch_of, emit_product
from .regions import emit_region, is_branch, owned_regions
from .scalars import I8, I64, PTR, Lane, memory_type
from .stores import emit_join, emit_store
from .tiny import emit_tiny
from .workspace import assign


class Section:
    """A graph whose code stands in a function: the program itself, or the body of a loop.

    Attributes:
        graph: The graph.
        plan: Its steps.
        is_program: Whether it is no body: all of its outputs go to memory.
        inner: The bodies of its loops and branches.
        workspace_bytes: How much memory it needs beside its results.
    """

    def __init__(
        self,
        emission: Emission,
        graph: Graph,
        owned: frozenset[Value] = frozenset(),
        is_program: bool = False,
    ) -> None:
        self.emission, self.graph, self.is_program = emission, graph, is_program
        self.builder, self.scalars = emission.builder, emission.scalars
        self.plan = Plan(graph, owned)
        self.places: dict[Value, Registers | Buffer] = {}
        self.reader = Reader(self.scalars, self.places, self.plan.producers, self.number)
        self.inner = {
            step: [Section(emission, region, one) for region, one in owned_regions(step)]
            for step in self.plan.steps
            if isinstance(step, Node) and step.regions
        }
        self._spilled: dict[Value, ir.Value] = {}
        self._checked: dict[tuple[Node, int], Lane] = {}
        self._sliding: dict[Node, Sliding | None] = {}
        self._base = 0
        self._results: Sequence[ir.Value | None] = ()
        self.workspace_bytes = self._plan_memory()

    def number(self, node: Node, place: int) -> Lane:
        """Return an operand that says where in an array to look, counted from the front.

        The program ends with an IndexError where it lies outside.
        """
        key = node, place
        if key not in self._checked:
            size = gathered_sizes(node)[place]
            lane = self.reader.read(node.operands[first_number(node) + place], ())
            zero, extent = (self.scalars.number(one, lane.dtype) for one in (0, size))
            at = self.scalars.where(self.scalars.less(lane, zero), lane + extent, lane)
            inside = self.builder.icmp_unsigned("<", at.value, extent.value)
            where = f": {node.origin}" if node.origin else ""
            self.emission.require(inside, f"an index is out of bounds for size {size}{where}")
            self._checked[key] = at
        return self._checked[key]

    # Memory

    def home(self, value: Value) -> Value:
        """Return the value whose memory this one lies in."""
        root = self.plan.roots.get(value, value)
        return self.plan.shared.get(root, root)

    def is_in_place(self, output: int, param: int) -> bool:
        """Whether an output ends up in the memory of a param."""
        value = self.graph.outputs[output]
        return self.plan.roots.get(value) is value and self.home(value) is self.graph.params[param]

    def _plan_memory(self) -> int:
        """Give every stored value an address: that of a result, or in the workspace."""
        plan, home, end = self.plan, self.home, len(self.plan.steps)
        last: dict[Any, int] = {}
        for place in range(end):
            for leaf in plan.leaves(place):
                last[home(leaf)] = place
        self._direct: dict[Value, int] = {}
        for i, output in enumerate(self.graph.outputs):
            if output not in plan.roots:
                continue
            last[home(output)] = end
            is_own = plan.roots[output] is output and plan.stored[home(output)] >= 0
            if is_own and (self.is_program or not is_tiny(output)):
                self._direct.setdefault(home(output), i)
        looped = {out for node in self.inner if not is_branch(node) for out in node.outs}
        blocks: list[tuple[Any, tuple[int, int, int]]] = []
        for value, place in plan.stored.items():
            if place < 0 or value in plan.shared:
                continue
            size, until = size_of(value), max(place, last.get(value, place))
            if value in looped:  # two, which take turns
                blocks += [((value, k), (size, place, until)) for k in range(2)]
            elif value not in self._direct:
                blocks.append((value, (size, place, until)))
        for place, step in enumerate(plan.steps):
            if step in self.inner:
                sizes = [one.workspace_bytes for one in self.inner[step]]
                blocks += [((step, k), (size, place, place)) for k, size in enumerate(sizes)]
            elif isinstance(step, Node) and isinstance(lowering(step), Contraction):
                if 0 not in step.out.shape:
                    size = workspace_bytes(
                        batch_of(step, plan.layouts).product, self.emission.target
                    )
                    blocks.append((step, (size, place, place)))
            elif isinstance(step, Node) and isinstance(lowering(step), Windowed):
                sliding = self._sliding[step] = emit_sliding(self.emission, step)
                blocks.append((step, (sliding.workspace_bytes if sliding else 0, place, place)))
        offsets, size = assign(one for _, one in blocks)
        self._offsets = {key: offset for (key, _), offset in zip(blocks, offsets, strict=True)}
        return size

    def address(self, value: Value) -> ir.Value:
        """Return where a value that a step computes lies."""
        value = self.home(value)
        place = self.places.get(value)
        if isinstance(place, Buffer):  # what is stored to: a param, or an array of a loop
            return place.pointer
        if value in self._direct:
            result = self._results[self._direct[value]]
            assert result is not None
            return result
        return self.in_workspace(value)

    def offset(self, key: Any) -> int:
        """Return where in the workspace a block of memory lies."""
        return self._base + self._offsets[key]

    def in_workspace(self, key: Any) -> ir.Value:
        """Return the address of a block of memory."""
        if key not in self._offsets:
            return ir.Constant(PTR, None)
        return self.emission.in_workspace(self.offset(key))

    # Code

    def emit(
        self,
        params: Sequence[ir.Value | Registers | Buffer],
        results: Sequence[ir.Value | None],
        base: int = 0,
    ) -> list[Registers | Buffer]:
        """Append the code.

        Args:
            params: Where they are; of an address, tiny ones are read into registers.
            results: Where to write the outputs; None for those that stay in registers.
            base: Where in the workspace its own part begins.

        Returns:
            Where the outputs are: those in place of a param stay there.
        """
        self._base, self._results = base, results
        for param, place in zip(self.graph.params, params, strict=True):
            if isinstance(place, Registers | Buffer):
                self.places[param] = place
            else:
                self.place_at(param, place)
        for node in self.graph.nodes:
            if node.primitive.name == "constant":
                self._constant(node)
        for place, step in enumerate(self.plan.steps):
            if isinstance(step, Tiny):
                emit_tiny(self, step.node)
            elif isinstance(step, Nest):
                self._nest(step, self.plan.leaves(place))
            else:
                self._whole(step)
        return [self._given(i) for i in range(len(results))]

    def _whole(self, node: Node) -> None:
        lower = node.primitive.lower
        if node in self.inner:
            emit_region(self, node)
        elif is_called(node):
            emit_call(self, node)
        elif isinstance(lower, Stored):
            emit_store(self, node)
        elif isinstance(lower, Joined):
            emit_join(self, node)
        elif isinstance(lower, Windowed):
            emit_windowed(self, node, self._sliding[node])
        elif isinstance(lower, Uninitialised):
            self.places[node.out] = Buffer(self.address(node.out), row_major(node.out.shape))
        else:
            emit_product(self, node)

    def place_at(self, value: Value, pointer: ir.Value) -> None:
        """Say that a value lies at an address; a tiny one is read into registers."""
        if is_tiny(value) and value in self.plan.tiny:
            lanes = [
                self.scalars.load(self.scalars.element(pointer, value.dtype, i), value.dtype)
                for i in range(prod(value.shape))
            ]
            self.places[value] = Registers(value.shape, tuple(lanes))
            self._spilled[value] = pointer
            return
        self.places[value] = Buffer(pointer, row_major(value.shape))

    def _constant(self, node: Node) -> None:
        array = node.attrs["value"].array
        if is_tiny(node.out):
            lanes = [self.scalars.number(one, array.dtype) for one in array.ravel()]
            self.places[node.out] = Registers(array.shape, tuple(lanes))
            return
        raw = np.ascontiguousarray(array).tobytes()
        kind = ir.ArrayType(I8, len(raw))
        data = ir.GlobalVariable(self.emission.module, kind, self.emission.name("constant"))
        data.global_constant, data.linkage, data.align = True, "internal", 64
        data.initializer = ir.Constant(kind, bytearray(raw))
        self.places[node.out] = Buffer(
            self.builder.gep(data, [I64(0)], source_etype=I8), row_major(array.shape)
        )

    def backed(self, value: Value) -> Buffer | Registers | None:
        """Return where a value is; a view of what is in memory is found at its address."""
        place = self.places.get(value)
        root = self.plan.roots.get(value)
        if place is not None or root is None or root is value or self.backed(root) is None:
            return place
        node = self.plan.producers[value]
        base = self.backed(node.operands[0])
        assert isinstance(base, Buffer)
        pointer = base.pointer
        if isinstance(node.primitive.lower, IndexMap):
            first = mapped(node, [0] * value.ndim, self.reader.numbers(node))
            pointer = self.scalars.element(pointer, value.dtype, dot(first, base.strides))
        self.places[value] = Buffer(pointer, self.plan.layouts[value])
        return self.places[value]

    def spill(self, value: Value) -> ir.Value:
        """Return an address at which the elements of a tiny value can be read."""
        pointer = self._spilled.get(value)
        if pointer is None:
            place = self.places[value]
            assert isinstance(place, Registers)
            pointer = self.room(value)
            for i, lane in enumerate(place.lanes):
                self.scalars.store(lane, self.scalars.element(pointer, value.dtype, i))
            self._spilled[value] = pointer
        return pointer

    def _nest(self, nest: Nest, leaves: Sequence[Value]) -> None:
        registers = set()
        given = []
        for leaf in leaves:
            place = self.backed(leaf)
            if isinstance(place, Registers) and len(place.lanes) == 1:
                registers.add(leaf)
                given.append(place.lanes[0].value)
            elif isinstance(place, Registers):
                given.append(self.spill(leaf))
            else:
                assert place is not None
                given.append(place.pointer)
        name = self.emission.name("nest")
        emitter = NestEmitter(
            self.plan,
            nest,
            self.emission.module,
            name,
            self.emission.target,
            leaves,
            frozenset(registers),
        )
        function = emitter.emit()
        for value in emitter.written:
            pointer = self.address(value)
            self.places[value] = Buffer(pointer, row_major(value.shape))
            given.append(pointer)
        self.builder.call(function, given)

    def write(self, lane: Lane, pointer: ir.Value, adds: bool) -> None:
        """Write a number, or add it to what is there."""
        if adds:
            lane = self.scalars.add(self.scalars.load(pointer, lane.dtype), lane)
        self.scalars.store(lane, pointer)

    def copy(
        self, value: Value, pointer: ir.Value, strides: Sequence[int], adds: bool = False
    ) -> None:
        """Write a value to memory with these strides, or add it to what is there."""
        place = self.places.get(value)
        if isinstance(place, Registers):
            for index, lane in zip(indices(value.shape), place.lanes, strict=True):
                target = self.scalars.element(pointer, value.dtype, dot(index, tuple(strides)))
                self.write(lane, target, adds)
            return
        if 0 in value.shape:
            return
        assert place is not None

        def body(axis: int, index: list[Any]) -> None:
            if axis == value.ndim:
                lane = self.reader.load(value, place, index)
                target = self.scalars.element(pointer, value.dtype, dot(index, tuple(strides)))
                self.write(lane, target, adds)
                return
            with loop(self.builder, value.shape[axis]) as i:
                body(axis + 1, [*index, self.reader.index_lane(i)])

        body(0, [])

    def _given(self, i: int) -> Registers | Buffer:
        """See that an output is where it is wanted, and return where it is."""
        output, pointer = self.graph.outputs[i], self._results[i]
        place = self.backed(output)
        assert place is not None
        if pointer is None and (isinstance(place, Registers) or not is_tiny(output)):
            return place
        if isinstance(place, Buffer) and place.pointer is pointer:
            return place
        if pointer is None:
            assert isinstance(place, Buffer)
            lanes = [self.reader.load(output, place, index) for index in indices(output.shape)]
            return Registers(output.shape, tuple(lanes))
        self.copy(output, pointer, row_major(output.shape))
        return Buffer(pointer, row_major(output.shape))

    def room(self, value: Value) -> ir.Value:
        """Make room on the stack for a tiny value."""
        kind = ir.ArrayType(memory_type(value.dtype), max(1, prod(value.shape)))
        with self.builder.goto_entry_block():
            room = self.builder.alloca(kind)
            room.align = 16
            return pointer_to(self.builder, room)
