"""Jacobians and Hessians: how their parts are given back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compiler.errors import DerivativeError
from ..compiler.frontend.signature import Wanted
from ..compiler.frontend.source import user_line
from ..compiler.frontend.tree import Tree, count_leaves, unflatten

# The modes that give derivatives as arrays: by the mode that finds them, or of second order.
TABLES = ("jacobian", "jacrev", "jacfwd", "hessian")


def arrange_table(
    what: str, primal: Tree, floats: Sequence[int], wanted: Wanted, parts: Sequence[Any]
) -> Any:
    """Return derivatives in the structure of the output, and in it in that of the arguments.

    Args:
        what: One of ``TABLES``.
        primal: The tree of the outputs.
        floats: Positions of those that are floating-point; of others there is None.
        wanted: By what they are differentiated.
        parts: For each of ``floats``, by each leaf (in a Hessian, by each pair of leaves) an array.
    """
    rest = iter(parts)
    count = len(wanted.leaves)

    def row() -> Any:
        return wanted.arrange([next(rest) for _ in range(count)])

    leaves: list[Any] = []
    for i in range(count_leaves(primal)):
        if i not in floats:
            leaves.append(None)
        elif what == "hessian":
            leaves.append(wanted.arrange([row() for _ in range(count)]))
        else:
            leaves.append(row())
    return unflatten(primal, leaves)


def check_differentiable(floats: Sequence[int], what: str) -> None:
    """Refuse outputs without a floating-point array.

    Raises:
        DerivativeError: There is none.
    """
    if not floats:
        raise DerivativeError(
            f"a {'Hessian' if what == 'hessian' else 'Jacobian'} needs a floating-point output",
            got="none",
            where=user_line(),
            fix="return what is to be differentiated as float64 or float32",
        )
