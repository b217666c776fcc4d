"""Cotangents that users pass to a pullback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.errors import TypeRuleError
from ..compiler.frontend.source import user_line
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import flatten
from ..compiler.types import ArrayType, type_of


def cotangents(ct: Any, types: Sequence[ArrayType]) -> list[Any]:
    """Return the leaves of a cotangent, converted to the dtypes of the outputs.

    Raises:
        TypeRuleError: They do not have the shapes of the outputs.
    """
    leaves: list[Any] = []
    flatten(ct, "ct", leaves, [])
    given = [leaf if isinstance(leaf, Tracer) else type_of(leaf) for leaf in leaves]
    if [one.shape for one in given] != [type.shape for type in types]:
        raise TypeRuleError(
            "the cotangent must have the shapes of the floating-point outputs",
            got=f"{', '.join(map(str, given))} for {', '.join(map(str, types))}",
            where=user_line(),
        )
    return [
        leaf if isinstance(leaf, Tracer) else np.asarray(leaf, type.dtype)[()]
        for leaf, type in zip(leaves, types, strict=True)
    ]
