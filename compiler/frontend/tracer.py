"""The arrays that a captured function sees: handles on storages that hold graph values.

Several tracers may stand for one storage: a basic slice or a transpose is a view of it, and a store
through any of them changes what all of them read, as in NumPy.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..errors import CaptureError
from ..ir import Value
from ..primitive import Attrs, Primitive
from ..types import ArrayType, Dim
from . import fence

if TYPE_CHECKING:
    from .trace import Trace


class Storage:
    """A mutable place for a value.

    Attributes:
        value: What it holds now.
        argument: The user's name of the argument that lies there; it must not be stored to.
        row_major: Whether NumPy would surely lay it out so that a reshape is a view.
        siblings: Storages that may or may not share memory with this one in NumPy.
    """

    __slots__ = ("__weakref__", "argument", "row_major", "siblings", "value", "version")

    def __init__(self, value: Value, argument: str | None = None, row_major: bool = False) -> None:
        self.value = value
        self.version = 0
        self.argument = argument
        self.row_major = row_major or value.ndim <= 1
        self.siblings: list[weakref.ref[Storage]] = []


class View:
    """One step from a storage to a view of it; ``indices`` are computed integers."""

    __slots__ = ("attrs", "indices", "primitive")

    def __init__(self, primitive: Primitive, attrs: Attrs, indices: tuple[Value, ...] = ()) -> None:
        self.primitive = primitive
        self.attrs = attrs
        self.indices = indices


class Known:
    """A number that is known while capturing, and the arguments whose values it comes from."""

    __slots__ = ("guards", "number")

    def __init__(self, number: Any, guards: frozenset[int] = frozenset()) -> None:
        self.number = number
        self.guards = guards


class Tracer(NDArrayOperatorsMixin):
    """Stands for an array while a function is captured.

    Attributes:
        trace: The capture that it belongs to.
        storage: What it is a handle on.
        views: The steps from the storage to what this handle shows.
        scalar: Whether NumPy would have an immutable scalar here.
        weak: Whether it is a Python number, which yields to the dtype of arrays.
        known: Its number, where it is known.
    """

    __slots__ = ("_cached", "_version", "known", "scalar", "storage", "trace", "views", "weak")
    __array_priority__ = 1000
    __hash__ = object.__hash__

    def __init__(
        self,
        trace: Trace,
        storage: Storage,
        views: tuple[View, ...] = (),
        *,
        scalar: bool = False,
        weak: bool = False,
        known: Known | None = None,
    ) -> None:
        self.trace, self.storage, self.views = trace, storage, views
        self.scalar, self.weak, self.known = scalar, weak, known
        self._cached: Value | None = None
        self._version = -1

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What NumPy would have here, for the user's ``isinstance``."""
        if self.weak:
            return float if self.dtype.kind == "f" else int
        return self.dtype.type if self.scalar else np.ndarray

    @property
    def value(self) -> Value:
        """The graph value that it stands for now."""
        if not self.views:
            return self.storage.value
        if self._cached is None or self._version != self.storage.version:
            value = self.storage.value
            for view in self.views:
                value = self.trace.add(view.primitive, (value, *view.indices), view.attrs)
            self._cached, self._version = value, self.storage.version
        return self._cached

    @property
    def type(self) -> ArrayType:
        """Its shape and dtype."""
        return self.value.type

    @property
    def shape(self) -> tuple[Dim, ...]:
        """The shape; sizes that are not known are ``Sym``."""
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The rank."""
        return self.type.ndim

    @property
    def size(self) -> Dim:
        """The number of elements."""
        return self.type.size

    @property
    def is_row_major(self) -> bool:
        """Whether NumPy would surely lay it out row by row, repeated elements aside."""
        broadcast = all(view.primitive.name == "broadcast_to" for view in self.views)
        return self.ndim < 2 or (self.storage.row_major and broadcast)

    @property
    def is_broadcast(self) -> bool:
        """Whether it shows an element more than once, and cannot be stored to."""
        return any(view.primitive.name == "broadcast_to" for view in self.views)

    @property
    def itemsize(self) -> int:
        """The size of an element in bytes."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> Dim:
        """The size in bytes."""
        return self.size * self.dtype.itemsize

    def bind(self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs) -> Any:
        """Record a primitive (the protocol behind calling one)."""
        return self.trace.bind(primitive, operands, attrs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self.trace.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self.trace.call_function(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """Give the number to NumPy, where it is known: ``np.zeros(n)`` reads it."""
        if self.known is None:
            raise fence.became_array(self)
        return np.asarray(self._read("index"))

    def __getitem__(self, key: Any) -> Any:
        return self.trace.call_table("getitem", (self, key))

    def __setitem__(self, key: Any, value: Any) -> None:
        self.trace.call_table("setitem", (self, key, value))

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    def _read(self, what: str) -> Any:
        """Return the number that it stands for, and make it a guard of this specialisation."""
        if self.known is None or not self.trace.alive:
            raise fence.value_read(self, what)
        self.trace.guard(self.known.guards)
        return self.known.number

    def __bool__(self) -> bool:
        return bool(self._read("bool"))

    def __int__(self) -> int:
        return int(self._read("int"))

    def __float__(self) -> float:
        return float(self._read("float"))

    def __complex__(self) -> complex:
        return complex(self._read("complex"))

    def __index__(self) -> int:
        number = self._read("index")
        if isinstance(number, float | np.floating):
            raise TypeError("only integers can be used as an index")
        return int(number)

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._read("float"), digits)

    def __format__(self, layout: str) -> str:
        return format(self._read("text"), layout) if layout else repr(self)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, copied: dict[int, Any]) -> Any:
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise fence.became_array(self)

    def item(self, *args: int) -> Any:
        """Return the Python number, where it is known."""
        return (self[args] if args else self)._read("item")

    def tolist(self) -> Any:
        """Refuse: the numbers are not known."""
        return self._read("tolist")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.trace.method(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("shape", "dtype", "flat", "strides", "real", "imag"):
            raise CaptureError(
                f"assigning to .{name} of an array is not supported in a compiled function",
                where=self.trace.line(),
                fix="use reshape or astype",
            )
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<traced {self.type}>"
