"""The steps of a plan: nests, tiny values, checks of places, and nodes of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from ...ir import Node, Value
from .gathers import Checked
from .lowering import is_record

TINY = 16  # so many elements are kept in registers


@dataclass(eq=False)
class Nest:
    """Loops over all points of a space.

    Attributes:
        shape: The space.
        values: What is computed at each point.
        folds: Reductions of values of this shape.
        cost: The number of operations in it.
    """

    shape: tuple[int, ...]
    values: list[Value] = field(default_factory=list)
    folds: list[Node] = field(default_factory=list)
    cost: int = 0


@dataclass(eq=False)
class Tiny:
    """A value whose elements are computed one by one, into registers."""

    node: Node


Step = Nest | Tiny | Checked | Node


def size_of(value: Value) -> int:
    """Return how many bytes a value takes."""
    size: int = prod(value.shape) * value.dtype.itemsize
    return size


def is_tiny(value: Value) -> bool:
    """Whether the elements of a value are kept in registers."""
    return not is_record(value) and prod(value.shape) <= TINY
