"""What rewritten code calls: ``__gradc__``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import cached_property
from types import CellType, ModuleType
from typing import Any

import numpy as np

from .. import fence
from ..active import current_trace
from ..concrete import holds_traced
from ..libraries import is_library, package_of
from ..numpy_api.creation import INDEXERS
from ..outside import LooksOutside
from ..places import Place, Root
from ..tracer import Tracer
from .operators import Operators, users_method
from .text import checked, refused, written

_CONTAINERS = (list, set, deque)


class Bindings(Operators):
    """The operations of one rewritten function; without a capture at work they are Python's own.

    Attributes:
        globals: The globals of the function, live.
        cells: Its closure variables.
    """

    slice = slice
    text = staticmethod(written)
    check = staticmethod(checked)
    refuse = staticmethod(refused)

    def __init__(self, globals: dict[str, Any], cells: Mapping[str, CellType]) -> None:
        self.globals, self.cells = globals, cells

    def outside(self) -> _OuterNames:
        """Return that whose items are the outside names that are stored to."""
        return _OuterNames(self)

    def place(self, name: str) -> Place | None:
        """Return where a name of the outside lies; builtins lie nowhere."""
        cell = self.cells.get(name)
        if cell is not None:
            return Place(Root("cell", cell, name))
        return Place(Root("global", self.globals, name)) if name in self.globals else None

    def outer(self, name: str, value: Any) -> Any:
        """Return the value of a global or of a closure variable."""
        trace = current_trace()
        if trace is None or isinstance(value, ModuleType):
            return value
        place = self.place(name)
        return value if place is None else trace.outside.read(place, value)

    def outer_later(self, name: str, find: Callable[[], Any]) -> Any:
        """Return the value of an outside name that the function itself may have made."""
        trace, place = current_trace(), self.place(name)
        if trace is None:
            return find()
        place = place or Place(Root("global", self.globals, name))
        if place in trace.outside.stores:
            return trace.outside.stores[place]
        return self.outer(name, find())

    def attribute(self, value: Any, name: str) -> Any:
        """Return ``value.name``."""
        trace = current_trace()
        if trace is None or type(value) is Tracer:
            return getattr(value, name)
        place = trace.outside.place_of(value)
        if trace.outside.is_strict and not isinstance(value, type | ModuleType):
            raise LooksOutside(name)
        if place is None:
            kind = type(value)
            if isinstance(value, type | ModuleType) or is_library(kind.__module__):
                return getattr(value, name)
        if place is not None and place.attribute(name) in trace.outside.stores:
            return trace.outside.stores[place.attribute(name)]
        if name not in ("__dict__", "__class__", "__doc__", "__name__", "__module__"):
            trace.outside.depend_on_class(type(value), name)
        getter = _getter(value, name)
        if getter is not None:
            result = self.call(getter, value)
            if isinstance(_class_attribute(type(value), name), cached_property):
                if place is not None:  # the guard goes first: the object has none yet
                    trace.outside.lacks_own(place.attribute(name))
                if trace.outside.trace is trace:  # it keeps what it gives
                    self.attributes(value).store(name, result)
            return result
        found, is_computed = self._found(value, name)
        if is_computed:
            return found
        if trace.outside.is_strict and not callable(found):
            raise LooksOutside(name)
        if place is None:
            if not _is_of_class(value, name) and name not in getattr(value, "__dict__", {}):
                of_class = trace.outside.class_place(type(value), name)
                if of_class is not None and not _is_slot(_class_attribute(type(value), name)):
                    return trace.outside.read(of_class, found)
            return trace.own(found)
        if name == "__dict__" and not isinstance(value, type):
            trace.outside.depend_on_keys(place.attribute(name), found)
            found = {one: self.attribute(value, one) for one in found}
            return _AttributesAsDict(self.attributes(value), found)
        if _is_of_class(value, name):
            trace.outside.lacks_own(place.attribute(name))
            return found
        return trace.outside.read(trace.outside.attribute_place(value, place, name), found)

    def _found(self, value: Any, name: str) -> tuple[Any, bool]:
        """Return an attribute, and whether code of the user's computes it."""
        descriptor = _class_attribute(type(value), name)
        get = None if descriptor is None else users_method(descriptor, "__get__")
        if get is not None and name not in getattr(value, "__dict__", {}):
            return self.call(get, descriptor, value, type(value)), True
        fallback = users_method(value, "__getattr__")
        if fallback is None or isinstance(value, type):
            return getattr(value, name), False
        try:
            return object.__getattribute__(value, name), False
        except AttributeError:
            return self.call(fallback, value, name), True

    def item(self, value: Any, key: Any) -> Any:
        """Return ``value[key]``."""
        trace = current_trace()
        if trace is None or type(value) is Tracer:
            return value[key]
        if trace.outside.is_strict:
            raise LooksOutside("an item of a container")
        if isinstance(value, np.ndarray):
            return trace.own(value)[key]
        indexer = INDEXERS.get(id(value))
        if indexer is not None and holds_traced(key):
            return trace.dispatch(indexer, (key,), {})
        if isinstance(key, Tracer) and isinstance(value, list | tuple):
            if key.known is None and key.array is None:
                raise fence.indexed_list(value, key)
        method = users_method(value, "__getitem__")
        if method is not None:
            return self.call(method, value, key)
        return trace.own(value[key])

    def items(self, value: Any) -> Any:
        """Return that whose items are stored to in ``value[key] = ...``."""
        trace = current_trace()
        if trace is not None and value is self.globals:
            return self.outside()
        if trace is not None and trace.outside.is_strict and type(value) is not Tracer:
            raise LooksOutside("an item of a container")
        if trace is not None and users_method(value, "__setitem__") is not None:
            return _Items(self.call, value)
        if trace is not None and isinstance(value, list | dict) and trace.outside.is_mirror(value):
            return _MirrorItems(trace.outside.place_of(value), value)
        return value

    def grower(self, name: str, value: Any, method: str) -> Any:
        """Return ``name.method`` of an outside name: a method that makes containers longer."""
        trace = current_trace()
        place = self.place(name)
        if trace is not None and place is not None and isinstance(value, _CONTAINERS):
            trace.outside.adopt(place, value)
            return getattr(value, method)
        return self.attribute(self.outer(name, value), method)

    def attribute_grower(self, value: Any, name: str, method: str) -> Any:
        """Return ``value.name.method``, as ``grower`` does."""
        trace = current_trace()
        place = None if trace is None or type(value) is Tracer else trace.outside.place_of(value)
        if trace is not None and place is not None:
            found = getattr(value, name)
            if isinstance(found, _CONTAINERS):
                trace.outside.adopt(place.attribute(name), found)
                return getattr(found, method)
        return self.attribute(self.attribute(value, name), method)

    def attributes(self, value: Any) -> _Attributes:
        """Return that whose items are the attributes that are stored to in ``value.name = ...``."""
        return _Attributes(self.call, value)

    def augment(self, value: Any, name: str, operation: str, operand: Any) -> None:
        """Do ``value.name += operand`` and its kin."""
        result = self.operate(self.attribute(value, name), operation, operand)
        self.attributes(value)[name] = result


