"""Whose code is whose: what capture looks into, and what runs as it is."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

# Code of these is never rewritten: it works on tracers through NumPy's protocols, or not at all.
_OPAQUE = frozenset(
    {
        *sys.stdlib_module_names,
        *("numpy", "gradc", "llvmlite", "astor", "jinja2"),
        *("torch", "jax", "jaxlib", "tensorflow", "autograd", "numba", "cupy", "sympy", "casadi"),
        *("pandas", "xarray", "polars", "h5py", "matplotlib", "PIL", "tqdm"),
        *("IPython", "ipykernel", "pytest", "_pytest", "hypothesis", "pluggy"),
    }
) - {"__main__"}
# Code of these is rewritten where traced arrays reach it: most of it computes with plain arrays.
_NUMERIC = frozenset({"scipy", "sklearn", "statsmodels", "skimage", "networkx"})
# So is what NumPy itself has written with its own functions.
_NUMERIC_MODULES = ("numpy.polynomial", "numpy.lib._polynomial_impl")


def package_of(module: str | None) -> str:
    """Return the top-level package of a module's name."""
    return (module or "").partition(".")[0]


def is_opaque(module: str | None) -> bool:
    """Whether code of this module runs as it is."""
    return package_of(module) in _OPAQUE and not (module or "").startswith(_NUMERIC_MODULES)


def is_library(module: str | None) -> bool:
    """Whether a module belongs to a library whose state does not change between calls."""
    return package_of(module) in _OPAQUE | _NUMERIC


def is_users_object(value: Any) -> bool:
    """Whether a value is an object of a class that is nobody's library: it may change."""
    kind = type(value)
    if kind is SimpleNamespace or (kind.__module__, kind.__name__) == ("argparse", "Namespace"):
        return True
    if isinstance(value, type | ModuleType) or is_library(kind.__module__):
        return False
    if isinstance(value, str | bytes | int | float | tuple | list | dict | set | frozenset):
        return False
    return kind.__module__ != "builtins" and not hasattr(kind, "__members__")
