"""What a captured function reads and stores that is not an argument.

Arrays found in globals, closures, attributes and containers become inputs of the program; of all
else that it reads, the program depends on what it was. Nothing outside is changed while capturing:
stores are kept here, seen by later reads, and done after each call.
"""

from __future__ import annotations

import copy
import functools
import inspect
import io
from array import array
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..types import SUPPORTED_DTYPES
from . import fence
from .concrete import concrete, holds_tracer
from .libraries import is_library, is_users_object
from .places import Place, Read, Root, copied, put
from .signature import is_row_major, leaf_of
from .tracer import Tracer
from .tree import parts

if TYPE_CHECKING:
    from .trace import Trace

MOST_COMPARED = 1 << 20  # bytes of an array whose numbers a program may depend on
MOST_GUARDS = 64  # leaves of a container without arrays that are looked at one by one
_SCALARS = (int, float, complex, np.generic)


@dataclass
class Mirror:
    """A container of tracers that stands for one of the user's while capturing.

    Attributes:
        place: Where that lies.
        original: That container.
        copy: What the captured function sees.
        children: What lay in it at first, by key.
    """

    place: Place
    original: Any
    copy: Any
    children: dict[Any, Any]


class Outside:
    """The outside of a capture.

    Attributes:
        inputs: The places of arrays (and of numbers that vary) that are read at each call.
        found: What was read first at each of these places.
        stores: What was stored, by place.
        is_strict: Whether nothing of it may be looked at.
    """

    is_strict = False

    def __init__(self, trace: Trace, varying: frozenset[Place] = frozenset()) -> None:
        self.trace = trace
        self.varying = varying
        self._reads: dict[tuple[Place, str], Read] = {}
        self.inputs: list[Place] = []
        self.found: list[Any] = []
        self.stores: dict[Place, Any] = {}
        self.mirrors: list[Mirror] = []
        self._seen: dict[Place, Any] = {}
        self._places: dict[int, tuple[Any, Place]] = {}
        self._arrays: dict[int, tuple[Any, Any, Place]] = {}

    # Reading

    def place_of(self, value: Any) -> Place | None:
        """Return where an object, a class or a user's module was found; None for what is new."""
        found = self._places.get(id(value))
        if found is not None:
            return found[1]
        if isinstance(value, ModuleType) and not is_library(value.__name__):
            return Place(Root("object", value, value.__name__))
        return None

    def read(self, place: Place, value: Any) -> Any:
        """Return what the captured function gets for a value that lies at a place."""
        if place in self._seen:
            return self._seen[place]
        result = self._enter(place, value)
        self._seen[place] = result
        return result

    def _enter(self, place: Place, value: Any) -> Any:
        if isinstance(value, Tracer):
            return value
        if isinstance(value, np.ndarray):
            return self._array(place, value)
        if isinstance(value, _SCALARS) and not isinstance(value, bool | np.bool_):
            return self._number(place, value)
        if isinstance(value, ModuleType):
            return value
        if isinstance(value, ChainMap | UserDict | UserList):
            raise fence.unsupported(
                f"{place}, a {type(value).__name__} outside of the function", "use a dict or a list"
            )
        if isinstance(value, set | bytearray | array):
            self._depend(place, "equal", copy.copy(value))
            return value
        if hasattr(type(value), "__next__") and not isinstance(value, io.IOBase):
            raise fence.outside_iterator(str(place))
        known = self._places.get(id(value))
        if known is not None:
            self._depend(place, "alias", known[1])
            return self._mirror_of(value)
        if isinstance(value, dict | list | tuple | deque):
            return value if holds_tracer(value) else self._container(place, value)
        if isinstance(value, FunctionType):
            self._depend(place, "code", (value, value.__code__))
            self._places[id(value)] = (value, place)  # it may have attributes
        elif isinstance(value, BuiltinFunctionType | type):
            self._depend(place, "same", value)
            if isinstance(value, type):
                self.adopt_class(value)
        elif isinstance(value, MethodType):
            self._depend(place.attribute("__func__"), "same", value.__func__)
            if not isinstance(value.__self__, type):
                self.read(place.attribute("__self__"), value.__self__)
        elif is_users_object(value):
            self._depend(place, "type", type(value))
            self.adopt(place, value)
        elif value is None or isinstance(value, str | bytes | bool | frozenset | range | slice):
            self._depend(place, "equal", value)
        else:
            self._depend(place, "same", value)
            self.adopt(place, value)
        return value

    def lacks(self, place: Place) -> None:
        """Depend on there being nothing at a place."""
        self._depend(place, "missing", None)

    def depend_on_keys(self, place: Place, found: dict[Any, Any]) -> None:
        """Depend on the keys of a dict."""
        self._depend(place, "keys", (type(found), tuple(found)))

    def lacks_own(self, place: Place) -> None:
        """Depend on an object not having an attribute that its class has."""
        self._depend(place, "unset", None)

    def depend_on_class(self, kind: type, name: str) -> None:
        """Depend on a method or property of a class being the one that it is."""
        owner = next((one for one in kind.__mro__ if name in vars(one)), None)
        place = None if owner is None else self.place_of(owner)
        if owner is None or place is None:
            return
        place, found = place.attribute("__dict__").item(name), vars(owner)[name]
        if not hasattr(type(found), "__get__"):
            return  # a value, which is read as such
        if place not in self._seen:
            self._seen[place] = found
            self._depend(place, "same", found)

    def _depend(self, place: Place, kind: str, expected: Any) -> None:
        self._reads.setdefault((place, kind), Read(place, kind, expected))

    @property
    def reads(self) -> tuple[Read, ...]:
        """What the program depends on, in the order in which it was found."""
        return tuple(self._reads.values())

    def _array(self, place: Place, value: Any) -> Any:
        known = self._arrays.get(id(value))
        if known is not None:  # one array under two names
            self._depend(place, "alias", known[2])
            return known[1]
        if value.dtype not in SUPPORTED_DTYPES and value.dtype.kind not in "fiub":
            content = value.copy()
            content.flags.writeable = False  # a store to it could not be done at each call
            self._depend(place, "equal", content)
            return concrete(self.trace, content)
        self._depend(place, "array", (type(value), value.dtype, value.shape))
        return self._input(place, value)

    def _number(self, place: Place, value: Any) -> Any:
        is_supported = not isinstance(value, np.generic) or value.dtype in SUPPORTED_DTYPES
        if place not in self.varying or isinstance(value, complex) or not is_supported:
            self._depend(place, "equal", value)
            return value
        self._depend(place, "number", type(value))
        return self._input(place, value)

    def _input(self, place: Place, value: Any) -> Tracer:
        leaf, leaf_type = leaf_of(value, str(place))
        number = leaf if leaf_type.kind == "number" else None
        self.inputs.append(place)
        self.found.append(value)
        made = self.trace.input(leaf_type, place.identifier, number, is_row_major(leaf))
        if made.known is not None:
            made.known.varies = True
        is_array = isinstance(value, np.ndarray)
        if (
            number is None
            and value.nbytes <= MOST_COMPARED
            and not (is_array and place in self.varying)
        ):
            content = value.copy() if is_array else value
            look = functools.partial(self._look_at, place, content)
            self.trace.contents.inputs[made.value] = leaf_of(content, str(place))[0], look
        self._arrays[id(value)] = (value, made, place)
        return made

    def _container(self, place: Place, value: Any) -> Any:
        found = parts(value)
        assert found is not None
        if _is_plain(found) and len(found) > MOST_GUARDS:
            self._depend(place, "equal", copy.deepcopy(value))
            return copy.deepcopy(value)
        kind = type(value)
        keys = tuple(key for key, _ in found)
        if isinstance(value, dict):
            self._depend(place, "keys", (kind, keys))
        else:
            self._depend(place, "length", (kind, len(value)))
        if isinstance(value, tuple):
            children = [self.read(place.item(i), child) for i, child in enumerate(value)]
            return kind._make(children) if hasattr(kind, "_make") else kind(children)
        mirror = copied(value)
        self.adopt(place, value, mirror)
        for key, child in found:
            put(mirror, key, self.read(place.item(key), child))
        self.reflect(place, value, mirror)
        return mirror

    def _look_at(self, place: Place, content: Any) -> None:
        """Depend on the numbers that an input holds."""
        self._depend(place, "equal", content)

    # Objects that are known by identity

    def adopt(self, place: Place, value: Any, seen: Any = None) -> None:
        """Say where an object lies, and what the function sees in its place."""
        self._places[id(value)] = (value, place)
        self.adopt_class(type(value))
        if seen is not None:
            self._seen[place] = seen
            self._places[id(seen)] = (seen, place)

    def adopt_class(self, kind: type) -> None:
        """Say that a class, and what it is made from, lie outside."""
        for one in kind.__mro__:
            if not is_library(one.__module__):
                self._places.setdefault(id(one), (one, Place(Root("object", one, one.__name__))))

    def class_place(self, kind: type, name: str) -> Place | None:
        """Return where a class's attribute lies: in itself or in what it is made from."""
        for one in kind.__mro__:
            place = self.place_of(one)
            if name in vars(one):
                return None if place is None else place.attribute(name)
            if place is not None:
                self._depend(place.attribute(name), "unset", None)
        return None

    def attribute_place(self, value: Any, place: Place, name: str) -> Place:
        """Return where an attribute of an object lies: in itself, or in its class."""
        if isinstance(value, type):
            return self.class_place(value, name) or place.attribute(name)
        if name in getattr(value, "__dict__", {}) or isinstance(value, ModuleType):
            return place.attribute(name)
        found = self.class_place(type(value), name)
        descriptor = getattr(type(value), name, None)
        if found is None or type(descriptor).__name__ == "member_descriptor":
            return place.attribute(name)
        self._depend(place.attribute(name), "unset", None)
        return found

    def _mirror_of(self, value: Any) -> Any:
        _, place = self._places[id(value)]
        return self._seen.get(place, value)

    def reflect(self, place: Place, original: Any, mirror: Any) -> None:
        """Watch a container of tracers for changes that are to be made to the original."""
        self.mirrors.append(Mirror(place, original, mirror, dict(parts(mirror) or ())))

    def is_outside(self, value: Any) -> bool:
        """Whether this is an object of the outside itself, and no mirror of one."""
        return self.place_of(value) is not None and not self.is_mirror(value)

    def is_mirror(self, value: Any) -> bool:
        """Whether this is a container of tracers that stands for one outside."""
        return any(mirror.copy is value for mirror in self.mirrors)

    # Code that is not rewritten

    def watch(self, function: FunctionType) -> None:
        """Depend on all that a function names whose code runs as it is.

        What it does with that is not seen: numbers and arrays become constants of the program, and
        are compared at each call.
        """
        names = inspect.getclosurevars(function)
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        places = [Place(Root("cell", cells[name], name)) for name in names.nonlocals]
        places += [Place(Root("global", function.__globals__, name)) for name in names.globals]
        for place in places:
            value = place.find(())
            if not isinstance(value, Tracer | ModuleType):
                self.depend_on_content(place, value)

    def depend_on_content(self, place: Place, value: Any) -> None:
        """Depend on the numbers in a value, and in the attributes of an object."""
        if holds_tracer(value):
            return  # it was made inside of an enclosing function
        if isinstance(value, (np.ndarray, list, tuple, dict, str, bool, *_SCALARS)):
            try:
                self._depend(place, "equal", copy.deepcopy(value))
            except TypeError:  # something in it cannot be copied
                self._depend(place, "same", value)
        elif is_users_object(value):
            self._depend(place, "type", type(value))
            for name, child in getattr(value, "__dict__", {}).items():
                if not is_users_object(child):
                    self.depend_on_content(place.attribute(name), child)
        else:
            self._depend(place, "same", value)

    def recognise(self, array: Any) -> Any:
        """Return the input for an array that lies outside, if it is known to lie there."""
        known = self._arrays.get(id(array))
        if known is not None:
            return known[1]
        for value, place in list(self._places.values()):
            attributes = getattr(value, "__dict__", None)
            if isinstance(attributes, dict):
                for name, one in attributes.items():
                    if one is array:
                        return self.read(place.attribute(name), array)
        return None

    # Storing

    def store(self, place: Place, value: Any) -> None:
        """Keep what is stored at a place until the call is done."""
        if self.trace.is_enclosing:
            raise fence.stored_from_within(str(place))
        self.stores[place] = self._seen[place] = value

    def changes(self) -> dict[Place, Any]:
        """Return all that was stored: at places, and into containers.

        Raises:
            CaptureError: A container was made longer or shorter.
        """
        found = dict(self.stores)
        for mirror in self.mirrors:
            now = dict(parts(mirror.copy) or ())
            if mirror.children.keys() - now.keys() or (
                isinstance(mirror.copy, list | deque) and len(now) != len(mirror.children)
            ):
                raise fence.resized(str(mirror.place), mirror.original)
            is_object = not isinstance(mirror.copy, dict | list | deque)
            for key, value in now.items():
                if key not in mirror.children or mirror.children[key] is not value:
                    step = mirror.place.attribute if is_object else mirror.place.item
                    found[step(key)] = value
        return found


class LooksOutside(Exception):  # noqa: N818 - nothing is wrong
    """A function that may only look at its arguments looks at something else."""


def _is_plain(children: Sequence[tuple[Any, Any]]) -> bool:
    """Whether there is nothing but numbers and text in a container."""
    for _, child in children:
        inner = parts(child) if isinstance(child, dict | list | tuple | deque) else None
        if inner is not None:
            if not _is_plain(inner):
                return False
        elif not isinstance(child, str | bytes | bool | int | float | complex | None):
            return False
    return True
