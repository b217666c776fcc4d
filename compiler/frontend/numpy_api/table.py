"""The tables of captured NumPy functions and ndarray methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import CaptureError
from .. import fence
from .replacements import REPLACEMENTS

Function = Callable[..., Any]

FUNCTIONS: dict[Any, Function] = {}
METHODS: dict[str, Function] = {}
PROPERTIES: dict[str, Function] = {}


def implements(*functions: Any, method: str | None = None) -> Callable[[Function], Function]:
    """Enter the decorated function as what these NumPy functions do, and as an ndarray method."""

    def enter(implementation: Function) -> Function:
        for one in functions:
            FUNCTIONS[one] = implementation
        if method:
            METHODS[method] = implementation
        return implementation

    return enter


def function(numpy_function: Any) -> Function:
    """Return what a NumPy function does to tracers.

    Raises:
        CaptureError: It is not captured.
    """
    implementation = FUNCTIONS.get(numpy_function)
    if implementation is None:
        module = getattr(numpy_function, "__module__", "numpy").replace("numpy", "np", 1)
        raise uncaptured(f"{module}.{numpy_function.__name__}")
    return implementation


def uncaptured(name: str) -> CaptureError:
    """Return the error for a function that is not captured, with what does the same."""
    instead = REPLACEMENTS.get(name)
    return fence.unsupported(name, instead and f"write {instead}")


def is_property(name: str) -> bool:
    """Whether a name is that of a property of ndarrays.

    Raises:
        AttributeError: ndarrays have no such attribute.
    """
    if name in PROPERTIES:
        return True
    if not hasattr(np.ndarray, name):
        raise AttributeError(f"'numpy.ndarray' object has no attribute '{name}'")
    return not callable(getattr(np.ndarray, name))


def method(name: str) -> Function:
    """Return what an ndarray method or property does to a tracer.

    Raises:
        CaptureError: It is not captured.
    """
    found = METHODS.get(name) or PROPERTIES.get(name)
    if found is None:
        raise uncaptured(f"ndarray.{name}")
    return found


def refuse(function: str, /, **options: Any) -> None:
    """Refuse options that are given and that capture does not know.

    Raises:
        CaptureError: With the name of the option.
    """
    for name, value in options.items():
        if value is not None and value is not np._NoValue:
            raise fence.unsupported(f"{function} with {name}=")
