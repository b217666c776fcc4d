"""What the code calls back, by the names that users know."""

from __future__ import annotations

import re

from ...ir import Node
from ...primitive import NumPy
from ...primitives.control import callback


def python_name(node: Node) -> str:
    """Return what a call back into Python calls: ``numpy.linalg.solve``."""
    if node.primitive is callback:
        return str(node.attrs["callback"].name)
    numpy = node.primitive.numpy
    if isinstance(numpy, NumPy):
        found = re.match(r"np\.([\w.]+)\(", numpy.text([x.type for x in node.operands], node.attrs))
        if found:
            return f"numpy.{found[1]}"
    return node.primitive.name
