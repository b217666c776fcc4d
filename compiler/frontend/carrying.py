"""What loops carry: structures of arrays, their types, and how much of them is saved."""

from __future__ import annotations

import inspect
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeGuard

import numpy as np

from ..errors import CaptureError
from ..ir import Value
from ..primitives.regions import Checkpoint
from .active import current_trace
from .bodies import Body, Slot, entering, leaving
from .fence import leaked, restructured, unlike_function
from .source import names_unpacked_from, user_line
from .trace import Trace
from .tracer import Tracer
from .tree import Branch, Instance, Leaf, Static, Tree, flatten, unflatten

Function = Callable[..., Any]
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def checkpoint_of(
    checkpoint: str | None, every: int | None, memory: str | int | None
) -> Checkpoint | None:
    """Return what the options of a loop say about what it saves.

    Raises:
        CaptureError: They contradict each other, or one has no meaning.
    """
    given = [one for one in (checkpoint, every, memory) if one is not None]
    if not given:
        return None
    if len(given) > 1:
        raise CaptureError(
            "a loop takes one of checkpoint, every and memory",
            got=", ".join(map(repr, given)),
            where=user_line(),
            fix="choose one of them",
        )
    if isinstance(checkpoint, str) and checkpoint == "sqrt":
        return Checkpoint("sqrt")
    if _is_count(every):
        return Checkpoint("every", operator.index(every))
    if isinstance(memory, str):
        found = re.fullmatch(r"\s*(\d+\.?\d*)\s*([KMG]?I?B)\s*", memory, re.IGNORECASE)
        memory = int(float(found[1]) * UNITS[found[2].upper()]) if found else None
    if _is_count(memory):
        return Checkpoint("memory", operator.index(memory))
    raise CaptureError(
        "what a loop saves is not said in a known way",
        got=repr(given[0]),
        where=user_line(),
        fix='write checkpoint="sqrt", every=100 (iterations), or memory="512MB"',
    )


def _is_count(number: Any) -> TypeGuard[int]:
    is_integer = type(number) is int or isinstance(number, np.integer)
    return is_integer and not isinstance(number, Tracer) and number > 0


def check_function(function: Any, what: str, takes: str, count: int, usage: str) -> None:
    """Refuse what is no function, or one that does not take these arguments.

    Args:
        function: What the user gave.
        what: What it is for.
        takes: What it is called with.
        count: How many arguments that is.
        usage: What to write.

    Raises:
        CaptureError: It cannot be called with them.
    """
    if not callable(function):
        got = str(function.type) if isinstance(function, Tracer) else repr(function)
        raise unlike_function(what, takes, got, usage)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # it does not tell
        return
    try:
        signature.bind(*range(count))
    except TypeError:
        got = f"{getattr(function, '__name__', function)}{signature}"
        raise unlike_function(what, takes, got, usage) from None


def fields(value: Any, what: str, bools: bool = True) -> tuple[Tree, list[Any], list[str]]:
    """Return the structure of a value, its leaves (Python bools too), and a name for each."""
    leaves: list[Any] = []
    names: list[str] = []
    return flatten(value, what, leaves, names, bools=bools), leaves, names


def copied(value: Any) -> Any:
    """Return a structure with copies of its arrays: what bodies store stays inside."""
    tree, leaves, _ = fields(value, "init", bools=False)
    return unflatten(tree, [_own(leaf) for leaf in leaves])


