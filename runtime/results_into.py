"""Results written into arrays of the caller's: ``out=``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import combinations, repeat
from operator import setitem
from typing import Any

import numpy as np

from ..compiler.errors import GradcError
from ..compiler.frontend.source import user_line
from ..compiler.frontend.tree import parts
from ..compiler.types import ArrayType
from .calls import arrangement
from .specialisation import Specialisation


class _Place(int):
    """A leaf in the structure of results: the position of an output."""


class Destination:
    """Arrays that the results of one call go to: all is written or nothing, after all was checked.

    Args:
        made: What is called.
        mode: "value", "value_and_grad" or "grad".
        out: In the structure of the results: an array for each, or None for what is to be made.
        inputs: The arrays that the call reads.

    Raises:
        GradcError: They do not fit.
    """

    def __init__(self, made: Specialisation, mode: str, out: Any, inputs: Sequence[Any]) -> None:
        self._types = made.result_types(mode)
        self._arrange = arrangement(made, mode)
        self._structure = self._arrange(tuple(map(_Place, range(len(self._types)))))
        self._arrays: dict[int, Any] = {}
        for place, array, name in _paired(self._structure, out, "out"):
            if array is not None:
                _check(array, self._types[place], name)
                self._arrays[place] = array
        if any(np.may_share_memory(*pair) for pair in combinations(self._arrays.values(), 2)):
            raise _refused("two arrays in out share memory")
        self.overlaps = any(
            np.may_share_memory(one, read) for one in self._arrays.values() for read in inputs
        )
        if self.overlaps and made.captured.has_effects:
            raise _refused("out shares memory with an argument of a function that changes some")

    @property
    def given(self) -> list[Any]:
        """The array for each output, or None."""
        return [self._arrays.get(i) for i in range(len(self._types))]

    def arrange(self, outputs: Sequence[Any]) -> Any:
        """Return outputs in the structure of the results."""
        return self._arrange(tuple(outputs))

    def fill(self, results: Any) -> Any:
        """Copy results to where they go, and return them as they lie there."""
        found = {
            place: self._apart(place, one)
            for place, one, _ in _paired(self._structure, results, "the result")
        }
        values = [found[place] for place in self._arrays]
        # Without Python between one and the next, where handlers of signals might raise.
        deque(map(setitem, self._arrays.values(), repeat(...), values), maxlen=0)
        return self.arrange([self._arrays.get(i, found[i]) for i in range(len(self._types))])

    def _apart(self, place: int, result: Any) -> Any:
        """Return a result that stays what it is while others are copied to where they go.

        It may be an argument, whose memory another one goes to.
        """
        others = (array for other, array in self._arrays.items() if other != place)
        return result.copy() if any(np.may_share_memory(result, one) for one in others) else result


def _paired(structure: Any, given: Any, name: str) -> Iterator[tuple[int, Any, str]]:
    """Yield each place in a structure, what is given for it, and how that is said."""
    if isinstance(structure, _Place):
        yield structure, given, name
        return
    children = parts(structure)
    if children is None:
        return
    found = parts(given) if type(given) is type(structure) else None
    if found is None or [key for key, _ in found] != [key for key, _ in children]:
        raise _refused(
            f"{name} has not the structure of the result",
            f"{type(given).__name__}, for a {type(structure).__name__} of {len(children)}",
        )
    for (key, child), (_, one) in zip(children, found, strict=True):
        yield from _paired(child, one, f"{name}[{key!r}]")


def _check(array: Any, type_: ArrayType, name: str) -> None:
    if type(array) is not np.ndarray:
        raise _refused(f"{name} is no array", type(array).__name__)
    if (array.shape, array.dtype) != (type_.shape, type_.dtype):
        raise _refused(f"{name} has to be {type_}", f"{array.shape} {array.dtype}")
    if not (array.flags.carray and array.dtype.isnative):
        raise _refused(f"{name} has to be writeable, and to lie row by row without gaps")


def _refused(what: str, got: str = "") -> GradcError:
    fix = "pass arrays made by np.empty, in the structure of the result; or None for some"
    return GradcError(what, got=got or None, where=user_line(), fix=fix)
