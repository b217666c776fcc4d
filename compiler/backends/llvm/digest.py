"""What a graph computes, as a digest: equal in every process, wherever the user's lines stand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import singledispatchmethod
from typing import Any

import numpy as np

from ...ir import Constant, Graph, Node, Value
from ...types import ArrayType, Sym
from .layout import places_of

_PACKAGE = __name__.partition(".")[0]
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


class NoDigestError(Exception):
    """What a graph computes is not in the graph: it calls a function of the user's."""


def digest(graph: Graph) -> str:
    """Return a digest of what a graph computes, 64 hexadecimal digits.

    The names of values and the user's lines are left out; but lines that read or store at computed
    places are in it, as the message about a wrong place names them.

    Raises:
        NoDigestError: It holds something that has no content to compare: a function, or a primitive
            that is not this package's.
    """
    text = _Text()
    text.add(graph)
    return hashlib.sha256("\n".join(text.parts).encode()).hexdigest()


class _Text:
    """Writes a graph as parts of a text, in which values and unknown sizes have numbers."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._values: dict[Value, int] = {}
        self._sizes: dict[str, int] = {}

    @singledispatchmethod
    def add(self, item: Any) -> None:
        """Append what stands for an item: its type, and what is in it."""
        if isinstance(item, _PLAIN):
            self.parts.append(f"{type(item).__name__} {item!r}")
            return
        if not is_dataclass(item) or not type(item).__module__.startswith(f"{_PACKAGE}."):
            raise NoDigestError(f"{type(item).__qualname__} in a graph")
        self.parts.append(type(item).__qualname__)
        self.add(tuple(getattr(item, field.name) for field in fields(item)))

    @add.register(np.generic)
    @add.register(np.ndarray)
    def _array(self, item: Any) -> None:
        content = hashlib.sha256(item.tobytes()).hexdigest()
        self.parts.append(f"array {item.dtype.str} {item.shape} {content}")

    @add.register
    def _constant(self, item: Constant) -> None:
        self.add(item.array)

    @add.register(np.dtype)
    def _dtype(self, item: np.dtype[Any]) -> None:
        self.parts.append(item.str)

    @add.register(tuple)
    @add.register(list)
    def _sequence(self, item: Sequence[Any]) -> None:
        self.parts.append(f"{type(item).__qualname__} of {len(item)}")
        for one in item:
            self.add(one)

    @add.register(Mapping)
    def _mapping(self, item: Mapping[str, Any]) -> None:
        self.parts.append(f"{len(item)} names")
        for name in sorted(item):
            self.parts.append(name)
            self.add(item[name])

    @add.register
    def _size(self, item: Sym) -> None:
        self.parts.append(f"{len(item.terms)} terms")
        for monomial, count in item.terms:
            numbers = [self._sizes.setdefault(name, len(self._sizes)) for name in monomial]
            self.parts.append(f"{count} * sizes {numbers}")

    @add.register
    def _type(self, item: ArrayType) -> None:
        if item.is_static:
            self.parts.append(f"{item.dtype.str} {item.shape}")
        else:
            self.add((item.dtype, item.shape))

    @add.register
    def _graph(self, item: Graph) -> None:
        outer, self._values = self._values, {}  # a body reads nothing but its params
        self._declare(item.params)
        for node in item.nodes:
            self._node(node)
        self._use(item.outputs)
        self._values = outer

    def _node(self, node: Node) -> None:
        if node.primitive.module.partition(".")[0] != _PACKAGE:
            raise NoDigestError(f"the primitive {node.primitive.name} of {node.primitive.module}")
        self.parts.append(node.primitive.name)
        self._use(node.operands)
        self.add(node.attrs)
        if places_of(node):
            self.add(str(node.origin))
        self._declare(node.outs)

    def _declare(self, values: tuple[Value, ...]) -> None:
        self.parts.append(f"{len(values)} values")
        for value in values:
            self._values[value] = len(self._values)
            self.add(value.type)

    def _use(self, values: tuple[Value, ...]) -> None:
        self.parts.append(f"values {[self._values[one] for one in values]}")
