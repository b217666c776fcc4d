"""What functions of libraries do besides computing: that cannot be done once for all calls."""

from __future__ import annotations

import builtins
import copy
import dataclasses
import datetime
import functools
import io
import itertools
import math
import random
import sys
from contextvars import ContextVar
from types import FunctionType, ModuleType
from typing import Any

from .. import fence
from ..concrete import compute, holds_traced
from ..libraries import package_of
from ..trace import Trace
from ..tracer import Tracer

COPIES: tuple[Any, ...] = (copy.copy, copy.deepcopy)
COPIES += (dataclasses.replace, dataclasses.asdict, dataclasses.astuple)
# These call what they are given.
HIGHER_ORDER = (
    *(map, filter, functools.reduce, itertools.accumulate),
    *(itertools.starmap, itertools.takewhile, itertools.dropwhile),
)
ITERATING = (list, tuple, set, frozenset, enumerate, zip, iter, dict)
# Built-in functions that call a method.
SPECIAL_METHODS = {
    abs: "__abs__",
    round: "__round__",
    len: "__len__",
    float: "__float__",
    int: "__int__",
    bool: "__bool__",
    next: "__next__",
    reversed: "__reversed__",
}
_PURE = {builtins.len, range, zip, enumerate, isinstance, list, tuple, dict, reversed, map, bool}


_QUEUE = ("put", "put_nowait", "get", "get_nowait")


def asks(function: Any) -> bool:
    """Whether a function asks for the time, or for what a user types."""
    module, name = getattr(function, "__module__", None), getattr(function, "__name__", "")
    if isinstance(getattr(function, "__self__", None), type):
        return issubclass(function.__self__, datetime.date) and name in ("now", "today", "utcnow")
    if module == "time":
        return name.removesuffix("_ns") in ("time", "perf_counter", "monotonic", "process_time")
    return function is input or (module, name) in (("posix", "urandom"), ("uuid", "uuid4"))


def keeps(function: Any) -> bool:
    """Whether a function changes a place of Python's library that outlives the call."""
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if isinstance(owner, ContextVar):
        return name in ("set", "reset")
    return getattr(function, "__module__", None) == "queue" and name in _QUEUE


def tells(function: Any) -> bool:
    """Whether a function writes something somewhere, at each call as ``print`` does."""
    module, name = getattr(function, "__module__", None), getattr(function, "__name__", "")
    if module == "logging":
        return name in ("debug", "info", "warning", "error", "exception", "critical", "log")
    if name in ("save", "savez", "savez_compressed", "savetxt"):
        return package_of(module) == "numpy"
    if name in ("write", "writelines"):
        return isinstance(getattr(function, "__self__", None), io.IOBase)
    return name in ("writerow", "writerows") and module == "_csv"


def is_pure(function: Any) -> bool:
    """Whether a function that is not the user's depends on its arguments alone."""
    if package_of(getattr(function, "__module__", None)) == "gradc":
        return True  # methods of traced arrays
    return function in _PURE or getattr(function, "__self__", None) is math


def reaches_traced(values: Any) -> bool:
    """Whether something among values is traced, or is an object that holds such."""
    return holds_traced(values) or any(
        holds_traced(attributes)
        for one in values
        if not isinstance(one, type | ModuleType | FunctionType | Tracer)
        and (attributes := getattr(one, "__dict__", None))
    )


def numpys_random(name: str) -> Any:
    """Return what ``np.random`` calls so; None if nothing has imported it, which takes a while."""
    return getattr(sys.modules.get("numpy.random"), name, None)


def is_generator(kind: type) -> bool:
    """Whether the objects of a class draw random numbers."""
    of_numpy = [numpys_random(name) for name in ("Generator", "RandomState")]
    return issubclass(kind, (random.Random, *(one for one in of_numpy if one is not None)))


def draw(trace: Trace, method: Any, args: Any, kwargs: Any) -> Any:
    """Draw random numbers from a generator that was made inside with a seed.

    Raises:
        CaptureError: It lies outside: its numbers would be the same at each call.
    """
    owner = method.__self__
    shared = random._inst, getattr(numpys_random("mtrand"), "_rand", None)
    is_shared = any(owner is one for one in shared)
    if is_shared or trace.outside.place_of(owner) is not None:
        raise fence.random_numbers()
    return compute(trace, method, args, kwargs, stores=True)
