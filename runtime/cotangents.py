"""Cotangents that users pass to a pullback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.errors import TypeRuleError
from ..compiler.frontend.source import user_line
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import Branch, Leaf, Tree, parts
from ..compiler.types import ArrayType, type_of
from .tangents import container, described, passed


def cotangents(ct: Any, output: Tree, types: Sequence[ArrayType]) -> list[Any]:
    """Return the cotangents of the floating-point outputs, converted to their dtypes.

    Args:
        ct: What the user passes; what stands in it for other outputs is not read.
        output: The tree of the outputs.
        types: The type of each of its leaves.

    Raises:
        TypeRuleError: They do not have the structure, shapes or kind of the outputs.
    """
    given = _leaves(ct, output)
    return [_typed(one, type) for one, type in zip(given, types, strict=True) if type.is_float]


def _leaves(ct: Any, output: Tree) -> list[Any]:
    if isinstance(output, Leaf):
        return [ct]
    if not isinstance(output, Branch):
        return []
    found = dict(parts(ct) or ())
    if found.keys() != set(output.keys):
        raise TypeRuleError(
            "the cotangent must have the structure of the output",
            got=f"{described(ct)} in place of {container(output.kind, output.keys)}",
            where=user_line(),
            fix="pass a container like the one that was returned, with a cotangent for each array",
        )
    children = zip(output.keys, output.children, strict=True)
    return [leaf for key, child in children for leaf in _leaves(found[key], child)]


def _typed(ct: Any, type: ArrayType) -> Any:
    given = ct.type if isinstance(ct, Tracer) else type_of(ct)
    if given.shape != type.shape or given.dtype.kind not in "fiub":
        raise TypeRuleError(
            "a cotangent must have the shape of its output, and be real",
            got=f"{passed(ct, given)} for {type}",
            where=user_line(),
            fix="pass np.ones_like of the output to weigh all of its elements alike",
        )
    if isinstance(ct, Tracer):
        return ct if given.dtype == type.dtype else ct.astype(type.dtype)
    return np.asarray(ct, type.dtype)[()]
