"""The code that finds, at each call, what a program reads outside of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from keyword import iskeyword
from typing import Any

import numpy as np

from .places import Place, Read, alike


def reader(
    reads: Sequence[Read], inputs: Sequence[Place]
) -> Callable[[Sequence[Any]], tuple[Any, ...] | None]:
    """Return the function that takes the value of each parameter and finds what inputs lie outside.

    It returns None where something is not as it was. Its code is made for these reads: it runs at
    every call.

    Args:
        reads: What was found.
        inputs: The places of arrays and numbers to return.
    """
    writer = _Writer()
    found = {read.place: read for read in reads if read.kind in ("array", "number")}
    for read in reads:
        writer.lines.append(f"if not ({writer.test(read)}): return None")
    results = "".join(f"{_input(found[place], writer.find(place))}, " for place in inputs)
    body = "\n        ".join([*writer.lines, f"return ({results})"])
    failures = "(AttributeError, LookupError, TypeError, ValueError, OverflowError)"
    text = f"def read(values):\n    try:\n        {body}\n    except {failures}: return None"
    exec(text, writer.known)
    made: Callable[[Sequence[Any]], tuple[Any, ...] | None] = writer.known["read"]
    return made


class _Writer:
    """Lines of code, and the names of what they mean."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {"alike": alike, "float64": np.float64, "int64": np.int64}
        self.lines: list[str] = []
        self._names: dict[Place, str] = {}

    def constant(self, value: Any) -> str:
        """Return a name for a value."""
        name = f"c{len(self.known)}"
        self.known[name] = value
        return name

    def find(self, place: Place) -> str:
        """Return the variable that holds what lies at a place."""
        if place in self._names:
            return self._names[place]
        root = place.root
        if place.steps:
            step, key = place.steps[-1]
            base = self.find(Place(root, place.steps[:-1]))
            if step == "item":
                text = f"{base}[{self.constant(key)}]"
            elif key.isidentifier() and not iskeyword(key):
                text = f"{base}.{key}"
            else:
                text = f"getattr({base}, {key!r})"
        elif root.kind == "argument":
            text = f"values[{root.holder}]"
        else:
            steps = {"global": f"[{root.name!r}]", "cell": ".cell_contents", "object": ""}
            text = self.constant(root.holder) + steps[root.kind]
        self._names[place] = name = f"v{len(self._names)}"
        self.lines.append(f"{name} = {text}")
        return name

    def test(self, read: Read) -> str:
        """Return the expression that says whether what was read is as it was."""
        if read.kind == "alias":
            return f"{self.find(read.place)} is {self.find(read.expected)}"
        if read.kind in ("missing", "unset"):
            base = self.find(Place(read.place.root, read.place.steps[:-1]))
            key = repr(read.place.steps[-1][1])
            if read.kind == "missing":
                return f"not hasattr({base}, {key})"
            return f"{key} not in getattr({base}, '__dict__', ())"
        return _test(read, self.find(read.place), self.constant)


def _input(read: Read, name: str) -> str:
    """Return what is read, as compiled code takes it."""
    if read.kind == "number":
        taken = {float: "float64({})", int: "int64({})"}.get(read.expected, "{}")
        return taken.format(name)
    dtype = read.expected[1]
    return name if dtype.isnative else f"{name}.astype({name}.dtype.newbyteorder('='))"


def _test(read: Read, name: str, constant: Callable[[Any], str]) -> str:
    expected = read.expected
    if read.kind == "same":
        return f"{name} is {constant(expected)}"
    if read.kind == "code":  # which a reload of its module changes
        function, code = (constant(one) for one in expected)
        return f"{name} is {function} and {name}.__code__ is {code}"
    if read.kind in ("type", "number"):
        return f"type({name}) is {constant(expected)}"
    if read.kind == "equal":
        if type(expected) in (int, str, bool):
            kind = f"type({name}) is {constant(type(expected))}"
            return f"{name} == {constant(expected)} and {kind}"
        return f"alike({name}, {constant(expected)})"
    if read.kind == "array":
        kind, dtype, shape = (constant(one) for one in expected)
        return f"type({name}) is {kind} and {name}.dtype == {dtype} and {name}.shape == {shape}"
    kind, rest = (constant(one) for one in expected)
    size = f"len({name})" if read.kind == "length" else f"tuple({name})"
    return f"type({name}) is {kind} and {size} == {rest}"
