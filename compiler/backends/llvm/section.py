"""The steps of a graph as code, in order, and the memory between them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import llvmlite.ir as ir
import numpy as np

from ...ir import Graph, Node, Value
from ...primitive import Contraction, IndexMap, Windowed
from .chunks import Chunks, chunks_of
from .convolutions import Sliding, emit_sliding
from .convolutions import division_of as division_of_images
from .copies import emit_copy
from .emission import Emission
from .fusion import Division, Fusion
from .gathers import Checked, counted, emit_check
from .gemm.emission import pointer_to
from .layout import dot, is_row_major, mapped, row_major
from .lowering import is_record, lowering
from .nests import emit_nest
from .places import Buffer, Place, Reader, Record, Registers, indices
from .plan import Plan
from .products import Work, division_of, work_of
from .records import current, free_unread, given_away, lent
from .regions import is_branch, is_room, owned_regions, turns_of
from .scalars import I8, I64, PTR, Lane, memory_type
from .steps import Nest, Step, Tiny, is_tiny, size_of
from .tiny import emit_tiny
from .wholes import emit_whole
from .workspace import assign


class Section:
    """A graph whose code stands in a function: the program itself, or the body of a loop.

    Attributes:
        graph: The graph.
        plan: Its steps.
        is_program: Whether it is no body: all of its outputs go to memory.
        inner: The bodies of its loops and branches.
        work: How products are done.
        sliding: How windows slide; None where there is nothing to do.
        chunks: How nests are divided.
        blocks: What is in the workspace: its bytes, and the first and the last step that use it.
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
        self.work: dict[Node, Work] = {}
        self.sliding: dict[Node, Sliding | None] = {}
        self.chunks: dict[Step, Chunks] = {}
        self.fusion = Fusion(self.plan, self._divisions())
        for place, step in enumerate(self.plan.steps):
            if isinstance(step, Nest) and step not in self.fusion.places:
                chunks = chunks_of(self.plan, step, self.plan.leaves(place))
                if chunks is not None:
                    self.chunks[step] = chunks
        self.records: dict[Value, Record] = {}
        self.freed: set[ir.Value] = set()
        self._spilled: dict[Value, ir.Value] = {}
        self._checked: dict[tuple[Node, int], Lane] = {}
        self._base = 0
        self._results: Sequence[ir.Value | None] = ()
        self.workspace_bytes = self._plan_memory()

    def number(self, node: Node, place: int) -> Lane:
        """Return an operand that says where in an array to look, counted from the front.

        The program ends with an IndexError where it lies outside.
        """
        key = node, place
        if key not in self._checked:
            self._checked[key] = counted(self, node, place)
        return self._checked[key]

    def _divisions(self) -> dict[Step, Division]:
        """Decide how products are done; return of which the results come in parts."""
        found: dict[Step, Division | None] = {}
        for step in self.plan.steps:
            if not isinstance(step, Node):
                continue
            if isinstance(lowering(step), Contraction) and 0 not in step.out.shape:
                work = self.work[step] = work_of(self.emission, step, self.plan.layouts)
                found[step] = division_of(step, work)
            elif isinstance(lowering(step), Windowed):
                sliding = self.sliding[step] = emit_sliding(self.emission, step)
                found[step] = division_of_images(step, sliding)
        return {step: division for step, division in found.items() if division is not None}

    # Memory

    def carried_in(self, output: int) -> Value | None:
        """Return the param in whose memory an output of a loop's body stays, if it is in one."""
        plan, outputs = self.plan, self.graph.outputs
        home = plan.home(outputs[output])
        if plan.roots.get(outputs[output]) is not outputs[output] or home not in plan.owned:
            return None
        # Of several the one that was carried there; else the first. The others are copied.
        both = [i for i, one in enumerate(outputs) if plan.home(one) is home]
        carried = [one for one in self.graph.params if one in plan.owned]
        own = [i for i in both if carried[i] is home]
        return home if output == (own or both)[0] else None

    def _plan_memory(self) -> int:
        """Give every stored value an address: that of a result, or in the workspace."""
        plan, home, end = self.plan, self.plan.home, len(self.plan.steps)
        last: dict[Any, int] = {}
        for place in range(end):
            for leaf in plan.leaves(place):
                last[home(leaf)] = max(last.get(home(leaf), 0), self.fusion.place(place))
        self._direct: dict[Value, int] = {}
        for i, output in enumerate(self.graph.outputs):
            if output not in plan.roots:
                continue
            last[home(output)] = end
            root = plan.roots[output]
            is_own = (
                not is_record(root)
                and plan.stored[home(output)] >= 0
                and size_of(root) == size_of(output)  # which shows all of it, in its order
                and is_row_major(output.shape, plan.layouts[output])
            )
            if is_own and (self.is_program or not is_tiny(output)):
                self._direct.setdefault(home(output), i)
        looped = {out for node in self.inner if not is_branch(node) for out in node.outs}
        blocks: list[tuple[Any, tuple[int, int, int]]] = []
        self.ends: dict[Value, int] = {}  # of records that the graph makes
        for value, place in plan.stored.items():
            if place < 0 or value in plan.shared:
                continue
            place = self.fusion.place(place)
            until = max(place, last.get(value, place))
            if is_record(value):
                self.ends.update({value: until} if plan.roots[value] is value else {})
                continue
            size = 0 if is_room(plan, value) else size_of(value)
            turns = turns_of(self, value) if value in looped else 0
            if turns:  # behind the loop they may lie in each other's memory
                until = max(until, *(last.get(home(one), 0) for one in plan.producers[value].outs))
                blocks += [((value, k), (size, place, until)) for k in range(turns)]
            elif value not in self._direct:
                blocks.append((value, (size, place, until)))
        for place, step in enumerate(plan.steps):
            chunks = self.chunks.get(step)
            if chunks is not None and chunks.partial_bytes:
                size = chunks.count * chunks.partial_bytes
                blocks.append(((step, "partials"), (size, place, place)))
            if step in self.inner:
                sizes = [one.workspace_bytes for one in self.inner[step]]
                blocks += [((step, k), (size, place, place)) for k, size in enumerate(sizes)]
            elif isinstance(step, Node) and (done := self.work.get(step) or self.sliding.get(step)):
                size = done.worker_bytes * min(self.emission.workers, done.chunks)
                blocks.append((step, (size, place, place)))
        offsets, size = assign(one for _, one in blocks)
        self.blocks = blocks
        self._offsets = {key: offset for (key, _), offset in zip(blocks, offsets, strict=True)}
        return size

    def address(self, value: Value) -> ir.Value:
        """Return where a value that a step computes lies."""
        value = self.plan.home(value)
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

    def emit(
        self,
        params: Sequence[ir.Value | Place],
        results: Sequence[ir.Value | None],
        base: int = 0,
    ) -> list[Place]:
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
            if isinstance(place, Record):
                self.records[param] = place
            elif isinstance(place, Registers | Buffer):
                self.places[param] = place
            elif is_record(param):
                self.records[param] = lent(self, place)
            else:
                self.place_at(param, place)
        for node in dict.fromkeys(self.plan.producers.values()):
            if node.primitive.name == "constant":
                self._constant(node)
        for early in self.plan.prelude:
            emit_tiny(self, early.node)
        for place, step in enumerate(self.plan.steps):
            if self.is_program:
                self.emission.begin_step(place)
            if isinstance(step, Tiny):
                emit_tiny(self, step.node)
            elif isinstance(step, Nest):
                if step not in self.fusion.places:  # else it is done
                    emit_nest(self, step, self.plan.leaves(place))
            elif isinstance(step, Checked):
                emit_check(self, step)
            else:
                emit_whole(self, step)
            if self.is_program:
                free_unread(self, place)
        given = [self._given(i) for i in range(len(results))]
        if self.is_program:
            free_unread(self, len(self.plan.steps))
        return given

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
        if value in self.records:
            return current(self, value)
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

    def target(self, value: Value) -> ir.Value:
        """Return where a step of its own writes a value, which ``place_at`` then places."""
        return self.room(value) if is_tiny(value) else self.address(value)

    def pointer(self, value: Value) -> ir.Value:
        """Return an address at which the elements of a value can be read."""
        place = self.backed(value)
        return place.pointer if isinstance(place, Buffer) else self.spill(value)

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

    def operands(self, leaves: Sequence[Value]) -> tuple[list[ir.Value], frozenset[Value]]:
        """Return what a function takes that reads values: addresses, and numbers for single ones.

        Returns:
            These, and the values that are given as numbers.
        """
        registers = set()
        given: list[ir.Value] = []
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
        return given, frozenset(registers)

    def copy(
        self, value: Value, pointer: ir.Value, strides: Sequence[int], adds: bool = False
    ) -> None:
        """Write a value to memory with these strides, or add it to what is there."""
        place = self.places.get(value)
        if isinstance(place, Registers):
            for index, lane in zip(indices(value.shape), place.lanes, strict=True):
                target = self.scalars.element(pointer, value.dtype, dot(index, tuple(strides)))
                self.scalars.write(lane, target, adds)
        elif 0 not in value.shape:
            assert isinstance(place, Buffer)
            emit_copy(self, value, place, pointer, strides, adds)

    def _given(self, i: int) -> Place:
        """See that an output is where it is wanted, and return where it is."""
        output, pointer = self.graph.outputs[i], self._results[i]
        if output in self.records:
            return self.records[output] if pointer is None else given_away(self, output, pointer)
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
