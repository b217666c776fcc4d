"""Small graphs for the tests of the compiler, written as functions of values."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.types import ArrayType, Dim


def array_type(*shape: Dim, dtype: Any = np.float64) -> ArrayType:
    """Return the type of an array of this shape."""
    return ArrayType(shape, np.dtype(dtype))


def build(function: Callable[..., Any], **types: ArrayType) -> Graph:
    """Return the graph of a function of Values; its params have the names and types given."""
    params = tuple(Value(one, name) for name, one in types.items())
    with Builder() as builder:
        outputs = function(*params)
    outputs = (outputs,) if isinstance(outputs, Value) else tuple(outputs)
    return Graph(params, tuple(builder.nodes), outputs)


def names_of(nodes: Sequence[Any]) -> list[str]:
    """Return the primitive of each node."""
    return [node.primitive.name for node in nodes]
