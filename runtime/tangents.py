"""Tangents and vectors that users pass to forward mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.errors import GradcError, TypeRuleError, listed
from ..compiler.frontend import fence
from ..compiler.frontend.signature import Signature, Wanted
from ..compiler.frontend.source import user_line
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import Branch, Leaf, Tree, parts, unflatten
from ..compiler.types import ArrayType, type_of


def tangents(given: Any, wanted: Wanted, signature: Signature) -> list[Any]:
    """Return the tangent of each leaf that is differentiated, converted to its dtype.

    Args:
        given: What the user passes: one for one parameter, a tuple for a tuple of them; each has
            the structure of its argument (what stands in place of integers is not read).
        wanted: The parameters that have tangents.
        signature: The types of the arguments.

    Raises:
        TypeRuleError: They do not have the structure, shapes or kind of the arguments.
    """
    each = [given] if wanted.single else _one_for_each(given, len(wanted.trees))
    found = [
        leaf for one, tree in zip(each, wanted.trees, strict=True) for leaf in _leaves(one, tree)
    ]
    return [
        _typed(one, signature.leaves[position].type, signature.names[position])
        for one, position in zip(found, wanted.leaves, strict=True)
    ]


def check_primals(primals: Any) -> None:
    """Refuse what is no tuple of positional arguments.

    Raises:
        GradcError: With what to write instead.
    """
    if not isinstance(primals, tuple | list):
        raise GradcError(
            "the primals are the positional arguments, in a tuple",
            got=type(primals).__name__,
            where=user_line(),
            fix="write jvp((x,), tangent) for one argument",
        )


def with_zeros(output: Tree, primals: Sequence[Any], pushed: Sequence[Any]) -> Any:
    """Return the tangents of outputs in their structure; zeros for what is not floating-point.

    Args:
        output: The tree of the outputs.
        primals: Its leaves.
        pushed: The tangents of those that are floating-point.
    """
    rest = iter(pushed)
    leaves = [next(rest) if one.dtype.kind == "f" else np.zeros_like(one)[()] for one in primals]
    return unflatten(output, leaves)


def _one_for_each(given: Any, count: int) -> Sequence[Any]:
    if not isinstance(given, tuple | list) or len(given) != count:
        got = f"{len(given)} of them" if isinstance(given, tuple | list) else type(given).__name__
        raise TypeRuleError(
            f"the tangents must be a tuple of {count}, one for each parameter in wrt",
            got=got,
            where=user_line(),
            fix="pass tangents in the structure of the gradient by these parameters",
        )
    return given


def _leaves(given: Any, tree: Tree) -> list[Any]:
    if isinstance(tree, Leaf):
        return [given]
    if not isinstance(tree, Branch):
        return []
    found = dict(parts(given) or ())
    if found.keys() != set(tree.keys):
        raise TypeRuleError(
            "a tangent must have the structure of its argument",
            got=f"{described(given)} in place of {container(tree.kind, tree.keys)}",
            where=user_line(),
            fix="pass a container like the argument, with a tangent for each array in it",
        )
    children = zip(tree.keys, tree.children, strict=True)
    return [leaf for key, child in children for leaf in _leaves(found[key], child)]


def described(given: Any) -> str:
    """Return what was passed in place of a container."""
    found = parts(given)
    if found is None:
        return type(given).__name__
    return container(type(given), [key for key, _ in found])


def container(kind: type, keys: Sequence[Any]) -> str:
    """Return how a container is named: by its keys, or by their number."""
    if kind in (tuple, list):
        return f"{kind.__name__} of {len(keys)}"
    return f"{kind.__name__} with {listed(keys) or 'nothing in it'}"


def passed(given: Any, taken: ArrayType) -> str:
    """Return what was passed: as what NumPy takes it, if that is an array of its own dtypes."""
    return type(given).__name__ if taken.dtype.hasobject else str(taken)


def _typed(tangent: Any, type: ArrayType, name: str) -> Any:
    if isinstance(tangent, Tracer) and not tangent.tracing.alive:
        raise fence.leaked(tangent)
    if isinstance(tangent, tuple | list):
        raise TypeRuleError(
            f"the tangent of {name} is one array, as {name} is",
            got=described(tangent),
            where=user_line(),
            fix="pass the array itself; a tuple of tangents belongs to a tuple in wrt",
        )
    given = tangent.type if isinstance(tangent, Tracer) else type_of(tangent)
    if given.shape != type.shape or given.dtype.kind not in "fiub":
        raise TypeRuleError(
            f"the tangent of {name} must have the shape of {name}, and be real",
            got=f"{passed(tangent, given)} for {type}",
            where=user_line(),
            fix=f"pass np.ones_like({name}), or another direction of this shape",
        )
    if isinstance(tangent, Tracer):
        return tangent if given.dtype == type.dtype else tangent.astype(type.dtype)
    return np.asarray(tangent, type.dtype)[()]
