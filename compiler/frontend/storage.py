"""What lies behind the arrays that a captured function sees: memory, views of it, numbers."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import SourceLine, Value
from ..primitive import Attrs, Primitive
from ..primitives.selection import Slice

if TYPE_CHECKING:
    from .trace import Trace


class Storage:
    """A mutable place for a value, or for a plain array while that is known.

    Attributes:
        array: The plain array that lies here; None once it holds what depends on arguments.
        position: Which input of the capture lay here at first; None if it was made inside.
        has_known_layout: Whether it is known how NumPy lays an input out.
        row_major: Whether NumPy would surely lay it out so that a reshape is a view.
        siblings: Storages that may or may not share memory with this one in NumPy.
        is_unsure: Whether it may or may not be memory of an input.
        origin: Where a plain array was made.
        name: The user's name for it.
        version: How often it was stored to.
    """

    __slots__ = (
        "__weakref__",
        "_value",
        "array",
        "has_known_layout",
        "is_unsure",
        "name",
        "origin",
        "position",
        "row_major",
        "siblings",
        "version",
    )

    def __init__(
        self, value: Value | None, row_major: bool | None = False, position: int | None = None
    ) -> None:
        self._value = value
        self.array: np.ndarray[Any, Any] | None = None
        self.version = 0
        self.position = position
        self.is_unsure = False
        self.origin: SourceLine | None = None
        self.name: str | None = None
        self.has_known_layout = row_major is not None
        self.row_major = row_major or (position is None and value is not None and value.ndim <= 1)
        self.siblings: list[weakref.ref[Storage]] = []

    @classmethod
    def of(cls, array: np.ndarray[Any, Any]) -> Storage:
        """Return the storage of a plain array."""
        storage = cls(None, row_major=array.ndim <= 1 or array.flags.c_contiguous)
        storage.array = array
        return storage

    def value_in(self, trace: Trace) -> Value:
        """Return what it holds now; of a plain array, a constant of the capture ``trace``."""
        if self._value is None:
            assert self.array is not None
            self._value = trace.constant(self.array, self.origin)
            self._value.name = self.name
        return self._value

    def hold(self, value: Value) -> None:
        """Make a value the content."""
        self._value = value
        self.array = None
        self.version += 1

    def changed(self) -> None:
        """Say that the plain array was stored to."""
        self._value = None
        self.version += 1


class View:
    """One step from a storage to a view of it; ``indices`` are computed integers."""

    __slots__ = ("attrs", "indices", "primitive")

    def __init__(self, primitive: Primitive, attrs: Attrs, indices: tuple[Value, ...] = ()) -> None:
        self.primitive = primitive
        self.attrs = attrs
        self.indices = indices

    def of(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the view of a plain array; it shares memory with it."""
        if self.primitive.name == "slice":
            items = [
                slice(one.start, one.stop, one.step) if isinstance(one, Slice) else one
                for one in self.attrs["index"]
            ]
            return array[(*items, ...)]
        shown: np.ndarray[Any, Any] = self.primitive.evaluate(array, **self.attrs)
        return shown


class Known:
    """A number that is known while capturing, and the inputs whose values it comes from.

    Attributes:
        number: The number.
        guards: The positions of these inputs.
        varies: Whether it is another one at every other call: it is read only where it must be.
    """

    __slots__ = ("guards", "number", "varies")

    def __init__(self, number: Any, guards: frozenset[int] = frozenset()) -> None:
        self.number = number
        self.guards = guards
        self.varies = False