def _own(leaf: Any) -> Any:
    if isinstance(leaf, Tracer):
        return leaf if leaf.scalar or leaf.weak else leaf.copy()
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def parameter_names(function: Function) -> list[str]:
    """Return the names of a function's parameters, where it tells them."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


class Carry:
    """The carried values of a loop, while types are sought for them."""

    def __init__(self, trace: Trace, init: Any, body: Function, position: int) -> None:
        self.trace = trace
        parameters = parameter_names(body)
        name = parameters[position] if len(parameters) > position else "carry"
        self.tree, self.leaves, names = fields(init, name)
        code = getattr(body, "__code__", None)
        unpacked = names_unpacked_from(code, name, len(names)) if code else None
        self.names = unpacked or [
            (len(names) > 1 and isinstance(leaf, Tracer) and leaf.value.name) or label
            for leaf, label in zip(self.leaves, names, strict=True)
        ]

    def label(self, i: int) -> str:
        """Return what to call a slot in messages."""
        return f"the carried {self.names[i]}"

    def given(self, params: Sequence[Tracer]) -> Any:
        """Return what the body gets: its own tracers in the user's structure."""
        self._given = unflatten(self.tree, params)
        return self._given

    def next(self, returned: Any, params: Sequence[Tracer]) -> Any:
        """Return what a body gives: what it returns, or what it made of what it got.

        Raises:
            CaptureError: It gives another structure.
        """
        own = params[len(params) - len(self.leaves) :]
        if returned is None and any(one.storage.version for one in own):
            returned = self._given
        found, leaves, _ = fields(returned, "carry")
        arranged = as_given(found, self.tree, iter(leaves))
        if arranged is None:
            got = f"{structure(found)} for {structure(self.tree)}"
            raise restructured(got, nothing=returned is None)
        return unflatten(self.tree, arranged)

    def entering(self, slots: Sequence[Slot]) -> list[Any]:
        """Return the first values, of the types of the slots."""
        pairs = zip(self.leaves, slots, strict=True)
        values = [entering(self.trace, leaf, slot) for leaf, slot in pairs]
        for value, slot in zip(values, slots, strict=True):
            value.name = value.name or slot.name
        return values

    def leaving(self, values: Sequence[Value], slots: Sequence[Slot], body: Body) -> Any:
        """Return the last values in the user's structure, named as in the body.

        Values that the body does not unpack are named as it names what takes their place.
        """
        count = len(body.changed)
        params = body.trace.graph(()).params[count - len(slots) : count]
        for value, param, output in zip(values, params, body.outputs, strict=False):
            if re.fullmatch(r"\w+_\d+", param.name or "_0") and output.name:
                param.name = output.name
            value.name = param.name
        pairs = zip(values, slots, strict=True)
        return unflatten(self.tree, [leaving(self.trace, value, slot) for value, slot in pairs])


def as_given(found: Tree, given: Tree, leaves: Iterator[Any]) -> list[Any] | None:
    """Return the leaves of a structure in the order of another one; None if they are not alike.

    A list will do for a tuple, and keys may stand in another order.
    """
    if not (isinstance(found, Branch) and isinstance(given, Branch)):
        is_leaf = isinstance(found, Leaf)
        return None if found != given else [next(leaves)] if is_leaf else []
    is_row = {found.kind, given.kind} <= {list, tuple}
    if not is_row and found.kind is not given.kind:
        return None
    if len(found.keys) != len(given.keys) or set(found.keys) != set(given.keys):
        return None
    kept = dict(zip(given.keys, given.children, strict=True))
    parts = {}
    for key, child in zip(found.keys, found.children, strict=True):
        part = as_given(child, kept[key], leaves)
        if part is None:
            return None
        parts[key] = part
    return [leaf for key in given.keys for leaf in parts[key]]


def structure(tree: Tree) -> str:
    """Return what a structure looks like, for messages."""
    if isinstance(tree, Leaf):
        return "array"
    if isinstance(tree, Static | Instance):
        return repr(tree.value)
    children = list(map(structure, tree.children))
    if issubclass(tree.kind, tuple | list) and not hasattr(tree.kind, "_fields"):
        row = ", ".join(children)
        return f"[{row}]" if issubclass(tree.kind, list) else f"({row}{',' * (len(children) == 1)})"
    pairs = zip(tree.keys, children, strict=True)
    if issubclass(tree.kind, dict):
        return "{" + ", ".join(f"{key!r}: {child}" for key, child in pairs) + "}"
    return f"{tree.kind.__name__}({', '.join(f'{key}={child}' for key, child in pairs)})"


def capture_at_work(*values: Any) -> Trace | None:
    """Return the capture at work, if there is one.

    Raises:
        CaptureError: A traced value outlived its capture.
    """
    trace = current_trace()
    if trace is None:
        leaves = [leaf for value in values for leaf in fields(value, "init")[1]]
        for leaf in leaves:
            if isinstance(leaf, Tracer):
                raise leaked(leaf)
    return trace
