"""Calls in rewritten code: whose code runs, and whether on tracers or on plain arrays."""

from __future__ import annotations

import dataclasses
import functools
import operator
import sys
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from types import (
    BuiltinFunctionType,
    BuiltinMethodType,
    FunctionType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any

import numpy as np

from .. import fence
from ..active import current_trace
from ..concrete import STORING_METHODS, compute, holds_traced, plain
from ..libraries import is_library, is_opaque, is_users_object, package_of
from ..numpy_api.foreign import foreign
from ..numpy_api.operands import tracer
from ..numpy_api.table import FUNCTIONS
from ..outside import LooksOutside
from ..places import Place, Root
from ..trace import Trace
from .behaviour import (
    COPIES,
    HIGHER_ORDER,
    ITERATING,
    SPECIAL_METHODS,
    asks,
    draw,
    is_generator,
    is_pure,
    keeps,
    numpys_random,
    reaches_traced,
    tells,
)
from .bindings import Bindings
from .operators import users_method
from .python import PYTHON
from .rewrite import GROWING
from .stage import stage
from .text import do_later, later, printed, varies, warned

_MUTABLE = (np.ndarray, list, dict, tuple)


def call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a function as rewritten code does.

    The user's functions are rewritten in turn; NumPy's are captured where something that they get
    depends on the arguments, and compute with plain arrays where nothing does; other libraries run
    as they are.
    """
    trace = current_trace()
    if trace is None:
        return function(*args, **kwargs)
    kind = type(function)
    if kind is FunctionType:
        return _call_function(trace, function, args, kwargs)
    if kind is MethodType:
        if is_generator(type(function.__self__)):
            return draw(trace, function, args, kwargs)
        return call(function.__func__, function.__self__, *args, **kwargs)
    if kind is MethodWrapperType and function.__name__ == "__setattr__":
        return _setattr_plainly(function.__self__, *args)
    if kind is operator.attrgetter:
        names = function.__reduce__()[1]
        found = [functools.reduce(_getattr, name.split("."), args[0]) for name in names]
        return found[0] if len(found) == 1 else tuple(found)
    if kind is operator.methodcaller:
        name, *given = function.__reduce__()[1]
        return call(getattr(args[0], name), *given)
    if kind is functools.partial:
        held, named = function.args, function.keywords
        place = trace.outside.place_of(function)
        if place is not None:
            held = trace.outside.read(place.attribute("args"), held)
            named = trace.outside.read(place.attribute("keywords"), named)
        return call(function.func, *held, *args, **{**named, **kwargs})
    if kind is BuiltinMethodType and function.__self__ is not None:
        return _call_method(trace, function, args, kwargs)
    if isinstance(function, type):
        return _construct(trace, function, args, kwargs)
    if kind is functools._lru_cache_wrapper and holds_traced((args, kwargs)):
        return call(function.__wrapped__, *args, **kwargs)  # a tracer must not stay in its cache
    if kind in (functools._lru_cache_wrapper, weakref.ref):  # what they give lives on
        found = _call_library(trace, function, args, kwargs)
        if is_users_object(found) and trace.outside.place_of(found) is None:
            trace.outside.adopt(Place(Root("object", found, type(found).__name__)), found)
        return found
    method = getattr(kind, "__call__", None)  # noqa: B004 - it is that of the class
    if isinstance(method, FunctionType) and not is_opaque(kind.__module__):
        if not is_library(kind.__module__) or holds_traced((args, kwargs)):
            return call(method, function, *args, **kwargs)
    return _call_library(trace, function, args, kwargs)


class _Bindings(Bindings):
    call = staticmethod(call)


def _call_function(trace: Trace, function: FunctionType, args: Any, kwargs: Any) -> Any:
    module = function.__module__
    if is_opaque(module):
        return _call_library(trace, function, args, kwargs)
    implementation = foreign(function)
    if implementation is not None and holds_traced((args, kwargs)):
        return trace.dispatch(implementation, args, kwargs)
    if is_library(module) and not reaches_traced((*args, *kwargs.values())):
        return _call_library(trace, function, args, kwargs)
    return _call_rewritten(trace, function, args, kwargs)


def _call_rewritten(trace: Trace, function: FunctionType, args: Any, kwargs: Any) -> Any:
    rewritten = stage(function, _Bindings)
    if rewritten is None:
        return _call_as_it_is(trace, function, args, kwargs)
    positional, named = function.__defaults__ or (), function.__kwdefaults__ or {}
    if any(isinstance(one, _MUTABLE) for one in (*positional, *named.values())):
        place = Place(Root("object", function, function.__name__))
        read = trace.outside.read
        closure = rewritten.__closure__
        rewritten = FunctionType(rewritten.__code__, rewritten.__globals__, closure=closure)
        if positional:
            rewritten.__defaults__ = read(place.attribute("__defaults__"), positional)
        if named:
            rewritten.__kwdefaults__ = read(place.attribute("__kwdefaults__"), named)
    return rewritten(*args, **kwargs)


def _call_as_it_is(trace: Trace, function: FunctionType, args: Any, kwargs: Any) -> Any:
    """Call a function whose source is not to be had."""
    trace.outside.watch(function)
    for one in (*args, *kwargs.values()):
        place = trace.outside.place_of(one)
        if place is not None and not isinstance(one, type | ModuleType):
            trace.outside.depend_on_content(place, one)
    return trace.own(function(*args, **kwargs))


def call_root(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call the function that is compiled: it is rewritten whosever it is."""
    trace = current_trace()
    if trace is None:
        return function(*args, **kwargs)
    if type(function) is FunctionType and foreign(function) is None:
        # It gets a value for each of its parameters: its defaults are not looked at.
        rewritten = stage(function, _Bindings)
        if rewritten is None:
            return _call_as_it_is(trace, function, args, kwargs)
        return rewritten(*args, **kwargs)
    place = Place(Root("object", function, getattr(function, "__name__", "the function")))
    if isinstance(function, MethodType):
        trace.outside.adopt(place.attribute("__self__"), function.__self__)
    elif isinstance(function, functools.partial) or is_users_object(function):
        trace.outside.adopt(place, function)
    return call(function, *args, **kwargs)


def _call_library(trace: Trace, function: Any, args: Any, kwargs: Any) -> Any:
    if type(function).__hash__ is None:  # such an object is no function that is known here
        return _call_other(trace, function, args, kwargs)
    if asks(function):
        raise fence.changing_answer(function)
    if keeps(function):
        raise fence.unsupported(f"{function.__name__}() of an object that lies outside")
    special = SPECIAL_METHODS.get(function)
    if special is not None and args and users_method(args[0], special) is not None:
        return call(getattr(type(args[0]), special), *args, **kwargs)
    if tells(function):
        if trace.outside.is_strict:
            raise LooksOutside(repr(function))
        return do_later((args, kwargs), lambda found: function(*found[0], **found[1]))
    replaced = _replacement(function)
    if replaced is not None or function in ITERATING:
        args = [_iterated(one) for one in args]
    if replaced is not None:
        return replaced(*args, **{name: _rewritten(one) for name, one in kwargs.items()})
    if isinstance(function, np.ufunc) or is_of_numpy(function):
        args = [_as_array(one) for one in args]
    if isinstance(function, np.ufunc):
        if holds_traced(args):  # in lists too, where NumPy's protocol does not look
            return trace.call_ufunc(function, "__call__", args, kwargs)
        return trace.own(function(*args, **kwargs))
    if is_of_numpy(function):
        return _call_numpy(trace, function, args, kwargs)
    return _call_other(trace, function, args, kwargs)


def _call_other(trace: Trace, function: Any, args: Any, kwargs: Any) -> Any:
    """Call what is neither the user's nor NumPy's, and has no meaning of its own here."""
    if any(function is one for one in COPIES) and args and is_users_object(args[0]):
        if trace.outside.is_outside(args[0]):
            raise fence.unsupported(
                f"{function.__name__}() of an outside object", "copy its arrays"
            )
    if trace.outside.is_strict and not is_pure(function):
        raise LooksOutside(repr(function))
    package = package_of(getattr(function, "__module__", None))
    if package in ("gradc", "") or package in sys.stdlib_module_names:
        return trace.own(function(*args, **kwargs))
    if holds_traced(args) or holds_traced(kwargs):
        is_cython = "cython" in type(function).__name__
        if is_cython or isinstance(function, BuiltinFunctionType | BuiltinMethodType):
            raise fence.not_python(function)
        if type(function).__name__ == "CPUDispatcher":  # what Numba compiled
            return call(function.py_func, *args, **kwargs)
        try:
            return trace.own(function(*plain(args), **plain(kwargs)))
        except (TypeError, ValueError) as error:
            raise fence.not_looked_into(function) from error
    return compute(trace, function, args, kwargs, stores=True)


def _call_numpy(trace: Trace, function: Any, args: Any, kwargs: Any) -> Any:
    if function is np.ndenumerate and holds_traced(args):
        array = trace.array_of(args[0])
        return ((at, array[at]) for at in np.ndindex(*array.shape))
    if function is numpys_random("default_rng") and not (args or kwargs):
        raise fence.random_numbers()
    if isinstance(function, np.vectorize) and holds_traced((args, kwargs)):
        return _call_vectorized(trace, function, args, kwargs)
    implementation = FUNCTIONS.get(function)
    args = [_rewritten(one) for one in args]
    if function in (np.empty, np.fromiter):  # not NumPy's: it fills nothing, it takes no tracers
        return trace.dispatch(FUNCTIONS[function], args, kwargs)
    if holds_traced(args) or holds_traced(kwargs):
        if implementation is not None:
            return trace.dispatch(implementation, args, kwargs, function)
        written = getattr(function, "_implementation", None)
        if isinstance(written, FunctionType) and not is_opaque(written.__module__):
            return _call_rewritten(trace, written, args, kwargs)
        return trace.own(function(*args, **kwargs))
    captured = None
    if implementation is not None:
        captured = lambda: trace.dispatch(implementation, args, kwargs)  # noqa: E731
    return compute(trace, function, args, kwargs, captured)


def _call_vectorized(trace: Trace, function: Any, args: Any, kwargs: Any) -> Any:
    """Call a function for each element, as ``np.vectorize`` does."""
    if function.signature or function.excluded or kwargs:
        raise fence.unsupported("np.vectorize with signature=, excluded= or keywords")
    arrays: Any = np.broadcast_arrays(*map(tracer, args))
    shape = arrays[0].shape
    if not all(isinstance(dim, int) for dim in shape) or 0 in shape:
        raise fence.unsupported("np.vectorize of an unknown number of elements, or of none")
    found = [call(function.pyfunc, *(one[at] for one in arrays)) for at in np.ndindex(*shape)]
    if isinstance(found[0], tuple):
        return tuple(_gathered(parts, shape) for parts in zip(*found, strict=True))
    return _gathered(found, shape)


def _gathered(elements: Any, shape: tuple[int, ...]) -> Any:
    return np.reshape(call(np.array, list(elements)), shape)


def is_of_numpy(function: Any) -> bool:
    """Whether a function is NumPy's."""
    return package_of(getattr(function, "__module__", None)) == "numpy"


def _replacement(function: Any) -> Callable[..., Any] | None:
    return _REPLACED.get(function) or PYTHON.get(function)


def _call_method(trace: Trace, method: BuiltinMethodType, args: Any, kwargs: Any) -> Any:
    """Call a method of a built-in object, or a function of a module."""
    owner, name = method.__self__, method.__name__
    if isinstance(owner, np.ndarray):
        if holds_traced(args) or holds_traced(kwargs):
            return getattr(trace.own(owner), name)(*args, **kwargs)
        return compute(trace, method, args, kwargs, stores=name in STORING_METHODS)
    if isinstance(owner, np.ufunc) and holds_traced(args):
        return trace.call_ufunc(owner, name, args, kwargs)
    if is_generator(type(owner)):
        return draw(trace, method, args, kwargs)
    if isinstance(owner, str) and name == "join":
        args = [list(one) if hasattr(one, "__next__") else one for one in args]
    if isinstance(owner, str) and name in ("format", "join") and varies((args, [*kwargs.values()])):
        return later((args, kwargs), lambda found: method(*found[0], **found[1]))
    if name in GROWING and isinstance(owner, list | dict | set | deque):
        if trace.outside.is_strict:
            raise LooksOutside(name)
        place = trace.outside.place_of(owner)
        may_grow = isinstance(owner, dict) and name in ("update", "setdefault")
        if place is not None and not (may_grow and trace.outside.is_mirror(owner)):
            raise fence.resized(str(place), owner)
    return _call_library(trace, method, args, kwargs)


def _construct(trace: Trace, kind: type, args: Any, kwargs: Any) -> Any:
    """Make an object: the user's ``__init__`` is rewritten too."""
    if is_generator(kind) and not args and not kwargs:
        raise fence.random_numbers()
    make = getattr(kind, "__new__", None)
    if isinstance(make, FunctionType) and not is_library(kind.__module__):
        made: Any = call(make, kind, *args, **kwargs)
        if isinstance(made, kind) and isinstance(kind.__init__, FunctionType):  # type: ignore[misc]
            call(kind.__init__, made, *args, **kwargs)  # type: ignore[misc]
        return made
    start: Any = kind.__init__  # type: ignore[misc]
    is_made_plainly = getattr(kind, "__new__", None) is object.__new__
    is_made_plainly &= type(kind).__call__ is type.__call__
    is_looked_into = not is_library(kind.__module__) or (
        not is_opaque(kind.__module__) and holds_traced((args, kwargs))
    )
    if is_made_plainly and isinstance(start, FunctionType) and is_looked_into:
        made = object.__new__(kind)
        finish = users_method(made, "__post_init__")
        if finish is not None and hasattr(made, "__dict__") and dataclasses.is_dataclass(kind):
            # Its own __init__ has no source, and would call it as it is.
            vars(made)["__post_init__"] = functools.partial(call, finish, made)
            start(made, *args, **kwargs)
            del vars(made)["__post_init__"]
        else:
            call(start, made, *args, **kwargs)
        return made
    return _call_library(trace, kind, [_rewritten(one) for one in args], kwargs)


def _rewritten(value: Any) -> Any:
    """Return a function that is given to another one such that it is rewritten too."""
    if isinstance(value, FunctionType | MethodType | functools.partial):
        return functools.partial(call, value)
    return value


def _as_array(value: Any) -> Any:
    """Return what NumPy makes of an object of the user's class that says so."""
    method = users_method(value, "__array__")
    return value if method is None else call(method, value)


def _iterated(value: Any) -> Any:
    """Return what a built-in function iterates over in place of an object of the user's class."""
    method = users_method(value, "__iter__")
    return value if method is None else call(method, value)


def _higher_order(function: Any) -> Callable[..., Any]:
    """Return a function that calls what it is given, which is rewritten then."""

    def called(*args: Any, **kwargs: Any) -> Any:
        given = [functools.partial(call, one) if callable(one) else one for one in args]
        return function(*given, **kwargs)

    return called


def _getattr(value: Any, name: str, *default: Any) -> Any:
    if default and not _hasattr(value, name):
        return default[0]
    return _Bindings({}, {}).attribute(value, name)


def _hasattr(value: Any, name: str) -> bool:
    trace = current_trace()
    place = None if trace is None else trace.outside.place_of(value)
    if trace is not None and place is not None:
        if place.attribute(name) in trace.outside.stores:
            return True
        if not hasattr(value, name):
            trace.outside.lacks(place.attribute(name))
    return hasattr(value, name)


def _setattr(value: Any, name: str, stored: Any) -> None:
    _Bindings({}, {}).attributes(value)[name] = stored


def _setattr_plainly(value: Any, name: str, stored: Any) -> None:
    _Bindings({}, {}).attributes(value).store(name, stored)


_REPLACED: dict[Any, Callable[..., Any]] = {
    **{one: _higher_order(one) for one in HIGHER_ORDER},
    getattr: _getattr,
    hasattr: _hasattr,
    setattr: _setattr,
    object.__setattr__: _setattr_plainly,
    vars: lambda value: _Bindings({}, {}).attribute(value, "__dict__"),
    print: printed,
    warnings.warn: warned,
}
