"""Calls back into NumPy, and of the user's Python: for what has no native code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Node

if TYPE_CHECKING:
    from .section import Section


def emit_call(section: Section, node: Node) -> None:
    """Append a call with the addresses of operands and results, which have no gaps."""
    pointers = [section.pointer(operand) for operand in node.operands]
    targets = [section.target(out) for out in node.outs]
    section.emission.call(node, [*pointers, *targets])
    for out, target in zip(node.outs, targets, strict=True):
        section.place_at(out, target)
