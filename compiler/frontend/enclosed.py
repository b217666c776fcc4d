"""What a body could change unseen: variables and containers of the function around it."""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from types import CellType, FunctionType, GeneratorType, MethodType
from typing import Any, NamedTuple

from .libraries import is_users_object

MOST_LOOKED_AT = 2000  # objects: enough for what a function makes itself


class Enclosed(NamedTuple):
    """Something that a function can reach by its closure, and what was in it.

    Attributes:
        name: The variable by which it is reached.
        value: A variable, a container, an object, or an iterator.
        content: What is in it: compared by identity.
    """

    name: str
    value: Any
    content: tuple[Any, ...]

    @property
    def is_changed(self) -> bool:
        """Whether something else is in it now."""
        now = _content(self.value) or ()
        return len(now) != len(self.content) or any(map(_differs, now, self.content))

    @property
    def kind(self) -> str:
        """What to call it in messages."""
        return "variable" if isinstance(self.value, CellType) else type(self.value).__name__


def enclosed(function: Callable[..., Any]) -> list[Enclosed]:
    """Return what a function can reach by its closure, and what is in it now.

    Requires: nothing.
    Ensures: arrays, and what belongs to libraries, are not among it.
    Cost: linear in what is reached, of which no more than a bounded number is looked at.
    """
    found: list[Enclosed] = []
    seen: set[int] = set()
    waiting: deque[tuple[str, Any]] = deque([("", function)])
    while waiting and len(found) < MOST_LOOKED_AT:
        name, value = waiting.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        content = _content(value)
        if content is not None and not isinstance(value, tuple):
            found.append(Enclosed(name, value, content))
        waiting.extend(_inner(name, value, content or ()))
    return found


def _content(value: Any) -> tuple[Any, ...] | None:
    """Return what is in a value now; None where nothing can change in it."""
    if isinstance(value, CellType):
        try:
            return (value.cell_contents,)
        except ValueError:  # the variable has no value yet
            return None
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    if isinstance(value, list | tuple | set | deque):
        return tuple(value)
    if isinstance(value, GeneratorType):
        frame = value.gi_frame
        return () if frame is None else (_Position(frame.f_lasti), *frame.f_locals.values())
    if isinstance(value, count):
        return (_Position(repr(value)),)
    if hasattr(type(value), "__next__") and hasattr(type(value), "__length_hint__"):
        return (_Position(operator.length_hint(value)),)
    if is_users_object(value) and hasattr(value, "__dict__"):
        attributes = vars(value)
        return (*attributes.keys(), *attributes.values())
    return None


class _Position(str):
    """How far an iterator has come: compared by value."""

    __slots__ = ()


def _differs(now: Any, before: Any) -> bool:
    return now != before if isinstance(now, _Position) else now is not before


def _inner(name: str, value: Any, content: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, FunctionType):
        names = value.__code__.co_freevars
        yield from zip(names, value.__closure__ or (), strict=True)
        yield from ((value.__name__, one) for one in value.__defaults__ or ())
    elif isinstance(value, MethodType):
        yield name or "self", value.__self__
        yield name, value.__func__
    elif isinstance(value, partial):
        yield from ((name, one) for one in (value.func, value.args, value.keywords))
    else:
        yield from ((name, one) for one in content)
