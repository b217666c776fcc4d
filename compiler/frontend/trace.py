"""A capture at work: it records what is done to its tracers."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..errors import GradcError, TypeRuleError
from ..evaluate import evaluate_node
from ..ir import Builder, Graph, Node, SourceLine, Value
from ..primitive import Attrs, Primitive
from ..primitives.elementwise import with_value
from ..primitives.index import gather, slice_, update
from ..types import SUPPORTED_DTYPES, Sym
from . import fence
from .grad_mode import is_grad_enabled
from .signature import LeafType
from .source import assigned_name, source_line, user_frame
from .tracer import Known, Storage, Tracer, View


class _Stack(threading.local):
    def __init__(self) -> None:
        self.traces: list[Trace] = []


_stack = _Stack()


def current_trace() -> Trace | None:
    """Return the innermost capture that runs in this thread."""
    return _stack.traces[-1] if _stack.traces else None


def is_tracing() -> bool:
    """Whether a capture runs in this thread."""
    return bool(_stack.traces)


class Trace:
    """Records primitives applied to its tracers; the innermost active one records everything.

    Attributes:
        builder: Where nodes go.
        params: Params so far: arguments, then outer values met.
        lifted: The outer tracers that became params, in the order of these params.
        guards: The arguments whose values were read, by position, with these values.
        layout_read: Whether what was recorded depends on the memory layout of the arguments.
        tables: What ``np`` functions, methods and indexing do to tracers.
    """

    def __init__(self, tables: Any) -> None:
        self.builder = Builder()
        self.params: list[Value] = []
        self.lifted: list[Tracer] = []
        self.guards: dict[int, Any] = {}
        self.tables = tables
        self.layout_read = False
        self.alive = False
        self._lifted: dict[Value, Value] = {}
        self._arguments: dict[int, Any] = {}
        self._counts: dict[Value, Sym] = {}
        # For equal masks: the first value computed in the same way as each, and how far we looked.
        self._same: dict[Value, Value] = {}
        self._first: dict[Any, Value] = {}
        self._indexed = 0
        self._depth = 0
        self._numbers = count(1)

    def __enter__(self) -> Trace:
        self.alive = True
        _stack.traces.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _stack.traces.pop()
        self.alive = False

    def graph(self, outputs: Sequence[Value]) -> Graph:
        """Return what was recorded."""
        return Graph(tuple(self.params), tuple(self.builder.nodes), tuple(outputs))

    def line(self) -> SourceLine | None:
        """Return the user's line that is running."""
        return self.builder.origin if self._depth else source_line(user_frame())

    # Arguments and outside values

    def argument(
        self, position: int, leaf: LeafType, name: str, number: Any = None, row_major: bool = True
    ) -> Tracer:
        """Make a param. A Python ``number`` may be read while capturing; it is a guard then."""
        value = Value(leaf.type, name)
        self.params.append(value)
        known = None
        if number is not None:
            self._arguments[position] = number
            known = Known(number, frozenset((position,)))
        storage = Storage(value, argument=name, row_major=row_major)
        weak, scalar = leaf.kind == "number", leaf.kind != "array"
        return Tracer(self, storage, scalar=scalar, weak=weak, known=known)

    def guard(self, positions: Iterable[int]) -> None:
        """Make the values of these arguments part of the specialisation."""
        for position in positions:
            self.guards[position] = self._arguments[position]

    def lift(self, outer: Tracer) -> Value:
        """Make the value of a live outer capture's tracer an operand of this one."""
        if not outer.trace.alive:
            raise fence.leaked(outer)
        value = outer.value
        if value not in self._lifted:
            param = Value(value.type, value.name)
            self._lifted[value] = param
            self.params.append(param)
            self.lifted.append(Tracer(outer.trace, Storage(value)))
        return self._lifted[value]

    def value_of(self, operand: Any) -> Value:
        """Return the graph value of a tracer (of any live capture), an array, or a number."""
        if isinstance(operand, Tracer):
            return operand.value if operand.trace is self else self.lift(operand)
        if isinstance(operand, Value):
            return operand
        array = np.asarray(operand)
        if array.dtype not in SUPPORTED_DTYPES:
            supported = ", ".join(dtype.name for dtype in SUPPORTED_DTYPES)
            raise fence.unsupported(
                f"an array of dtype {array.dtype}", f"use one of {supported}", got=repr(operand)
            )
        return self.builder.constant(array.astype(array.dtype.newbyteorder("="), copy=False))

    # Recording

    def bind(self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs) -> Tracer:
        """Record a primitive in the innermost capture, whose operands this one's tracers are."""
        return (current_trace() or self).apply(primitive, operands, attrs)

    def add(self, primitive: Primitive, operands: Sequence[Value], attrs: Attrs) -> Value:
        """Append a node and return its only output."""
        if not self._depth:
            self.builder.origin = source_line(user_frame())
        self.builder.detached = not is_grad_enabled()
        return self.builder.add(primitive, tuple(operands), attrs)[0]

    def apply(self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs) -> Tracer:
        """Record a primitive on tracers of equal types and return what it gives.

        A view primitive gives a view of the same storage.
        """
        first = operands[0] if operands else None
        if primitive.view and isinstance(first, Tracer) and first.trace is self:
            return self._view(first, primitive, attrs)
        values = [self.value_of(operand) for operand in operands]
        value = self.add(primitive, values, attrs)
        storage = Storage(value, row_major=self._row_major(primitive, operands))
        return Tracer(self, storage, scalar=not value.ndim, known=self._known(value, operands))

    def next_number(self) -> int:
        """Return a number for the next call-back."""
        return next(self._numbers)

    def effect(self, primitive: Primitive, operands: Sequence[Value], attrs: Attrs) -> None:
        """Append a node that has no output."""
        self.builder.origin = self.line()
        self.builder.detached = not is_grad_enabled()
        self.builder.add(primitive, tuple(operands), attrs)

    def inline(self, graph: Graph, operands: Sequence[Any]) -> list[Tracer]:
        """Record a whole graph, applied to operands."""
        values = [self.value_of(operand) for operand in operands]
        self.builder.detached = not is_grad_enabled()
        outputs = self.builder.inline(graph, values)
        return [Tracer(self, Storage(value), scalar=not value.ndim) for value in outputs]

    def _view(self, base: Tracer, primitive: Primitive, attrs: Attrs) -> Tracer:
        if base.scalar:  # NumPy makes an array of its own of an immutable scalar
            base = Tracer(self, Storage(base.value))
        if primitive.name == "reshape" and base.ndim > 1:
            self.layout_read = True
        if primitive.name != "reshape" or (base.is_row_major and not base.is_broadcast):
            shown = Tracer(base.trace, base.storage, (*base.views, View(primitive, attrs)))
            shown.value  # noqa: B018 - its type rule speaks now
            return shown
        value = self.add(primitive, (base.value,), attrs)
        # Whether this reshape is a view depends on a layout that is not known.
        storage = Storage(value, argument=base.storage.argument)
        storage.siblings.append(weakref.ref(base.storage))
        base.storage.siblings.append(weakref.ref(storage))
        return Tracer(self, storage)

    def row(self, base: Tracer, attrs: Attrs, indices: Sequence[Any]) -> Tracer:
        """Return what computed integers select: to NumPy they are integers, so it is a view."""
        if base.trace is not self or base.scalar:
            return self.apply(gather, (base, *indices), attrs)
        view = View(gather, attrs, tuple(map(self.value_of, indices)))
        return Tracer(self, base.storage, (*base.views, view))

    def _row_major(self, primitive: Primitive, operands: Sequence[Any]) -> bool:
        if primitive.name == "gather":  # NumPy puts the axes of index arrays first in memory
            return False
        return primitive.name == "matmul" or all(
            not isinstance(one, Tracer) or one.is_row_major for one in operands
        )

    def _known(self, value: Value, operands: Sequence[Any]) -> Known | None:
        if value.ndim or not any(isinstance(one, Tracer) and one.known for one in operands):
            return None
        numbers, guards = [], frozenset[int]()
        for operand in operands:
            if not isinstance(operand, Tracer):
                numbers.append(operand)
            elif operand.known is None:
                return None
            else:
                numbers.append(np.asarray(operand.known.number, operand.dtype)[()])
                guards |= operand.known.guards
        node: Node = self.builder.nodes[-1]
        return Known(evaluate_node(node, numbers)[0].item(), guards)

    def store(self, target: Tracer, value: Value) -> None:
        """Make ``value`` the new content of what ``target`` shows."""
        storage = target.storage
        if target.trace is not self:
            raise fence.unsupported("a store to an array of an enclosing function")
        if storage.argument is not None:
            raise fence.argument_stored(storage.argument)
        if any(sibling() is not None for sibling in storage.siblings):
            raise fence.ambiguous_memory()
        held = [storage.value]
        for view in target.views:
            held.append(self.add(view.primitive, (held[-1], *view.indices), view.attrs))
        if target.is_broadcast:
            raise fence.read_only()
        for view, base in zip(reversed(target.views), reversed(held[:-1]), strict=True):
            value = self._put_back(view, base, value)
        if not is_grad_enabled():
            self.builder.detached = False  # what was there before keeps its gradient, as in PyTorch
            (value,) = self.builder.add(with_value, (storage.value, value), {})
        value.name = value.name or storage.value.name
        storage.value = value
        storage.version += 1

    def _put_back(self, view: View, base: Value, value: Value) -> Value:
        if view.primitive in (slice_, gather):
            return self.add(update, (base, value, *view.indices), view.attrs)
        if view.primitive.name == "transpose":
            axes = view.attrs["axes"]
            back = tuple(axes.index(axis) for axis in range(len(axes)))
            return self.add(view.primitive, (value,), {"axes": back})
        return self.add(view.primitive, (value,), {"shape": base.shape})

    def count_of(self, mask: Value) -> Sym:
        """Return the unknown number of elements that a mask selects; equal masks, one number."""
        for node in self.builder.nodes[self._indexed :]:
            operands = tuple(self._same.get(operand, operand) for operand in node.operands)
            key = (node.primitive, operands, tuple(node.attrs.items()))
            for place, out in enumerate(node.outs):
                self._same[out] = self._first.setdefault((key, place), out)
        self._indexed = len(self.builder.nodes)
        mask = self._same.get(mask, mask)
        if mask not in self._counts:
            self._counts[mask] = Sym.named(f"count{len(self._counts) + 1}")
        return self._counts[mask]

    # What NumPy's protocols call

    def dispatch(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Any) -> Any:
        """Run what a NumPy function does to tracers, at the user's line, and name the result."""
        trace = current_trace()
        if trace is None:
            raise fence.leaked(self._first_tracer(args, kwargs))
        if trace is not self:
            return trace.dispatch(function, args, kwargs)
        if self._depth:
            return function(*args, **kwargs)
        frame = user_frame()
        self.builder.origin = source_line(frame)
        self._depth += 1
        try:
            result = function(*args, **kwargs)
        except GradcError as error:
            if error.where:
                raise
            raise error.at(self.builder.origin) from None
        except (TypeError, ValueError, IndexError) as error:  # NumPy's words, with the line
            raise TypeRuleError(str(error), where=self.builder.origin) from error
        finally:
            self._depth -= 1
        name = assigned_name(frame)
        if name and isinstance(result, Tracer) and result.value.name is None:
            result.value.name = name
        return result

    def _first_tracer(self, args: Sequence[Any], kwargs: Any) -> Tracer:
        flat = [*args, *kwargs.values()]
        flat += [part for one in flat if isinstance(one, list | tuple) for part in one]
        return next(one for one in flat if isinstance(one, Tracer))

    def call_ufunc(self, ufunc: np.ufunc, method: str, inputs: Any, kwargs: Any) -> Any:
        """Do what a ufunc does."""
        return self.dispatch(self.tables.call_ufunc, (ufunc, method, inputs), {"options": kwargs})

    def call_function(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Do what a NumPy function does."""
        return self.dispatch(self.tables.function(function), args, kwargs)

    def call_table(self, name: str, args: Any) -> Any:
        """Do an indexing operation."""
        return self.dispatch(getattr(self.tables, name), args, {})

    def method(self, tracer: Tracer, name: str) -> Any:
        """Return an ndarray method or property of a tracer."""
        function, is_property = self.tables.method(name)
        if is_property:
            return self.dispatch(function, (tracer,), {})
        return lambda *args, **kwargs: self.dispatch(function, (tracer, *args), kwargs)
