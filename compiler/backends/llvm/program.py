"""A graph as one native function: its steps in order, and the memory between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import prod
from typing import Any

import llvmlite.ir as ir
import numpy as np

from ...ir import Graph, Node, Value
from ...primitive import Contraction, Generated, IndexMap, Joined, Reduction, Rows, Scalar, Stored
from ...primitives.selection import slice_index
from .gemm import emit, workspace_bytes
from .gemm.emission import pointer_to
from .layout import dot, mapped, row_major
from .nests import NestEmitter, loop
from .places import Buffer, Reader, Registers, indices
from .plan import Nest, Plan, Step, Tiny, is_tiny
from .products import Batch, batch_of
from .scalars import I8, I64, PTR, Lane, Scalars, memory_type, rule_of
from .target import Target
from .workspace import assign

STATUS = ir.IntType(32)


def without_lowering(graph: Graph) -> list[Node]:
    """Return the nodes that native code cannot do."""
    return [node for node in graph.nodes if not _is_lowered(node)]


def _is_lowered(node: Node) -> bool:
    lower = node.primitive.lower
    if any(not one.type.is_static for one in (*node.operands, *node.outs)):
        return False
    if isinstance(lower, Scalar):
        return rule_of(node.primitive) is not None
    if isinstance(lower, Contraction):
        return node.out.type.is_float
    if isinstance(lower, Stored):
        return len(node.operands) == 2
    return node.primitive.name == "constant" or isinstance(
        lower, IndexMap | Generated | Reduction | Rows | Joined
    )


class Program:
    """Emits a graph as ``i32 name(ptr of each param, ptr of each output, ptr workspace)``.

    Attributes:
        function: The function.
        workspace_bytes: How much memory it needs.
    """

    def __init__(self, graph: Graph, module: ir.Module, name: str, target: Target) -> None:
        self.graph, self.module, self.target = graph, module, target
        self.plan = Plan(graph)
        kind = ir.FunctionType(STATUS, [PTR] * (len(graph.params) + len(graph.outputs) + 1))
        self.function = ir.Function(module, kind, name)
        self.function.linkage = "internal"
        self.function.attributes.add("nounwind")
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.scalars = Scalars(self.builder, target)
        self.places: dict[Value, Registers | Buffer] = {}
        self.reader = Reader(self.scalars, self.places, self.plan.producers)
        self._numbers = count()
        self._scratch: dict[Step, int] = {}
        self._spilled: dict[Value, ir.Value] = {}
        self._given = self.function.args[: len(graph.params)]
        self._results = self.function.args[len(graph.params) : -1]
        self._name = name
        self._plan_memory()
        self._emit()

    # Memory

    def _plan_memory(self) -> None:
        """Give every stored value an address: that of a result, or in the workspace."""
        plan, last = self.plan, {}

        def home(value: Value) -> Value:
            root = plan.roots.get(value, value)
            return plan.shared.get(root, root)

        for place in range(len(plan.steps)):
            for leaf in plan.leaves(place):
                last[home(leaf)] = place
        end = len(plan.steps)
        direct: dict[Value, ir.Value] = {}
        for output, pointer in zip(self.graph.outputs, self._results, strict=True):
            root = plan.roots.get(output)
            if root is None:
                continue
            last[home(output)] = end
            if root is output and plan.stored[root] >= 0:
                direct.setdefault(home(root), pointer)
        blocks: list[tuple[Any, tuple[int, int, int]]] = []
        for value, place in plan.stored.items():
            if place >= 0 and value not in direct and value not in plan.shared:
                size = prod(value.shape) * value.dtype.itemsize
                blocks.append((value, (size, place, max(place, last.get(value, place)))))
        for place, step in enumerate(plan.steps):
            if not isinstance(step, Node) or 0 in step.out.shape:
                continue
            if isinstance(step.primitive.lower, Contraction):
                size = workspace_bytes(batch_of(step, plan.layouts).product, self.target)
                blocks.append((step, (size, place, place)))
        offsets, self.workspace_bytes = assign(one for _, one in blocks)
        self._direct = direct
        self._offsets = {key: offset for (key, _), offset in zip(blocks, offsets, strict=True)}

    def _address(self, value: Value) -> ir.Value:
        """Return where a value that a step computes lies."""
        value = self.plan.shared.get(value, value)
        if value in self._direct:
            return self._direct[value]
        return self._in_workspace(value)

    def _in_workspace(self, key: Any) -> ir.Value:
        offset = self._offsets.get(key)
        if offset is None:
            return ir.Constant(PTR, None)
        workspace = self.function.args[-1]
        return self.builder.gep(workspace, [I64(offset)], inbounds=True, source_etype=I8)

    # Code

    def _emit(self) -> None:
        for param, pointer in zip(self.graph.params, self._given, strict=True):
            self._place_at(param, pointer)
        for node in self.graph.nodes:
            if node.primitive.name == "constant":
                self._constant(node)
        for place, step in enumerate(self.plan.steps):
            if isinstance(step, Tiny):
                self._tiny(step.node)
            elif isinstance(step, Node) and isinstance(step.primitive.lower, Stored):
                self._store(step)
            elif isinstance(step, Nest):
                self._nest(step, self.plan.leaves(place))
            elif isinstance(step.primitive.lower, Joined):
                self._join(step)
            else:
                self._product(step)
        for output, pointer in zip(self.graph.outputs, self._results, strict=True):
            self._give(output, pointer)
        self.builder.ret(STATUS(0))

    def _place_at(self, value: Value, pointer: ir.Value) -> None:
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
        name = f"{self._name}.constant.{next(self._numbers)}"
        data = ir.GlobalVariable(self.module, kind, name)
        data.global_constant, data.linkage, data.align = True, "internal", 64
        data.initializer = ir.Constant(kind, bytearray(raw))
        self.places[node.out] = Buffer(
            self.builder.gep(data, [I64(0)], source_etype=I8), row_major(array.shape)
        )

    def _tiny(self, node: Node) -> None:
        self._back_all(node)
        value = node.outs[0]
        lower = node.primitive.lower
        if isinstance(lower, Reduction):
            lanes = self._folded(node, lower)
        elif isinstance(lower, Stored):
            lanes = self._with_store(node, lower)
        else:
            lanes = [self.reader._computed(value, index) for index in indices(value.shape)]
        self.places[value] = Registers(value.shape, tuple(lanes))

    def _with_store(self, node: Node, lower: Stored) -> list[Lane]:
        x, value = node.operands[:2]
        lanes = [self.reader.read(x, index) for index in indices(x.shape)]
        for index in indices(value.shape):
            place = dot(slice_index(index, x.type, **node.attrs), row_major(x.shape))
            lane = self.reader.read(value, index)
            lanes[place] = self.scalars.add(lanes[place], lane) if lower.adds else lane
        return lanes

    def _store(self, node: Node) -> None:
        """Copy a value into its part of an array, or add it there."""
        x, value = node.operands[:2]
        lower: Any = node.primitive.lower
        out = Buffer(self._address(node.out), row_major(node.out.shape))
        if node.out not in self.plan.shared:
            self._backed(x)
            self._copy(x, out.pointer, out.strides)
        self.places[node.out] = out
        self._backed(value)
        rank = value.ndim
        first = dot(slice_index([0] * rank, x.type, **node.attrs), out.strides)
        strides = []
        for axis in range(rank):
            unit = [int(axis == other) for other in range(rank)]
            strides.append(dot(slice_index(unit, x.type, **node.attrs), out.strides) - first)
        start = self.scalars.element(out.pointer, value.dtype, first)
        self._copy(value, start, strides, lower.adds)

    def _folded(self, node: Node, lower: Reduction) -> list[Lane]:
        operand, axes, scalars = node.operands[0], node.attrs["axes"], self.scalars
        kept = [axis for axis in range(operand.ndim) if axis not in axes]
        strides = row_major([operand.shape[axis] for axis in kept])
        totals: dict[int, Lane] = {}
        for index in indices(operand.shape):
            place = dot([index[axis] for axis in kept], strides)
            lane = scalars.cast(self.reader.read(operand, index), node.out.dtype)
            combine = getattr(scalars, lower.combine)
            totals[place] = combine(totals[place], lane) if place in totals else lane
        empty = scalars.number(lower.initial or 0, node.out.dtype)
        return [totals.get(i, empty) for i in range(prod(node.out.shape))]

    def _backed(self, value: Value) -> Buffer | Registers | None:
        """Return where a value is; a view of what is in memory is found at its address."""
        place = self.places.get(value)
        root = self.plan.roots.get(value)
        if place is not None or root is None or root is value or self._backed(root) is None:
            return place
        node = self.plan.producers[value]
        base = self._backed(node.operands[0])
        assert isinstance(base, Buffer)
        pointer = base.pointer
        if isinstance(node.primitive.lower, IndexMap):
            first = mapped(node, [0] * value.ndim, self.reader.numbers(node))
            pointer = self.scalars.element(pointer, value.dtype, dot(first, base.strides))
        self.places[value] = Buffer(pointer, self.plan.layouts[value])
        return self.places[value]

    def _back_all(self, node: Node) -> None:
        """Find the addresses of the views that a tiny value is computed from."""
        for operand in node.operands:
            if self._backed(operand) is None:
                self._back_all(self.plan.producers[operand])

    def _spill(self, value: Value) -> ir.Value:
        """Return an address at which the elements of a tiny value can be read."""
        pointer = self._spilled.get(value)
        if pointer is None:
            place = self.places[value]
            assert isinstance(place, Registers)
            pointer = self._room(value)
            for i, lane in enumerate(place.lanes):
                self.scalars.store(lane, self.scalars.element(pointer, value.dtype, i))
            self._spilled[value] = pointer
        return pointer

    def _nest(self, nest: Nest, leaves: Sequence[Value]) -> None:
        registers = set()
        given = []
        for leaf in leaves:
            place = self._backed(leaf)
            if isinstance(place, Registers) and len(place.lanes) == 1:
                registers.add(leaf)
                given.append(place.lanes[0].value)
            elif isinstance(place, Registers):
                given.append(self._spill(leaf))
            else:
                assert place is not None
                given.append(place.pointer)
        name = f"{self._name}.nest.{next(self._numbers)}"
        emitter = NestEmitter(
            self.plan, nest, self.module, name, self.target, leaves, frozenset(registers)
        )
        function = emitter.emit()
        for value in emitter.written:
            pointer = self._address(value)
            self.places[value] = Buffer(pointer, row_major(value.shape))
            given.append(pointer)
        self.builder.call(function, given)

    def _join(self, node: Node) -> None:
        """Copy operands into their parts of the result."""
        axis, offset = node.attrs["axis"], 0
        out = Buffer(self._address(node.out), row_major(node.out.shape))
        self.places[node.out] = out
        lower: Any = node.primitive.lower
        is_new = lower.new
        for operand in node.operands:
            self._backed(operand)
            start = self.scalars.element(out.pointer, operand.dtype, offset * out.strides[axis])
            strides = [one for i, one in enumerate(out.strides) if not (is_new and i == axis)]
            self._copy(operand, start, strides)
            offset += 1 if is_new else operand.shape[axis]

    def _write(self, lane: Lane, pointer: ir.Value, adds: bool) -> None:
        if adds:
            lane = self.scalars.add(self.scalars.load(pointer, lane.dtype), lane)
        self.scalars.store(lane, pointer)

    def _copy(
        self, value: Value, pointer: ir.Value, strides: Sequence[int], adds: bool = False
    ) -> None:
        """Write a value to memory with these strides, or add it to what is there."""
        place = self.places.get(value)
        if isinstance(place, Registers):
            for index, lane in zip(indices(value.shape), place.lanes, strict=True):
                target = self.scalars.element(pointer, value.dtype, dot(index, tuple(strides)))
                self._write(lane, target, adds)
            return
        if 0 in value.shape:
            return
        assert place is not None

        def body(axis: int, index: list[Any]) -> None:
            if axis == value.ndim:
                lane = self.reader.load(value, place, index)
                target = self.scalars.element(pointer, value.dtype, dot(index, tuple(strides)))
                self._write(lane, target, adds)
                return
            with loop(self.builder, value.shape[axis]) as i:
                body(axis + 1, [*index, self.reader.index_lane(i)])

        body(0, [])

    def _give(self, output: Value, pointer: ir.Value) -> None:
        place = self._backed(output)
        if isinstance(place, Buffer) and place.pointer is pointer:
            return
        self._copy(output, pointer, row_major(output.shape))

    # Products

    def _product(self, node: Node) -> None:
        """Call the product of matrices, for each of a batch."""
        out = node.out
        target = self._room(out) if is_tiny(out) else self._address(out)
        if 0 not in out.shape:
            self._multiply(node, batch_of(node, self.plan.layouts), target)
        self._place_at(out, target)

    def _multiply(self, node: Node, batch: Batch, target: ir.Value) -> None:
        product = emit(self.module, batch.product, self.target)
        workspace, dtype = self._in_workspace(node), node.out.dtype
        pointers = []
        for operand in node.operands:
            place = self._backed(operand)
            pointers.append(place.pointer if isinstance(place, Buffer) else self._spill(operand))

        def one(axis: int, index: list[Any]) -> None:
            if axis < len(batch.shape):
                with loop(self.builder, batch.shape[axis]) as i:
                    one(axis + 1, [*index, self.reader.index_lane(i)])
                return
            given = [
                self.scalars.element(pointer, dtype, dot(index, strides))
                for pointer, strides in zip((*pointers, target), batch.strides, strict=True)
            ]
            self.builder.call(product, [*given, workspace, ir.Constant(PTR, None)])

        one(0, [])

    def _room(self, value: Value) -> ir.Value:
        """Return room on the stack for a tiny value."""
        kind = ir.ArrayType(memory_type(value.dtype), max(1, prod(value.shape)))
        with self.builder.goto_entry_block():
            room = self.builder.alloca(kind)
            room.align = 16
            return pointer_to(self.builder, room)
