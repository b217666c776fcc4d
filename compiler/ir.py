"""The intermediate representation: ordered, immutable SSA.

A ``Graph`` has params, nodes in the order they run, and outputs. A ``Node`` applies a ``Primitive``
to values and yields new ones. Passes are functions ``Graph -> Graph``; only a ``Builder`` makes
nodes, so types are always worked out and source lines are never lost.
"""

from __future__ import annotations

import linecache
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from .errors import GradcError, TypeRuleError
from .forks import cached_property
from .operators import Operators
from .primitive import REGISTRY, Attrs, NumPy, Primitive
from .types import BOOL, ArrayType, format_shape, type_of


class SourceLine(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int
    function: str = ""

    @property
    def short(self) -> str:
        """``model.py:41``, as comments in generated code show it."""
        return f"{PurePath(self.file).name}:{self.line}"

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        place = f"{self.file}:{self.line}" + (f" in {self.function}" if self.function else "")
        return f"{place}: {text}" if text else place


class Value(Operators):
    """What a node yields or a graph takes: a type, and the user's name for it if there is one."""

    __slots__ = ("name", "type")

    def __init__(self, type: ArrayType, name: str | None = None) -> None:
        self.type = type
        self.name = name

    @property
    def shape(self) -> tuple[Any, ...]:
        """The shape."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The dtype."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The rank."""
        return len(self.type.shape)

    def bind(self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs) -> Any:
        """Append a node to the builder at work (the protocol behind calling a primitive)."""
        return Builder.current().bind(primitive, operands, attrs)

    def __repr__(self) -> str:
        return f"<{self.name or 'value'}: {self.type}>"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One application of a primitive. ``outs`` is always a tuple.

    ``detached`` marks nodes that were captured in a ``no_grad`` region: no gradient passes them.
    """

    primitive: Primitive
    operands: tuple[Value, ...]
    attrs: Attrs
    outs: tuple[Value, ...]
    origin: SourceLine | None = None
    detached: bool = False

    @property
    def out(self) -> Value:
        """The only output."""
        (out,) = self.outs
        return out

    @property
    def regions(self) -> tuple[Graph, ...]:
        """The bodies of a loop or a branch."""
        return tuple(self.attrs[name] for name in self.primitive.regions)

    @property
    def has_effect(self) -> bool:
        """Whether it must run, in order, even where its results are not used."""
        return self.primitive.effect or any(region.has_effects for region in self.regions)

    @property
    def is_view(self) -> bool:
        """Whether the result may share memory with operand 0."""
        view = self.primitive.view
        if not view or ("index" in self.attrs and not self.out.ndim):  # a number has no memory
            return False
        return view if isinstance(view, bool) else view([one.type for one in self.operands])

    @property
    def is_store(self) -> bool:
        """Whether its NumPy form is a statement that changes operand 0."""
        return isinstance(self.primitive.numpy, NumPy) and self.primitive.numpy.store

    def with_attrs(self, **attrs: Any) -> Node:
        """Return this node with some attrs replaced."""
        return replace(self, attrs={**self.attrs, **attrs})

    def map_regions(self, function: Callable[[Graph], Graph]) -> Node:
        """Return this node with its bodies replaced."""
        if not self.primitive.regions:
            return self
        made = {name: function(self.attrs[name]) for name in self.primitive.regions}
        if all(made[name] is self.attrs[name] for name in made):
            return self
        return self.with_attrs(**made)


@dataclass(frozen=True, eq=False)
class Graph:
    """Params, nodes in the order they run, outputs."""

    params: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]

    @cached_property
    def has_effects(self) -> bool:
        """Whether a node, or one in the body of a node, has an effect."""
        return any(node.has_effect for node in self.nodes)

    @cached_property
    def has_regions(self) -> bool:
        """Whether there is a loop or a branch."""
        return any(node.primitive.regions for node in self.nodes)

    def map_regions(self, function: Callable[[Graph], Graph]) -> Graph:
        """Return this graph with the bodies of its nodes replaced."""
        if not self.has_regions:
            return self
        nodes = tuple(node.map_regions(function) for node in self.nodes)
        return Graph(self.params, nodes, self.outputs)

    def producers(self) -> dict[Value, Node]:
        """Return the node that yields each value; params are absent."""
        return {out: node for node in self.nodes for out in node.outs}

    def roots(self) -> dict[Value, Value]:
        """Return the value in whose memory each view lies; others are absent."""
        found: dict[Value, Value] = {}
        for node in self.nodes:
            if node.is_view:
                found[node.out] = found.get(node.operands[0], node.operands[0])
        return found

    def ancestors(self, outputs: Sequence[Value]) -> set[Value]:
        """Return the values that some outputs depend on, these outputs among them."""
        found = set(outputs)
        for node in reversed(self.nodes):
            if any(out in found for out in node.outs):
                found.update(node.operands)
        return found

    def users(self) -> dict[Value, list[Node]]:
        """Return the nodes that read each value, in order, once each."""
        found: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for operand in dict.fromkeys(node.operands):
                found.setdefault(operand, []).append(node)
        return found


class Constant:
    """An array that is part of a graph: immutable, compared and hashed by its content."""

    __slots__ = ("_key", "array")

    def __init__(self, array: Any) -> None:
        self.array = np.array(array)
        self.array.setflags(write=False)
        self._key = (self.array.dtype.str, self.array.shape, self.array.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        if self.array.ndim == 0:
            return repr(self.array.item())
        return f"<{type_of(self.array)} constant>"


class _Stack(threading.local):
    def __init__(self) -> None:
        self.builders: list[Builder] = []


_stack = _Stack()


class Builder:
    """Appends nodes to a graph under construction, working out their types.

    ``origin`` and ``detached`` are given to every node that is added.
    """

    def __init__(self, nodes: Sequence[Node] = ()) -> None:
        self.nodes = list(nodes)
        self.origin: SourceLine | None = None
        self.detached = False

    @classmethod
    def current(cls) -> Builder:
        """Return the builder whose ``with`` block runs in this thread."""
        if not _stack.builders:
            raise GradcError("a primitive was applied to a Value outside any graph")
        return _stack.builders[-1]

    def __enter__(self) -> Builder:
        _stack.builders.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _stack.builders.pop()

    @contextmanager
    def at(self, node: Node) -> Iterator[None]:
        """Give the nodes added within the line and the no_grad mark of ``node``."""
        before = self.origin, self.detached
        self.origin, self.detached = node.origin, node.detached
        try:
            yield
        finally:
            self.origin, self.detached = before

    def bind(self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs) -> Any:
        """Append a node; numbers among the operands take the type of the others."""
        lifted = tuple(
            one if isinstance(one, Value) else self._lift(one, operands) for one in operands
        )
        outs = self.add(primitive, lifted, attrs)
        return outs[0] if len(outs) == 1 else outs

    def _lift(self, operand: Any, operands: Sequence[Any]) -> Value:
        values = [one for one in operands if isinstance(one, Value)]
        like = next((v.type for v in values if v.dtype != BOOL), values[0].type)
        if isinstance(operand, np.ndarray | np.generic):
            return self.constant(operand)
        return self.full(like, operand)

    def add(
        self, primitive: Primitive, operands: tuple[Value, ...], attrs: Attrs
    ) -> tuple[Value, ...]:
        """Append a node and return its outputs.

        Raises:
            TypeRuleError: The operands do not fit the primitive.
        """
        try:
            types = primitive.infer([operand.type for operand in operands], attrs)
        except TypeRuleError as error:
            if error.where is not None:
                raise
            got = error.got or ", ".join(_describe(operand) for operand in operands)
            what = f"{primitive.name}: {error.what}"
            raise type(error)(what, got=got, where=self.origin, fix=error.fix) from None
        outs = tuple(Value(one) for one in types)
        self.nodes.append(Node(primitive, operands, attrs, outs, self.origin, self.detached))
        return outs

    def constant(self, array: Any) -> Value:
        """Append a constant."""
        return self.add(REGISTRY["constant"], (), {"value": Constant(array)})[0]

    def full(self, type: ArrayType, value: Any) -> Value:
        """Append an array of one repeated number."""
        scalar = self.constant(np.asarray(value, type.dtype))
        if type.ndim == 0:
            return scalar
        return self.add(REGISTRY["broadcast_to"], (scalar,), {"shape": type.shape})[0]

    def inline(self, graph: Graph, operands: Sequence[Value]) -> tuple[Value, ...]:
        """Append a copy of the nodes of ``graph``, applied to ``operands``."""
        known: dict[Value, Value] = dict(zip(graph.params, operands, strict=True))
        for node in graph.nodes:
            outs = tuple(Value(out.type, out.name) for out in node.outs)
            known.update(zip(node.outs, outs, strict=True))
            moved = tuple(known[operand] for operand in node.operands)
            detached = node.detached or self.detached
            self.nodes.append(Node(node.primitive, moved, node.attrs, outs, node.origin, detached))
        return tuple(known[output] for output in graph.outputs)


def _describe(value: Value) -> str:
    name = f"{value.name} " if value.name else ""
    return f"{name}{format_shape(value.shape)} {value.dtype.name}"
