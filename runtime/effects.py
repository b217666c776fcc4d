"""What a call changes outside of the program: completely after it has run, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.frontend import fence
from ..compiler.frontend.capture import Capture
from ..compiler.frontend.tree import Static, Tree, flatten, unflatten

MOST_OVERLAP_WORK = 10_000  # candidate solutions; beyond, arrays count as overlapping


class Aliased(Exception):  # noqa: N818 - nothing is wrong
    """Two places outside, which were two arrays when the program was made, are one now."""


class Effects:
    """The changes of one call.

    Made before the program runs, so that nothing is changed where it could not be done.

    Raises:
        CaptureError: An array that it changes is read-only, or shares memory with another input.
    """

    def __init__(self, captured: Capture, trees: Sequence[Tree], values: Sequence[Any]) -> None:
        self.captured, self.values = captured, values
        arrays: list[Any] = []
        for value, tree in zip(values, trees, strict=True):
            if not isinstance(tree, Static):
                flatten(value, "", arrays, [])
        arrays += [place.find(values) for place in captured.places]
        self.targets = {position: arrays[position] for position in captured.written}
        for position, target in self.targets.items():
            name = captured.label(position)
            if not target.flags.writeable:
                raise fence.written_read_only(name)
            for other, array in enumerate(arrays):
                if array is target and min(position, other) >= len(arrays) - len(captured.places):
                    if other != position:
                        raise Aliased
                if other != position and _overlap(target, array):
                    raise fence.shared_memory(name, captured.label(other))

    def commit(self, results: Sequence[Any], first: int) -> list[Any]:
        """Make the changes, and return the results without what was for them.

        Args:
            results: What the program returned.
            first: How many of the first outputs it left out.
        """
        captured = self.captured
        results = list(results)
        start = captured.count - first
        arrays = results[start : start + len(captured.written)]
        for output, position in captured.returned.items():
            if output >= first:
                results[output - first] = self.targets[position]
        for output, before in captured.repeats.items():
            if before >= first:
                results[output - first] = results[before - first]
        changes = iter(results[start + len(arrays) :])
        stored = [
            store.source.find(self.values)
            if store.source is not None
            else unflatten(store.tree, [_stored(next(changes), one) for one in store.numbers])
            for store in captured.stores
        ]
        for target, array in zip(self.targets.values(), arrays, strict=True):
            np.copyto(target, array)
        for store, value in zip(captured.stores, stored, strict=True):
            store.place.put(self.values, value)
        return [*results[:start], *changes]


def _stored(value: Any, is_number: bool) -> Any:
    return value.item() if is_number else value


def _overlap(target: np.ndarray[Any, Any], other: Any) -> bool:
    if not isinstance(other, np.ndarray) or not np.may_share_memory(target, other):
        return False
    try:
        return np.shares_memory(target, other, max_work=MOST_OVERLAP_WORK)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True
