"""What an entry gives back: fresh arrays, NumPy scalars, arguments, and tuples of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.ir as ir

from .entry_arrays import (
    FEW,
    NEW_ARRAY,
    drop_all_function,
    make_all_function,
    records,
    shape_constant,
    table_of_pointers,
    type_number,
)
from .entry_context import Context
from .entry_layout import (
    ARRAY_DATA,
    BYTE,
    INT,
    NULL,
    NUMBER,
    POINTER,
    SIZE,
    TUPLE_ITEMS,
    address_of,
    load_field,
    python_function,
)
from .entry_signature import Result, Tree


class Results:
    """Emits the objects of one entry.

    All that can fail comes before anything is put into a tuple. What was made is kept in a list;
    ``failed`` is the block that gives it back, in the opposite order, and returns NULL.
    """

    def __init__(self, builder: ir.IRBuilder, context: Context, given: Any) -> None:
        self.builder = builder
        self.context = context
        self._given = given
        self._objects: dict[int, Any] = {}
        self._cells: dict[int, Any] = {}
        self._owned: set[int] = set()
        here = builder.block
        self.failed = builder.append_basic_block("failed")
        builder.position_at_end(self.failed)
        builder.ret(NULL)
        builder.position_at_end(here)

    def make(self, results: Sequence[Result]) -> list[Any]:
        """Emit the making of all results; return where the kernel writes them."""
        many = sum(one.kind == "array" for one in results) > FEW
        places = self._many(results) if many else {}
        for i, result in enumerate(results):
            if result.kind == "argument":
                position = 8 * (result.argument or 0)
                self._objects[i] = load_field(self.builder, self._given, position, POINTER)
            elif i not in places:
                places[i] = self._one(i, result)
        return [places[i] for i in sorted(places)]

    def _one(self, index: int, result: Result) -> Any:
        if result.kind == "scalar" and result.dtype.kind == "b":
            # There is one object for True and one for False: which, is known after the kernel.
            with self.builder.goto_entry_block():
                self._cells[index] = self.builder.alloca(BYTE)
            return self._cells[index]
        made = self._array(result) if result.kind == "array" else self._scalar(result)
        self._objects[index] = self.own(made)
        self._owned.add(index)
        if result.kind == "scalar":
            return address_of(self.builder, made, NUMBER)
        return load_field(self.builder, made, ARRAY_DATA, POINTER)

    def _many(self, results: Sequence[Result]) -> dict[int, Any]:
        """Emit the making of all arrays in a loop."""
        builder, context = self.builder, self.context
        arrays = [i for i, one in enumerate(results) if one.kind == "array"]
        table = records(
            context, "results", [(i, results[i].shape, results[i].dtype, 0) for i in arrays]
        )
        made, data = (table_of_pointers(builder, len(arrays)) for _ in range(2))
        count = SIZE(len(arrays))
        new = context.function(builder, "new array", NEW_ARRAY)
        values = [table, count, context.slot(builder, "ndarray"), new, made, data]
        done = builder.call(make_all_function(context.module), values)
        drop = drop_all_function(context.module)
        self._guard(done, lambda: builder.call(drop, [made, count]))
        for i, result in enumerate(arrays):
            self._objects[result] = load_field(builder, made, 8 * i, POINTER)
            self._owned.add(result)
        return {
            result: load_field(builder, data, 8 * i, POINTER) for i, result in enumerate(arrays)
        }

    def own(self, made: Any) -> Any:
        """Emit the check that ``made`` is there; whatever fails from here on gives it back."""
        drop = python_function(self.context.module, "Py_DecRef")
        exists = self.builder.icmp_unsigned("!=", made, NULL)
        self._guard(exists, lambda: self.builder.call(drop, [made]))
        return made

    def _guard(self, fine: Any, undo: Callable[[], Any]) -> None:
        """Emit the check that something went well; whatever fails from here on undoes it."""
        builder = self.builder
        passed = builder.append_basic_block("made")
        builder.cbranch(fine, passed, self.failed).set_weights([2000, 1])
        previous, self.failed = self.failed, builder.append_basic_block("failed")
        builder.position_at_end(self.failed)
        undo()
        builder.branch(previous)
        builder.position_at_end(passed)

    def arrange(self, tree: Tree) -> Any:
        """Emit the tree of the results, once the kernel has run; return the object."""
        for index, cell in self._cells.items():
            self._objects[index] = self.builder.select(
                self.builder.trunc(self.builder.load(cell, typ=BYTE), ir.IntType(1)),
                self.context.slot(self.builder, "numpy True"),
                self.context.slot(self.builder, "numpy False"),
            )
        return self._fill(tree, self._tuples(tree))

    def _tuples(self, tree: Tree) -> Any:
        """Make all tuples before any is filled."""
        if not isinstance(tree, tuple):
            return None
        new = python_function(self.context.module, "PyTuple_New")
        made = self.own(self.builder.call(new, [SIZE(len(tree))]))
        return made, [self._tuples(branch) for branch in tree]

    def _fill(self, tree: Tree, tuples: Any) -> Any:
        if isinstance(tree, tuple):
            made, inner = tuples
            for i, branch in enumerate(tree):
                place = address_of(self.builder, made, TUPLE_ITEMS + 8 * i)
                self.builder.store(self._fill(branch, inner[i]), place)
            return made
        if tree is None:
            return self._reference(self.context.slot(self.builder, "None"))
        if tree in self._owned:
            self._owned.remove(tree)  # the first place has the reference that came with it
            return self._objects[tree]
        return self._reference(self._objects[tree])

    def _reference(self, one: Any) -> Any:
        self.builder.call(python_function(self.context.module, "Py_IncRef"), [one])
        return one

    def _array(self, result: Result) -> Any:
        shape = shape_constant(self.context.module, result.shape)
        new = self.context.function(self.builder, "new array", NEW_ARRAY)
        ndarray = self.context.slot(self.builder, "ndarray")
        rank, number = INT(len(result.shape)), type_number(result.dtype)
        return self.builder.call(
            new, [ndarray, rank, shape, number, NULL, NULL, INT(0), INT(0), NULL]
        )

    def _scalar(self, result: Result) -> Any:
        """``tp_alloc(type, 0)``: as NumPy makes its scalars."""
        kind = result.dtype.str
        allocate = self.context.function(self.builder, f"allocate {kind}", (POINTER, SIZE))
        wanted = self.context.slot(self.builder, f"scalar {kind}")
        return self.builder.call(allocate, [wanted, SIZE(0)])
