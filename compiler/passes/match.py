"""Patterns of rewrite rules, and finding them in a graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..ir import Node, Value
from ..operators import Operators
from ..primitive import Attrs, Primitive
from .rewriter import Rewriter

_COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "logaddexp"}


class _Term(Operators):
    """Anything in a pattern; primitives applied to it give patterns."""

    def bind(self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs) -> Apply:
        return Apply(primitive, tuple(operands), dict(attrs))


@dataclass(eq=False)
class Any_(_Term):  # noqa: N801 - not typing.Any
    """Stands for any value, the same one wherever it occurs."""

    name: str


@dataclass(eq=False)
class AnyAttr:
    """Stands for any attr, the same one wherever it occurs."""

    name: str


@dataclass(eq=False)
class Apply(_Term):
    """A primitive applied to patterns and numbers."""

    primitive: Primitive
    operands: tuple[Any, ...]
    attrs: dict[str, Any]


@cache
def pattern_of(before: Callable[..., Any]) -> Apply:
    """Return the pattern that a function in the object language describes."""
    operands, attrs = [], {}
    for name, parameter in inspect.signature(before).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            attrs[name] = AnyAttr(name)
        else:
            operands.append(Any_(name))
    pattern = before(*operands, **attrs)
    assert isinstance(pattern, Apply)
    return pattern


@cache
def made_for(pattern: Apply) -> frozenset[Primitive]:
    """Return the primitives that have to make the operands of what matches a pattern."""
    return frozenset(one.primitive for one in pattern.operands if isinstance(one, Apply))


def match(rewriter: Rewriter, pattern: Apply, node: Node) -> dict[str, Any] | None:
    """Return what the operands and attrs of a pattern stand for in a node, or ``None``."""
    return next(_nodes(rewriter, pattern, node, node, {}), None)


def _nodes(
    rewriter: Rewriter, pattern: Apply, node: Node, root: Node, found: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if node.primitive is not pattern.primitive or len(node.operands) != len(pattern.operands):
        return
    found = dict(found)
    for key, wanted in pattern.attrs.items():
        value = node.attrs[key]
        if isinstance(wanted, AnyAttr):
            wanted = found.setdefault(wanted.name, value)
        if wanted != value:
            return
    orders = [pattern.operands]
    if node.primitive.name in _COMMUTATIVE:
        orders.append(pattern.operands[::-1])
    for order in orders:
        yield from _all(rewriter, order, node.operands, root, found)


def _all(
    rewriter: Rewriter,
    patterns: Sequence[Any],
    values: Sequence[Value],
    root: Node,
    found: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    if not patterns:
        yield found
        return
    for inner in _value(rewriter, patterns[0], values[0], root, found):
        yield from _all(rewriter, patterns[1:], values[1:], root, inner)


def _value(
    rewriter: Rewriter, pattern: Any, value: Value, root: Node, found: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if isinstance(pattern, Any_):
        if found.get(pattern.name, value) is value:
            yield {**found, pattern.name: value}
    elif isinstance(pattern, Apply):
        made = rewriter.made_by(value, root)
        if made is not None:
            yield from _nodes(rewriter, pattern, made, root, found)
    elif rewriter.number(value) == pattern:
        yield found
