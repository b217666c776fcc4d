"""The arrays that a captured function sees: handles on storages that hold graph values.

Several tracers may stand for one storage: a basic slice or a transpose is a view of it, and a store
through any of them changes what all of them read, as in NumPy.

What a function makes itself (``np.zeros(3)``) is *concrete*: an array with numbers, usable as an
index, a bound or a condition, until something traced is stored in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..errors import CaptureError
from ..ir import Value
from ..primitive import Attrs, Primitive
from ..primitives.selection import Slice
from ..types import ArrayType, Dim, type_of
from . import fence
from .source import unpacked_names, user_frame
from .storage import Known, Storage, View

if TYPE_CHECKING:
    from .trace import Trace

__all__ = ["Known", "Storage", "Tracer", "View"]


class Tracer(NDArrayOperatorsMixin):
    """Stands for an array while a function is captured.

    Attributes:
        tracing: The capture that it belongs to.
        storage: What it is a handle on.
        views: The steps from the storage to what this handle shows.
        scalar: Whether NumPy would have an immutable scalar here.
        weak: Whether it is a Python number, which yields to the dtype of arrays.
        known: Its number, where it is known.
    """

    __slots__ = ("_cached", "_version", "known", "scalar", "storage", "tracing", "views", "weak")
    __array_priority__ = 1000

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
        self.tracing, self.storage, self.views = trace, storage, views
        self.scalar, self.weak, self.known = scalar, weak, known
        self._cached: Value | None = None
        self._version = -1

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What NumPy would have here, for the user's ``isinstance``."""
        if self.weak:
            return {"f": float, "b": bool}.get(self.dtype.kind, int)
        return self.dtype.type if self.scalar else np.ndarray

    @property
    def array(self) -> np.ndarray[Any, Any] | None:
        """The plain array that it shows; None where what it shows depends on arguments."""
        array = self.storage.array
        if array is not None:
            for view in self.views:
                array = view.of(array)
        return array

    def peek(self) -> Any:
        """Return what it is, where it follows from what may be looked at; else None.

        For what cannot wait for the call: a size, a condition, how many elements a mask selects.
        The program depends on it then.
        """
        array = self.array
        if array is None and self.tracing.alive:
            return self.tracing.contents.of(self.value)
        return array

    @property
    def value(self) -> Value:
        """The graph value that it stands for now."""
        if not self.views:
            return self.storage.value_in(self.tracing)
        if self._cached is None or self._version != self.storage.version:
            value = self.storage.value_in(self.tracing)
            for view in self.views:
                value = self.tracing.add(view.primitive, (value, *view.indices), view.attrs)
            self._cached, self._version = value, self.storage.version
        return self._cached

    @property
    def type(self) -> ArrayType:
        """Its shape and dtype."""
        array = self.array
        return self.value.type if array is None else type_of(array)

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
        array = self.array
        if array is not None:
            return bool(array.flags.c_contiguous)
        broadcast = all(view.primitive.name == "broadcast_to" for view in self.views)
        return self.ndim < 2 or (self.storage.row_major and broadcast)

    @property
    def is_contiguous(self) -> bool | None:
        """Whether the elements lie row by row without gaps; None where that is not known."""
        array = self.array
        if array is not None:
            return bool(array.flags.c_contiguous)
        is_input = self.storage.position is not None
        if is_input:
            self.tracing.layout_read = True
        if not self.storage.row_major:
            is_known = is_input and self.storage.has_known_layout
            return False if is_known and not self.views else None
        if self.ndim > 1:
            return True if self.is_row_major and not self.is_broadcast else None
        for view in self.views:
            if view.primitive.name != "slice":
                return None
            *rows, last = view.attrs["index"]
            if any(not isinstance(row, int) for row in rows):
                return None
            if isinstance(last, Slice) and last.step not in (None, 1):
                return False
        return True

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

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return NumPy: its functions know traced arrays."""
        return np

    def bind(self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs) -> Any:
        """Record a primitive (the protocol behind calling one)."""
        return self.tracing.bind(primitive, operands, attrs)

    def __hash__(self) -> int:
        """Of a Python number, that number's: it may be the key of a dict."""
        if self.weak and self.known is not None and self.tracing.alive:
            return hash(self._read("item"))
        if not self.scalar:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        raise fence.traced_key(self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self.tracing.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self.tracing.call_function(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """Give the numbers to NumPy, where they are known: ``np.zeros(n)`` reads one."""
        array = self.peek()
        if array is not None:
            return np.asarray(array, *args, **kwargs)
        if self.known is None:
            raise fence.became_array(self)
        return np.asarray(self._read("index"))

    def __getitem__(self, key: Any) -> Any:
        return self.tracing.call_table("getitem", (self, key))

    def __setitem__(self, key: Any, value: Any) -> None:
        self.tracing.call_table("setitem", (self, key, value))

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return self._items()

    def _items(self) -> Iterator[Any]:
        for i, name in enumerate(unpacked_names(user_frame(), len(self))):
            item = self[i]
            if name and isinstance(item, Tracer) and item.array is None and not item.value.name:
                item.value.name = name
            yield item

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    def _read(self, what: str) -> Any:
        """Return the number that it stands for, and make it a guard of this specialisation."""
        if self.known is not None and self.tracing.alive:
            self.tracing.guard(self.known.guards)
            return self.known.number
        array = self.peek()
        if array is None:
            raise fence.value_read(self, what)
        return bool(array) if what == "bool" else array.item()

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
        array = self.array
        if array is not None:
            return format(array, layout)
        is_known = self.known is not None and self.tracing.alive
        return format(self._read("text"), layout) if layout or is_known else repr(self)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, copied: dict[int, Any]) -> Any:
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        array = self.array
        if array is not None:
            return array.__reduce_ex__(protocol)
        raise fence.became_array(self)

    def item(self, *args: int) -> Any:
        """Return the Python number that an element is."""
        if self.known is not None and not args:
            return self._read("item")
        return self.tracing.method(self, "item")(*args)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.weak and self.known is not None and not hasattr(np.ndarray, name):
            return getattr(self._read("item"), name)  # a method of Python's numbers
        return self.tracing.method(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("shape", "dtype", "flat", "strides", "real", "imag"):
            raise CaptureError(
                f"assigning to .{name} of an array is not supported in a compiled function",
                where=self.tracing.line(),
                fix="use reshape or astype",
            )
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        if self.weak and self.known is not None and self.tracing.alive:
            return repr(self._read("text"))
        array = self.array
        return f"<traced {self.type}>" if array is None else repr(array)

    def __str__(self) -> str:
        if self.known is not None and self.tracing.alive:
            return str(self._read("text"))
        array = self.array
        return repr(self) if array is None else str(array)
