"""Where a captured function found what is not an argument, and how to find it again.

A ``Place`` is a root and the steps from it: ``model.layers[0].w`` is the global ``model``, the
attribute ``layers``, the item 0, the attribute ``w``. What was found there is a ``Read``: an array
is read anew at each call, of everything else the program depends on what it was.
"""

from __future__ import annotations

import copy
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .libraries import is_library


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """Where a place begins.

    Attributes:
        kind: "global" (of the dict ``holder``), "cell" (a closure variable), "object" (what is
            held), or "argument" (``holder`` is the position of the parameter).
        holder: Where to look.
        name: The name by which the function says it.
    """

    kind: str
    holder: Any
    name: str

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Root) or self.kind != other.kind or self.name != other.name:
            return False
        return self.holder == other.holder if self.kind == "argument" else self.is_in(other.holder)

    def is_in(self, holder: Any) -> bool:
        """Whether it is looked up in this very object."""
        return self.holder is holder

    def __hash__(self) -> int:
        return hash((self.kind, self.name))


@dataclass(frozen=True, slots=True)
class Place:
    """A root, and the attributes and items that lead on from it."""

    root: Root
    steps: tuple[tuple[str, Any], ...] = ()

    def attribute(self, name: str) -> Place:
        """Return the place of an attribute of what lies here."""
        return Place(self.root, (*self.steps, ("attribute", name)))

    def item(self, key: Any) -> Place:
        """Return the place of an item of what lies here."""
        return Place(self.root, (*self.steps, ("item", key)))

    @property
    def identifier(self) -> str:
        """A name for it in generated code."""
        return re.sub(r"\W+", "_", str(self)).strip("_") or "value"

    def __str__(self) -> str:
        text = self.root.name
        for kind, key in self.steps:
            text += f".{key}" if kind == "attribute" else f"[{key!r}]"
        return text

    def find(self, values: Sequence[Any]) -> Any:
        """Return what lies here now.

        Args:
            values: The value of each parameter of the function.
        """
        kind, holder = self.root.kind, self.root.holder
        if kind == "global":
            found = holder[self.root.name]
        elif kind == "cell":
            found = holder.cell_contents
        else:
            found = values[holder] if kind == "argument" else holder
        for step, key in self.steps:
            found = getattr(found, key) if step == "attribute" else found[key]
        return found

    def put(self, values: Sequence[Any], value: Any) -> None:
        """Store something here."""
        if not self.steps:
            if self.root.kind == "cell":
                self.root.holder.cell_contents = value
            else:
                self.root.holder[self.root.name] = value
            return
        step, key = self.steps[-1]
        target = Place(self.root, self.steps[:-1]).find(values)
        if step == "attribute":
            _set_attribute(target, key, value)
        else:
            put(target, key, value)


def copied(value: Any) -> Any:
    """Return a copy of a container, made without code of the user's class."""
    kind: Any = type(value)
    if is_library(kind.__module__):
        return copy.copy(value)
    made = kind.__new__(kind)
    if isinstance(value, dict):
        dict.update(made, value)
    else:
        list.extend(made, value)
    getattr(made, "__dict__", {}).update(getattr(value, "__dict__", {}))
    return made


def put(container: Any, key: Any, value: Any) -> None:
    """Store an item, without code of the user's class."""
    if isinstance(container, dict) and not is_library(type(container).__module__):
        dict.__setitem__(container, key, value)
    elif isinstance(container, list):
        list.__setitem__(container, key, value)
    else:
        container[key] = value


def _set_attribute(target: Any, name: str, value: Any) -> None:
    """Store an attribute; what the user's class does at a store was done while capturing."""
    attributes = getattr(target, "__dict__", None)
    is_slot = type(getattr(type(target), name, None)).__name__ == "member_descriptor"
    if isinstance(attributes, dict) and not is_slot:
        attributes[name] = value
    elif isinstance(target, type):
        setattr(target, name, value)
    else:
        object.__setattr__(target, name, value)


@dataclass(frozen=True, slots=True)
class Read:
    """What was found at a place.

    Attributes:
        place: The place.
        kind: What of it the program depends on: "array" (its dtype and shape), "number" (its type),
            "equal" (type and value), "same" (which object it is), "alias" (that it is what lies at
            another place), "code" (which function, and its code), "type", "length" (of a list or
            tuple), "keys" (of a dict), "missing" (that there is nothing), "unset" (that it is an
            attribute of the class, if at all).
        expected: What it was.
    """

    place: Place
    kind: str
    expected: Any

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether it is the same now."""
        try:
            if self.kind == "alias":
                return self.place.find(values) is self.expected.find(values)
            if self.kind == "unset":
                owner = Place(self.place.root, self.place.steps[:-1]).find(values)
                return self.place.steps[-1][1] not in getattr(owner, "__dict__", ())
            return self.test(self.place.find(values))
        except (AttributeError, LookupError, TypeError, ValueError):
            return self.kind == "missing"

    def test(self, found: Any) -> bool:
        """Whether this is as expected."""
        expected = self.expected
        if self.kind == "same":
            return found is expected
        if self.kind == "missing":
            return False
        if self.kind == "code":
            return found is expected[0] and found.__code__ is expected[1]
        if self.kind == "array":
            kind, dtype, shape = expected
            return bool(type(found) is kind and found.dtype == dtype and found.shape == shape)
        if self.kind in ("type", "number"):
            return type(found) is expected
        if self.kind == "equal":
            return alike(found, expected)
        kind, rest = expected
        size = len(found) if self.kind == "length" else tuple(found)
        return type(found) is kind and bool(size == rest)


def alike(found: Any, expected: Any) -> bool:
    """Whether two values, or containers of them, are the same in type and value."""
    if type(found) is not type(expected):
        return False
    if isinstance(expected, np.ndarray):
        same_type = found.dtype == expected.dtype and found.shape == expected.shape
        return bool(same_type) and found.tobytes() == expected.tobytes()
    if isinstance(expected, list | tuple | deque):
        return len(found) == len(expected) and all(map(alike, found, expected))
    if isinstance(expected, dict):
        return tuple(found) == tuple(expected) and all(
            map(alike, found.values(), expected.values())
        )
    if isinstance(expected, float | complex | np.inexact):
        return found is expected or repr(found) == repr(expected)  # nan, and the sign of a zero
    return bool(found == expected)
