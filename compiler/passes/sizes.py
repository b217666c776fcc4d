"""Sizes that begin inside a program: which node tells what they are, and which nodes use them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir import Node, Value
from ..primitives.records import record, trim
from ..primitives.selection import Mask
from ..types import Sym


def size_names(values: Iterable[Value]) -> set[str]:
    """Return the names of the unknown sizes in the shapes of values."""
    dims = (dim for value in values for dim in value.shape)
    return {name for dim in dims if isinstance(dim, Sym) for name in dim.names}


def told_sizes(node: Node) -> set[str]:
    """Return the names of the sizes of which a node tells what they are.

    A mask how many elements it selects, a loop how often it ran.
    """
    size = node.attrs.get("size")
    if isinstance(size, Sym) and (node.primitive is trim or node.primitive is record):
        return set() if node.attrs.get("grows") else set(size.names)
    counts = [one.count for one in node.attrs.get("index", ()) if isinstance(one, Mask)]
    return {name for one in counts if isinstance(one, Sym) for name in one.names}


def used_sizes(node: Node) -> set[str]:
    """Return the names of the unknown sizes that the text of a node may mention."""
    found = size_names(node.outs)
    for attr in node.attrs.values():
        for dim in attr if isinstance(attr, tuple) else (attr,):
            if isinstance(dim, Sym):
                found |= dim.names
    for region in node.regions:
        for inner in region.nodes:
            found |= used_sizes(inner)
    return found


def untold(nodes: Sequence[Node], forward: Sequence[Node], outside: set[str]) -> list[Value]:
    """Return what has to be computed, too, for nodes to know the sizes that they use.

    Args:
        nodes: Nodes that run elsewhere.
        forward: The nodes among which some tell these sizes.
        outside: The sizes that are known there.
    """
    used = {name for node in nodes for name in used_sizes(node)}
    missing = used - outside - {name for node in nodes for name in told_sizes(node)}
    found = []
    for node in forward:
        told = told_sizes(node) & missing
        if told:
            missing -= told
            found.append(node.out)
    return found