class _OuterNames:
    """Stores to globals and closure variables."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    def _place(self, name: str) -> Place:
        found = self._bindings.place(name)
        return found or Place(Root("global", self._bindings.globals, name))

    def __setitem__(self, name: str, value: Any) -> None:
        trace = current_trace()
        if trace is None:
            self._place(name).put((), value)
        else:
            trace.outside.store(self._place(name), value)

    def __delitem__(self, name: str) -> None:
        raise fence.unsupported(f"del of the outside name {name}", "assign None to it")


class _Attributes:
    """Stores to the attributes of an object."""

    def __init__(self, call: Callable[..., Any], value: Any) -> None:
        self._call, self._value = call, value

    def __setitem__(self, name: str, value: Any) -> None:
        target, trace = self._value, current_trace()
        descriptor = _class_attribute(type(target), name)
        own = users_method(target, "__setattr__")
        put = None if descriptor is None else users_method(descriptor, "__set__")
        if trace is None:
            setattr(target, name, value)
        elif own is not None:
            self._call(own, target, name, value)
        elif put is not None:
            self._call(put, descriptor, target, value)
        elif isinstance(descriptor, property) and descriptor.fset is not None:
            self._call(descriptor.fset, target, value)
        else:
            self.store(name, value)

    def store(self, name: str, value: Any) -> None:
        """Store an attribute as it is: no descriptor and no ``__setattr__`` takes it."""
        trace = current_trace()
        place = None if trace is None else trace.outside.place_of(self._value)
        if trace is None or place is None:
            setattr(self._value, name, value)
        else:
            trace.outside.store(place.attribute(name), value)

    def __delitem__(self, name: str) -> None:
        trace = current_trace()
        if trace is not None and trace.outside.place_of(self._value) is not None:
            raise fence.unsupported(f"del of the outside attribute {name}", "assign None to it")
        delattr(self._value, name)


class _AttributesAsDict(dict[str, Any]):
    """The attributes of an object outside, as its ``__dict__`` shows them."""

    def __init__(self, attributes: _Attributes, found: dict[str, Any]) -> None:
        super().__init__(found)
        self._attributes = attributes

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._attributes.store(name, value)

    def update(self, *others: Any, **values: Any) -> None:
        for name, value in dict(*others, **values).items():
            self[name] = value


class _MirrorItems:
    """Stores to the items of a list or dict that stands for one outside: its length stays."""

    def __init__(self, place: Place | None, value: Any) -> None:
        self._place, self._value = place, value

    def __getitem__(self, key: Any) -> Any:
        return self._value[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        trace = current_trace()
        if trace is not None and trace.outside.trace is not trace:
            raise fence.stored_from_within(f"{self._place}[{key!r}]")
        if isinstance(key, slice):
            value = list(value)
            if len(value) != len(self._value[key]):
                raise fence.resized(str(self._place), self._value)
        self._value[key] = value

    def __delitem__(self, key: Any) -> None:
        raise fence.resized(str(self._place), self._value)


class _Items:
    """Stores to the items of an object of the user's class."""

    def __init__(self, call: Callable[..., Any], value: Any) -> None:
        self._call, self._value = call, value

    def __getitem__(self, key: Any) -> Any:
        return self._call(type(self._value).__getitem__, self._value, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._call(type(self._value).__setitem__, self._value, key, value)

    def __delitem__(self, key: Any) -> None:
        del self._value[key]


def _class_attribute(kind: type, name: str) -> Any:
    for one in kind.__mro__:
        if name in vars(one):
            return vars(one)[name]
    return None


def _getter(value: Any, name: str) -> Callable[..., Any] | None:
    """Return the function behind a property."""
    found = _class_attribute(type(value), name)
    if isinstance(found, property):
        return found.fget
    if isinstance(found, cached_property) and name not in vars(value):
        return found.func
    return None


def _is_of_class(value: Any, name: str) -> bool:
    """Whether an attribute is a method, or another thing that its class makes."""
    if isinstance(value, type | ModuleType) or name in getattr(value, "__dict__", {}):
        return False
    found = _class_attribute(type(value), name)
    return found is not None and hasattr(type(found), "__get__") and not _is_slot(found)


def _is_slot(found: Any) -> bool:
    """Whether an object keeps a value of its own there; in ours lie methods."""
    if type(found).__name__ != "member_descriptor":
        return False
    return package_of(found.__objclass__.__module__) != "gradc"
