"""What is in the memory of a program beside its arguments, to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...ir import Node, SourceLine, Value
from ...primitive import Uninitialised
from ...types import Dim
from .inventory import title
from .steps import Nest

if TYPE_CHECKING:
    from .section import Section


class Block(NamedTuple):
    """A part of a workspace; parts that are not alive at one time may lie in one place.

    Attributes:
        label: What is in it.
        nbytes: Its size.
        origin: The user's line.
    """

    label: str
    nbytes: int
    origin: SourceLine | None


class Contents(NamedTuple):
    """The memory of a program.

    Attributes:
        workspace: How many bytes its workspace has.
        results: How many its results have that are arrays.
        blocks: What is in the workspace, in the order of steps; bodies of loops have a part each.
        rows: The bytes of a row of each record whose length is known when the program runs; it has
            memory of its own.
    """

    workspace: int
    results: Dim
    blocks: tuple[Block, ...]
    rows: tuple[Block, ...]


def contents(section: Section) -> Contents:
    """Return what is in the memory of a program."""
    blocks = sorted(section.blocks, key=lambda one: one[1][1])
    results: Dim = 0
    for one in section.graph.outputs:
        results = results + (one.type.size * one.dtype.itemsize if one.ndim else 0)
    named = (_block(section, key, size) for key, (size, _, _) in blocks if size)
    return Contents(section.workspace_bytes, results, tuple(named), tuple(_rows(section)))


def _block(section: Section, key: Any, nbytes: int) -> Block:
    if isinstance(key, Value):
        key = _known(section, key)
        return Block(_name(section, key), nbytes, _origin(section, key))
    if isinstance(key, Node):
        return Block(f"packed for {title(key)}", nbytes, key.origin)
    owner, place = key
    if isinstance(owner, Value):
        turn = " (taking turns)" if place else ""
        return Block(_name(section, owner) + turn, nbytes, _origin(section, owner))
    if isinstance(owner, Nest):
        fold = owner.folds[0]
        return Block(f"parts of {fold.primitive.name}", nbytes, fold.origin)
    return Block("body of a loop", nbytes, owner.origin)


def _known(section: Section, value: Value) -> Value:
    """Return, of the values that lie in the memory of this one, the first that has a name."""
    others = (one for one, home in section.plan.shared.items() if home is value)
    return next((one for one in (value, *others) if one.name), value)


def _name(section: Section, value: Value) -> str:
    node = section.plan.producers.get(value)
    return value.name or (node.primitive.name if node else "array")


def _origin(section: Section, value: Value) -> SourceLine | None:
    node = section.plan.producers.get(value)
    return node.origin if node else None


def _rows(section: Section) -> list[Block]:
    found = []
    for value in section.ends:
        if not isinstance(section.plan.producers[value].primitive.lower, Uninitialised):
            continue  # the same one, cut
        row = value.type.with_shape(value.shape[1:]).nbytes or 0
        found.append(Block(_name(section, value), row, _origin(section, value)))
    inner = [part for parts in section.inner.values() for part in parts]
    return found + [one for part in inner for one in _rows(part)]
