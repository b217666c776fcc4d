"""A capture at work: it records what is done to its tracers."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..errors import CaptureError, GradcError, TypeRuleError
from ..evaluate import evaluate_node
from ..ir import Builder, Graph, Node, SourceLine, Value
from ..primitive import Attrs, Primitive
from ..primitives.index import gather
from ..types import ArrayType
from . import fence
from .active import begin, current_trace, end
from .concrete import STORES, STORING_METHODS, compute, concrete, holds_traced, known
from .constants import constant
from .contents import Contents
from .grad_mode import is_grad_enabled
from .masks import MaskCounts
from .outside import Outside
from .places import Place
from .signature import LeafType
from .source import assigned_name, source_line, user_frame
from .stores import store
from .strict import Nothing
from .tracer import Known, Storage, Tracer, View


class Trace:
    """Records primitives applied to its tracers; the innermost active one records everything.

    Attributes:
        builder: Where nodes go.
        inputs: The storages of the arguments, then those of arrays that are read from outside.
        lifted: The outer tracers that became params behind these, in their order.
        guards: The inputs whose values were read, by position, with these values.
        layout_read: Whether what was recorded depends on the memory layout of the inputs.
        tables: What ``np`` functions, methods and indexing do to tracers.
        contents: What may be known of values while capturing.
        count_of: Gives the number of elements that a mask selects.
        outside: What is read and stored that is no argument: one for all captures in each other.
        body: The capture of a loop's or branch's body that this is part of; None outside of these.
    """

    def __init__(
        self,
        tables: Any,
        varying: frozenset[Place] = frozenset(),
        strict: bool = False,
        is_body: bool = False,
    ) -> None:
        self.builder = Builder()
        self.inputs: list[Storage] = []
        self._params: list[Value] = []
        self.lifted: list[Tracer] = []
        self.guards: dict[int, Any] = {}
        self.tables = tables
        self.layout_read = False
        self.alive = False
        self._lifted: dict[Value, Value] = {}
        self._numbers_of: dict[int, Any] = {}
        self.contents = Contents(self.builder)
        self.count_of = MaskCounts(self.builder).count_of
        self._own: dict[int, tuple[Any, Tracer]] = {}
        self._depth = 0
        self._numbers = count(1)
        enclosing = current_trace()
        self.body: Trace | None = self if is_body else enclosing.body if enclosing else None
        self.outside: Outside
        if strict:
            self.outside = Nothing(self, enclosing.outside if enclosing else None)
        else:
            self.outside = enclosing.outside if enclosing else Outside(self, varying)

    def __enter__(self) -> Trace:
        self.alive = True
        begin(self)
        return self

    @property
    def is_enclosing(self) -> bool:
        """Whether another capture runs inside this one."""
        return current_trace() is not self

    def __exit__(self, *exception: object) -> None:
        end()
        self.alive = False

    def graph(self, outputs: Sequence[Value]) -> Graph:
        """Return what was recorded."""
        params = (*self._params, *self._lifted.values())
        return Graph(params, tuple(self.builder.nodes), tuple(outputs))

    def line(self) -> SourceLine | None:
        """Return the user's line that is running."""
        return self.builder.origin if self._depth else source_line(user_frame())

    # Inputs

    def input(
        self, leaf: LeafType, name: str, number: Any = None, row_major: bool | None = True
    ) -> Tracer:
        """Make a param. A Python ``number`` may be read while capturing; it is a guard then."""
        value = Value(leaf.type, name)
        position = len(self.inputs)
        self._params.append(value)
        known = None
        if number is not None:
            number = number.item() if isinstance(number, np.generic) else number
            self._numbers_of[position] = number
            content = np.asarray(number, leaf.type.dtype)[()]
            self.contents.inputs[value] = content, lambda: self.guard((position,))
            known = Known(number, frozenset((position,)))
        storage = Storage(value, row_major, position)
        self.inputs.append(storage)
        weak, scalar = leaf.kind == "number", leaf.kind != "array"
        return Tracer(self, storage, scalar=scalar, weak=weak, known=known)

    def param(self, type: ArrayType, name: str | None, kind: str, row_major: bool) -> Tracer:
        """Make a param of a body: an array of its own, which stores do not reach the outside of."""
        value = Value(type, name)
        self._params.append(value)
        storage = Storage(value, row_major)
        return Tracer(self, storage, scalar=kind != "array", weak=kind == "number")

    def guard(self, positions: Iterable[int]) -> None:
        """Make the values of these inputs part of the specialisation."""
        for position in positions:
            self.guards[position] = self._numbers_of[position]

    def lift(self, outer: Tracer) -> Value:
        """Make the value of a live outer capture's tracer an operand of this one."""
        if not outer.tracing.alive:
            raise fence.leaked(outer)
        value = outer.value
        if value not in self._lifted:
            self._lifted[value] = Value(value.type, value.name)
            self.lifted.append(Tracer(outer.tracing, Storage(value)))
        return self._lifted[value]

    def value_of(self, operand: Any) -> Value:
        """Return the graph value of a tracer (of any live capture), an array, or a number."""
        if isinstance(operand, Tracer):
            return operand.value if operand.tracing is self else self.lift(operand)
        if isinstance(operand, Value):
            return operand
        if isinstance(operand, np.ndarray):
            found = self.outside.recognise(operand)
            if found is not None:
                return self.value_of(found)
        return self.constant(np.asarray(operand))

    def own(self, value: Any) -> Any:
        """Return a plain array that lies in an object as the tracer that stands for it."""
        if type(value) is tuple and any(type(one) is np.ndarray for one in value):
            return tuple(map(self.own, value))
        if type(value) is not np.ndarray:
            return value
        if id(value) not in self._own:
            self._own[id(value)] = value, concrete(self, value)
        return self._own[id(value)][1]

    def array_of(self, operand: Any) -> Tracer:
        """Return an operand as a tracer of this capture."""
        if isinstance(operand, Tracer) and operand.tracing is self:
            return operand
        return Tracer(self, Storage(self.value_of(operand), row_major=True))

    def constant(self, array: np.ndarray[Any, Any], origin: SourceLine | None = None) -> Value:
        """Append a plain array; ``origin`` is the line where it was made."""
        return constant(self.builder, array, origin)

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
        if primitive.view is True and isinstance(first, Tracer) and first.tracing is self:
            return self._view(first, primitive, attrs)
        values = [self.value_of(operand) for operand in operands]
        value = self.add(primitive, values, attrs)
        storage = Storage(value, row_major=self._row_major(primitive, operands))
        return Tracer(self, storage, scalar=not value.ndim, known=self._known(value, operands))

    def next_number(self) -> int:
        """Return a number for the next call-back."""
        return next(self._numbers)

    def structured(
        self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs
    ) -> tuple[Value, ...]:
        """Append a loop or a branch, and return its outputs."""
        values = tuple(self.value_of(operand) for operand in operands)
        if not self._depth:
            self.builder.origin = source_line(user_frame())
        self.builder.detached = not is_grad_enabled()
        return self.builder.add(primitive, values, attrs)

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
        if base.array is not None and not primitive.infer([base.type], attrs)[0].is_static:
            base = Tracer(self, Storage(base.value))
        if primitive.name == "reshape" and base.ndim > 1 and base.array is None:
            self.layout_read = True
        if primitive.name != "reshape" or (base.is_row_major and not base.is_broadcast):
            shown = Tracer(base.tracing, base.storage, (*base.views, View(primitive, attrs)))
            shown.type  # noqa: B018 - its type rule speaks now
            return shown
        return self.unsure_copy(base, self.add(primitive, (base.value,), attrs))

    def unsure_copy(self, base: Tracer, value: Value | None = None) -> Tracer:
        """Return what is a view or a copy of an array, as a layout has it that is not known."""
        storage = Storage(base.value if value is None else value)
        storage.is_unsure = base.storage.position is not None or base.storage.is_unsure
        storage.siblings.append(weakref.ref(base.storage))
        base.storage.siblings.append(weakref.ref(storage))
        return Tracer(self, storage)

    def row(self, base: Tracer, attrs: Attrs, indices: Sequence[Any]) -> Tracer:
        """Return what computed integers select: to NumPy they are integers, so it is a view."""
        if base.tracing is not self or base.scalar:
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
        """Make ``value`` the new content of what ``target`` shows; see ``stores``."""
        store(self, target, value)

    # What NumPy's protocols call

    def dispatch(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Any,
        plainly: Callable[..., Any] | None = None,
        stores: bool = False,
    ) -> Any:
        """Run what a NumPy function does to tracers, at the user's line, and name the result.

        Args:
            function: Does it to tracers.
            args: Its positional arguments.
            kwargs: Its other arguments.
            plainly: Does it to plain arrays: called where nothing depends on the arguments.
            stores: Whether it may change the arrays that it is given.
        """
        if plainly is not None and not (holds_traced(args) or holds_traced(kwargs)):
            captured = None if stores else lambda: self.dispatch(function, args, kwargs)
            return compute(current_trace(), plainly, args, kwargs, captured, stores)
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
            may_store = stores or plainly in STORES or kwargs.get("out") is not None
            if plainly is not None and not may_store and isinstance(error, CaptureError):
                try:  # of what may be looked at, NumPy can compute all
                    return compute(self, plainly, known(args), known(kwargs))
                except LookupError:
                    pass
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
        stores = method == "at" or kwargs.get("out") is not None
        options = {"options": kwargs}
        table = self.tables.call_ufunc
        return self.dispatch(table, (ufunc, method, inputs), options, _call_ufunc, stores)

    def call_function(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Do what a NumPy function does."""

        def table(*args: Any, **kwargs: Any) -> Any:
            return self.tables.function(function)(*args, **kwargs)

        stores = isinstance(kwargs.get("out"), Tracer)
        return self.dispatch(table, args, kwargs, function, stores)

    def call_table(self, name: str, args: Any) -> Any:
        """Do an indexing operation."""
        plainly = getattr(operator, name)
        return self.dispatch(getattr(self.tables, name), args, {}, plainly, name == "setitem")

    def method(self, tracer: Tracer, name: str) -> Any:
        """Return an ndarray method or property of a tracer."""
        if tracer.array is not None and not hasattr(np.ndarray, name):
            return getattr(tracer.array, name)
        is_property = self.tables.is_property(name)
        if name == "flat":  # NumPy's own would not see what is stored later
            return self.dispatch(self.tables.method(name), (tracer,), {})

        def table(*args: Any, **kwargs: Any) -> Any:
            return self.tables.method(name)(*args, **kwargs)

        def plainly(array: Any, *args: Any, **kwargs: Any) -> Any:
            found = getattr(array, name)
            return found if is_property else found(*args, **kwargs)

        if is_property:
            return self.dispatch(table, (tracer,), {}, plainly)
        stores = name in STORING_METHODS
        return lambda *args, **kwargs: self.dispatch(
            table, (tracer, *args), kwargs, plainly, stores or isinstance(kwargs.get("out"), Tracer)
        )


def _call_ufunc(ufunc: np.ufunc, method: str, inputs: Any, options: Any) -> Any:
    return getattr(ufunc, method)(*inputs, **options)
