"""Nested containers: tuples, lists, dicts, dataclasses, and what lies in them."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from types import BuiltinMethodType, CellType, FunctionType, MethodType
from typing import Any

import numpy as np

from ..errors import CaptureError
from ..types import ArrayType
from . import fence
from .libraries import is_users_object
from .source import user_line
from .tracer import Tracer


@dataclass(frozen=True, slots=True)
class Spec:
    """Stands for an array of a type where a program is compiled but not run."""

    type: ArrayType


@dataclass(frozen=True, slots=True)
class Leaf:
    """The place of an array or a number."""


@dataclass(frozen=True, slots=True)
class Static:
    """Anything else: part of the specialisation. Values of different types are different."""

    kind: type
    value: Any


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of the user's class: what a function reads of it is found out while capturing."""

    kind: type
    value: Any = field(compare=False)


@dataclass(frozen=True, slots=True)
class Branch:
    """A container: its type, its keys, and what lies under each."""

    kind: type
    keys: tuple[Any, ...]
    children: tuple[Any, ...]


Tree = Leaf | Static | Instance | Branch
_LEAF = Leaf()
_LEAVES = (np.ndarray, np.generic, Tracer, Spec)


def is_leaf(value: Any) -> bool:
    """Whether a value is an array, a NumPy scalar, or a Python number (a bool is not)."""
    return isinstance(value, _LEAVES) or type(value) in (int, float, complex)


def flatten(
    value: Any,
    name: str,
    leaves: list[Any],
    names: list[str],
    objects: bool = True,
    bools: bool = False,
) -> Tree:
    """Append the leaves of a value, and a name for each, and return its tree.

    Args:
        value: The value.
        name: Its name.
        leaves: Gets the leaves.
        names: Gets their names.
        objects: Whether objects of the user's classes may be in it.
        bools: Whether a Python bool is a leaf, as a NumPy one.

    Raises:
        CaptureError: Something in it can be neither an array nor part of the specialisation.
    """
    if is_leaf(value):
        leaves.append(value)
        names.append(name)
        return _LEAF
    if bools and type(value) is bool:
        return flatten(np.bool_(value), name, leaves, names)
    found = parts(value)
    if found is not None:
        keys = tuple(key for key, _ in found)
        children = tuple(
            flatten(child, _joined(name, key), leaves, names, objects, bools)
            for key, child in found
        )
        return Branch(type(value), keys, children)
    if not objects and (is_users_object(value) or _may_hold_tracers(value)):
        raise fence.returned_object(value)
    if not is_users_object(value):
        return static(value, name)
    return Instance(type(value), value)


def _may_hold_tracers(value: Any) -> bool:
    """Whether a function, an iterator or an error may use tracers later, when these are dead."""
    if isinstance(value, FunctionType):
        return any(type(one) is Tracer for one in map(_content, value.__closure__ or ()))
    if isinstance(value, BuiltinMethodType | MethodType):
        return type(value.__self__) is Tracer
    return isinstance(value, BaseException | partial) or hasattr(type(value), "__next__")


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        return None


def _joined(name: str, key: Any) -> str:
    """Return the name of what lies under a key: an identifier, whatever the key is."""
    return re.sub(r"\W", "_", f"{name}_{key}")


def static(value: Any, name: str) -> Static:
    """Return the tree of a value that is part of the specialisation.

    Raises:
        CaptureError: It cannot be hashed.
    """
    try:
        hash(value)
    except TypeError:
        raise CaptureError(
            f"{name} is no array, number or container of these, and not hashable",
            got=type(value).__name__,
            where=user_line(),
            fix="pass arrays, tuples, lists, dicts or dataclasses; make other objects hashable",
        ) from None
    return Static(type(value), value)


def parts(value: Any) -> list[tuple[Any, Any]] | None:
    """Return the keys of a container and what lies under them; None for anything else."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, deque):
        return list(enumerate(value))
    if isinstance(value, tuple | list):
        names = getattr(value, "_fields", range(len(value)))
        return list(zip(names, value, strict=True))
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        if getattr(value, "__dict__", {}).keys() <= set(names):  # all that it consists of
            return [(name, getattr(value, name)) for name in names]
    return None


def unflatten(tree: Tree, leaves: Sequence[Any]) -> Any:
    """Return the container with these leaves in it."""
    return map_tree(tree, iter(leaves).__next__)


def map_tree(tree: Tree, next_leaf: Callable[[], Any]) -> Any:
    """Return the container, asking for each leaf in order."""
    if isinstance(tree, Leaf):
        return next_leaf()
    if isinstance(tree, Static | Instance):
        return tree.value
    children = [map_tree(child, next_leaf) for child in tree.children]
    if issubclass(tree.kind, tuple) and hasattr(tree.kind, "_make"):
        return tree.kind._make(children)
    if issubclass(tree.kind, tuple | list | deque):
        return tree.kind(children)
    pairs = dict(zip(tree.keys, children, strict=True))
    if issubclass(tree.kind, defaultdict):
        return defaultdict(None, pairs)
    if issubclass(tree.kind, dict):
        mapping = tree.kind()
        mapping.update(pairs)
        return mapping
    made: Any = tree.kind.__new__(tree.kind)
    for key, child in pairs.items():
        object.__setattr__(made, key, child)  # a frozen dataclass too
    return made


def count_leaves(tree: Tree) -> int:
    """Return how many leaves a tree has."""
    if isinstance(tree, Branch):
        return sum(map(count_leaves, tree.children))
    return int(isinstance(tree, Leaf))
