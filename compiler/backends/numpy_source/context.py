"""What all parts of one generated module share: the names that are given, and its constants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, count
from typing import Any

from ...ir import Constant, SourceLine
from ...primitives.control import Callback
from .expressions import array_text, counts_up

MOST_WRITTEN_ELEMENTS = 64  # of a constant that stands in the text


class Context:
    """A module under construction.

    Attributes:
        labels: Names of functions, constants and call-backs, which no value may have.
        constants: The text of arrays that stand at the head of the module.
        large: Arrays that lie in a file beside it.
        callbacks: The parameters by which call-backs are passed.
        copies: The lines of stores before which an array had to be copied.
    """

    def __init__(
        self, labels: Iterable[str], drops: Mapping[int, tuple[str, ...]] | None = None
    ) -> None:
        self._drops, self._steps = drops or {}, count()
        self.labels = set(labels)
        self.constants: dict[str, str] = {}
        self.large: dict[str, Any] = {}
        self.callbacks: dict[Callback, str] = {}
        self.copies: list[SourceLine | None] = []
        self._taken: set[str] = set(self.labels)
        self._constant_names: dict[Constant, str] = {}

    def next_step(self) -> tuple[int, tuple[str, ...]]:
        """Return the number of the next step, and the variables to delete behind it."""
        number = next(self._steps)
        return number, self._drops.get(number, ())

    def take(self, names: Iterable[str]) -> None:
        """Say that values have these names."""
        self._taken.update(names)

    def unused(self, label: str) -> str:
        """Return a name for a function, a call-back or a constant that nothing else has."""
        numbered = (f"{label}_{i}" for i in count(1))
        found = next(one for one in chain((label,), numbered) if one not in self._taken)
        self._taken.add(found)
        self.labels.add(found)
        return found

    def constant_name(self, value: Constant) -> str:
        """Return the name of an array constant, which stands at the head of the module."""
        if value not in self._constant_names:
            label = self.unused(f"c{len(self._constant_names) + 1}")
            self._constant_names[value] = label
            if value.array.size <= MOST_WRITTEN_ELEMENTS or counts_up(value.array):
                self.constants[label] = array_text(value.array)
            else:
                self.large[label] = value.array
        return self._constant_names[value]

    def callback_name(self, function: Callback) -> str:
        """Return the parameter by which a call-back is passed."""
        if function not in self.callbacks:
            self.callbacks[function] = self.unused(function.name)
        return self.callbacks[function]
