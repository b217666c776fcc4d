"""Capture of one call: run the function on tracers, and return what it did as a graph."""

from __future__ import annotations

import reprlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..errors import CaptureError, DerivativeError, GradcError, listed
from ..forks import cached_property
from ..ir import Graph
from . import fence, numpy_api
from .active import current_trace
from .grad_mode import enable_grad
from .libraries import is_users_object
from .numpy_api.operands import is_weak
from .places import Place, Read, Root
from .reader import reader
from .signature import Parameters, Signature, is_row_major
from .source import raised_line, user_line
from .staging import call_root
from .trace import Trace
from .tracer import Tracer
from .tree import Branch, Leaf, Static, Tree, count_leaves, flatten, is_leaf, parts, unflatten


class Store(NamedTuple):
    """A store to the outside that is done after each call.

    Attributes:
        place: Where to.
        tree: The structure of what is stored; its leaves are outputs.
        numbers: Which of the leaves are Python numbers.
        source: Where an object lies that is stored as it is.
    """

    place: Place
    tree: Tree
    numbers: tuple[bool, ...] = ()
    source: Place | None = None


@dataclass(frozen=True)
class Capture:
    """What a function does to arguments of one signature.

    Attributes:
        graph: Params are the inputs (the leaves of the arguments, then what it reads outside), then
            the outer values it uses; outputs are the leaves of what it returns, then the inputs
            that it changed in place, then the leaves of what it stores outside.
        output: The tree of what it returns.
        names: The names of the inputs.
        guards: The numbers of inputs that it read, by position.
        layouts: Whether each input was row-major, where that was read.
        lifted: The tracers of enclosing captures that it uses.
        reads: What it found outside and depends on.
        places: Where the inputs lie that are no arguments.
        written: The positions of inputs that it changes in place.
        shared: The outputs, stored ones too, that are an input which it does not change.
        returned: The outputs, stored ones too, that are such an input itself: positions of both.
        repeats: The stored outputs that are the same array as another one: positions of both.
        stores: What it stores outside.
    """

    graph: Graph
    output: Tree
    names: tuple[str, ...]
    guards: dict[int, Any]
    layouts: tuple[bool | None, ...] | None
    lifted: tuple[Tracer, ...]
    reads: tuple[Read, ...]
    places: tuple[Place, ...]
    written: tuple[int, ...]
    shared: tuple[int, ...]
    returned: dict[int, int]
    repeats: dict[int, int]
    stores: tuple[Store, ...]

    @cached_property
    def count(self) -> int:
        """How many outputs belong to what it returns."""
        return count_leaves(self.output)

    def label(self, position: int) -> str:
        """Return how the function says an input."""
        outside = position - len(self.names) + len(self.places)
        return self.names[position] if outside < 0 else str(self.places[outside])

    @cached_property
    def has_effects(self) -> bool:
        """Whether it changes anything outside."""
        return bool(self.written or self.stores)

    @cached_property
    def read(self) -> Callable[[Sequence[Any]], tuple[Any, ...] | None]:
        """What finds the inputs outside for the value of each parameter; see ``reader``."""
        return reader(self.reads, self.places)

    def complete(self, values: Sequence[Any], leaves: Sequence[Any]) -> Sequence[Any] | None:
        """Return all inputs of a call; None if what it read is not the same now.

        Args:
            values: The value of each parameter.
            leaves: The leaves of the arguments.
        """
        if self.reads:
            found = self.read(values)
            if found is None:
                return None
            leaves = [*leaves, *found]
        if self.layouts is not None and self.layouts != tuple(map(is_row_major, leaves)):
            return None
        if all(_same(leaves[i], number) for i, number in self.guards.items()):
            return leaves
        return None

    def difference(self, values: Sequence[Any], leaves: Sequence[Any]) -> str:
        """Say what it read that is not the same now."""
        changed = [read for read in self.reads if not read.holds(values)]
        if changed:
            return "; ".join(f"{read.place} was {_describe(read)}" for read in changed)
        leaves = [*leaves, *(self.read(values) or ())]
        read = [
            f"{self.names[i]} was {number}, is {leaves[i]}"
            for i, number in self.guards.items()
            if not _same(leaves[i], number)
        ]
        return "; ".join(read) or "another memory layout"

    def varying(self, values: Sequence[Any]) -> set[Place]:
        """Return the places of numbers and arrays outside that are not what they were."""
        return {
            read.place
            for read in self.reads
            if read.kind == "equal"
            and isinstance(read.expected, int | float | np.ndarray | np.generic)
            and not isinstance(read.expected, bool | np.bool_)
            and not read.holds(values)
        }

    def primal(self, has_aux: bool) -> Tree:
        """Return the tree of what is differentiated.

        Raises:
            DerivativeError: With ``has_aux``, the function does not return a pair.
        """
        tree = self.output
        if not has_aux:
            return tree
        is_sequence = isinstance(tree, Branch) and issubclass(tree.kind, tuple | list)
        if not isinstance(tree, Branch) or not is_sequence or len(tree.children) != 2:
            raise DerivativeError(
                "with has_aux=True the function must return a pair (value, aux)",
                got=f"{tree.kind.__name__} of {len(tree.children)}"
                if isinstance(tree, Branch)
                else "one array or object",
                where=user_line(),
                fix="return a pair, or leave has_aux out",
            )
        return tree.children[0]  # type: ignore[no-any-return]

    def scalar_output(self, has_aux: bool) -> None:
        """Check that there is one number to differentiate.

        Raises:
            DerivativeError: There is not; says what there is.
        """
        tree = self.primal(has_aux)
        types = [output.type for output in self.graph.outputs[: count_leaves(tree)]]
        if not isinstance(tree, Leaf) or types[0].ndim or not types[0].is_float:
            got = listed(types) or "no array"
            raise DerivativeError(
                "a gradient needs a function that returns one floating-point scalar",
                got=got,
                where=user_line(),
                fix="reduce it with np.sum or np.mean, use vjp for other outputs, or has_aux=True "
                "for what is only returned",
            )


