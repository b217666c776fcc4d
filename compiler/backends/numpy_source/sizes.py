"""The lines that give unknown sizes their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...primitives.elementwise import constant
from ...types import Sym
from .expressions import assign, fill
from .frame import to_source

if TYPE_CHECKING:
    from .body import Body


def size_lines(body: Body, results: Sequence[str]) -> list[str]:
    """Return the lines that give unknown sizes their names, where these are used."""
    text = "\n".join([*(line.partition("  # ")[0] for line in body.lines), *results])
    for size in body.sizes:
        if not re.search(rf"\b{size}\b(?! =)", text):
            body.lines[:] = [line for line in body.lines if not line.startswith(f"{size} =")]
    lines: list[str] = []
    bound: set[str] = set()
    for value in () if body.is_inner else body.graph.params:
        for axis, dim in enumerate(value.shape):
            label = str(dim)
            if isinstance(dim, Sym) and label.isidentifier() and label not in bound:
                bound.add(label)
                if re.search(rf"\b{label}\b", text):
                    lines.append(f"{label} = {body.names[value]}.shape[{axis}]")
    for size, (value, template) in body.sizes.items():
        made = body.producer.get(value)
        given = made is None or made.primitive is constant
        if given and str(size) not in bound and re.search(rf"\b{size}\b", text):
            lines.append(to_source(assign(str(size), fill(template, [body.read(value)]))))
    return lines