def capture(
    parameters: Parameters,
    signature: Signature,
    values: Sequence[Any],
    leaves: Sequence[Any],
    fixed: Sequence[int],
    varying: frozenset[Place] = frozenset(),
) -> Capture:
    """Capture a function for a signature.

    Args:
        parameters: The function.
        signature: The types of the leaves.
        values: The value of each parameter.
        leaves: The leaves of these; of Python numbers the values may be read, and then are guards.
        fixed: Positions of leaves whose values must not be read (they are differentiated).
        varying: Where numbers lie outside that are to be inputs, as they often change.

    Raises:
        CaptureError: The function does what cannot be captured; with the user's line.
        TypeRuleError: Shapes or dtypes do not fit; with the user's line.
    """
    with Trace(numpy_api, varying) as trace, enable_grad():
        arguments = _arguments(trace, parameters, signature, values, leaves, fixed)
        try:
            result = parameters.call(partial(call_root, parameters.function), arguments)
        except ValueError as error:
            raise fence.numpy_error(error) from error.__cause__
        except RecursionError as error:
            raise fence.endless(raised_line(error)) from None
        except GradcError as error:
            if error.where:
                raise
            place = raised_line(error) or user_line()
            raise error.at(place).with_traceback(error.__traceback__) from None
        outputs: list[Any] = []
        tree = flatten(result, "output", outputs, [], objects=False)
        if not outputs:
            raise CaptureError(
                "the function returns no array and no number",
                got=reprlib.repr(result),
                where=user_line(),
                fix="return what it computes",
            )
        return _captured(trace, tree, outputs, signature, leaves)


def _arguments(
    trace: Trace,
    parameters: Parameters,
    signature: Signature,
    values: Sequence[Any],
    leaves: Sequence[Any],
    fixed: Sequence[int],
) -> list[Any]:
    """Return the value of each parameter with tracers in place of its leaves."""
    inputs = iter(
        [_argument(trace, i, leaf, signature, i in fixed) for i, leaf in enumerate(leaves)]
    )
    arguments = []
    for i, (name, tree) in enumerate(zip(parameters.names, signature.trees, strict=True)):
        argument = unflatten(tree, [next(inputs) for _ in range(count_leaves(tree))])
        if not trace.outside.trace.is_enclosing:
            _adopt(trace, Place(Root("argument", i, name)), values[i], argument)
        arguments.append(argument)
    return arguments


def _adopt(trace: Trace, place: Place, value: Any, argument: Any) -> None:
    """Watch the containers in an argument for stores, and know its objects where they are met."""
    children = None if is_leaf(value) else parts(value)
    if children is None:
        if isinstance(value, type):
            trace.outside.adopt_class(value)
        elif is_users_object(value):
            trace.outside.adopt(place, value)
        return
    if not isinstance(value, tuple):
        trace.outside.adopt(place, value, argument)
        trace.outside.reflect(place, value, argument)
    is_object = not isinstance(value, dict | list | tuple | deque)
    copies = dict(parts(argument) or ())
    for i, (key, child) in enumerate(children):
        if is_object:
            step = place.attribute(key)
        else:  # of a named tuple the keys are names
            step = place.item(i if isinstance(value, tuple) else key)
        _adopt(trace, step, child, copies[key])


def _captured(
    trace: Trace, tree: Tree, outputs: list[Any], signature: Signature, leaves: Sequence[Any]
) -> Capture:
    """Return what was recorded, with the changes that it makes outside as outputs."""
    outside = trace.outside
    written = tuple(i for i, one in enumerate(trace.inputs) if one.version)
    is_outermost = outside.trace is trace
    names = (*signature.names, *(place.identifier for place in outside.inputs if is_outermost))
    inputs = [*leaves, *(outside.found if is_outermost else ())]
    changed = [Tracer(trace, trace.inputs[position]) for position in written]
    outputs = [*outputs, *changed]
    stores = []
    for place, value in (outside.changes() if is_outermost else {}).items():
        source = outside.place_of(value)
        if source is not None and not isinstance(value, type | ModuleType):
            stores.append(Store(place, Static(type(None), None), source=source))
            continue
        stored: list[Any] = []
        kept = flatten(value, place.identifier, stored, [], objects=False)
        stores.append(Store(place, kept, tuple(map(_is_number, stored))))
        outputs += stored
    inputs_themselves = {
        i: one.storage.position
        for i, one in enumerate(outputs)
        if isinstance(one, Tracer)
        and all(one is not other for other in changed)
        and one.storage.position is not None
        and not one.views
        and one.tracing is trace
    }
    values = [trace.value_of(one) for one in outputs]
    return Capture(
        graph=trace.graph(values),
        output=tree,
        names=names,
        guards=trace.guards,
        layouts=tuple(map(is_row_major, inputs)) if trace.layout_read else None,
        lifted=tuple(trace.lifted),
        reads=outside.reads if is_outermost else (),
        places=tuple(outside.inputs) if is_outermost else (),
        written=written,
        shared=tuple(i for i, place in inputs_themselves.items() if place not in written),
        returned={i: place for i, place in inputs_themselves.items() if place in written},
        repeats=_repeats(outputs, count_leaves(tree) + len(written)),
        stores=tuple(stores),
    )


def _is_number(leaf: Any) -> bool:
    """Whether a leaf is a Python number, or a Python bool."""
    return leaf.weak if isinstance(leaf, Tracer) else is_weak(leaf)


def _repeats(outputs: Sequence[Any], start: int) -> dict[int, int]:
    """Return the outputs from ``start`` on that are an array which is an output before."""
    first: dict[int, int] = {}
    found = {}
    for i, one in enumerate(outputs):
        is_new = isinstance(one, Tracer) and one.storage.position is None
        if is_new and not (one.views or one.scalar):
            before = first.setdefault(id(one.storage), i)
            if before < i and i >= start:
                found[i] = before
    return found


def _same(leaf: Any, number: Any) -> bool:
    return bool(leaf == number) or bool(leaf != leaf and number != number)


def _describe(read: Read) -> str:
    return f"{read.expected}" if read.kind == "equal" else f"another object ({read.kind})"


def _argument(trace: Trace, i: int, leaf: Any, signature: Signature, fixed: bool) -> Tracer:
    leaf_type, name = signature.leaves[i], signature.names[i]
    number = None
    if leaf_type.kind == "number":
        number = leaf if not isinstance(leaf, Tracer) else leaf.known and leaf.known.number
    readable = None if fixed else number
    return trace.input(leaf_type, name, readable, is_row_major(leaf))


def inline(captured: Capture, graph: Graph, leaves: Sequence[Any]) -> list[Tracer]:
    """Record a graph made from an inner capture in the capture at work.

    Args:
        captured: The inner capture.
        graph: Its graph, or one derived from it with the same params (and perhaps more).
        leaves: What stands for the params; the captured outer values are added here.
    """
    trace = current_trace()
    if trace is None:
        raise fence.leaked(next(leaf for leaf in leaves if isinstance(leaf, Tracer)))
    count = len(captured.graph.params) - len(captured.lifted)
    operands = [*leaves[:count], *captured.lifted, *leaves[count:]]
    for position in captured.guards:
        known = leaves[position].known if isinstance(leaves[position], Tracer) else None
        if known is not None:
            trace.guard(known.guards)
    return trace.inline(graph, operands)
