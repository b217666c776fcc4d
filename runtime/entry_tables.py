"""Entries for a Python whose objects lie otherwise: the same as native ones, through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compiler.backends.llvm.entry_signature import Argument, Signature, Tree
from .entry_lifetime import Loaded, unseen

_NUMBERS: dict[str, type[Any]] = {"float": float, "int": int, "bool": bool}


class TableEntry:
    """A callable that checks its arguments in Python and calls the kernel.

    Attributes:
        fallback: Gets the call when the arguments are of another kind.
    """

    __name__: str

    def __init__(
        self, loaded: Loaded, tables: int, signature: Signature, fallback: Callable[..., Any]
    ) -> None:
        self._loaded = unseen(loaded)
        # It holds the interpreter's lock, and raises what the kernel leaves behind.
        self._kernel = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(tables)
        self._signature = signature
        self.fallback = fallback

    @property
    def loaded(self) -> Loaded:
        """The code."""
        found: Loaded = self._loaded.item()
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the kernel, or the fallback.

        Raises:
            SystemError: The kernel failed without an exception.
        """
        inputs = None if kwargs else self._inputs(args)
        if inputs is None:
            return self.fallback(*args, **kwargs)
        results = self._signature.results
        outputs = [
            None if one.kind == "argument" else np.empty(one.shape, one.dtype) for one in results
        ]
        written = [one for one in outputs if one is not None]
        if self._kernel(_table(inputs), _table(written)):
            raise SystemError("a kernel failed without an exception")
        values = [
            args[result.argument or 0]
            if made is None
            else made[()]
            if result.kind == "scalar"
            else made
            for result, made in zip(results, outputs, strict=True)
        ]
        return _arranged(self._signature.tree, values)

    def __reduce__(self) -> Any:
        """Be pickled as an attribute of the object of which the fallback is a method.

        Raises:
            AttributeError: The fallback is no method.
        """
        fallback: Any = self.fallback
        while isinstance(fallback, TableEntry):
            fallback = fallback.fallback
        return getattr, (fallback.__self__, self.__name__)

    def _inputs(self, args: tuple[Any, ...]) -> list[np.ndarray[Any, Any]] | None:
        expected = self._signature.arguments
        if len(args) != len(expected):
            return None
        inputs = list(map(_input, args, expected))
        found = [one for one in inputs if one is not None]
        if len(found) != len(expected):
            return None
        for i, argument in enumerate(expected):
            others = found[:i] + found[i + 1 :]
            if argument.written and any(np.may_share_memory(found[i], one) for one in others):
                return None
        return found


def _input(given: Any, expected: Argument) -> np.ndarray[Any, Any] | None:
    """Return what the kernel reads, or ``None`` where the fallback has to look at it."""
    if expected.kind == "array":
        fits = (
            type(given) is np.ndarray
            and given.dtype == expected.dtype
            and given.shape == expected.shape
            and given.flags.c_contiguous
            and given.flags.aligned
            and (given.flags.writeable or not expected.written)
        )
        return given if fits else None
    if expected.kind == "scalar":
        return np.asarray(given) if type(given) is expected.dtype.type else None
    if type(given) is not _NUMBERS[expected.kind]:
        return None
    if expected.kind == "int" and not _fits(given, expected.dtype):
        return None
    with np.errstate(over="ignore"):
        number = np.asarray(given).astype(expected.dtype)
    overflowed = number.dtype.kind == "f" and np.isinf(number) and abs(given) != float("inf")
    return None if overflowed else number


def _fits(number: int, dtype: np.dtype[Any]) -> bool:
    """Whether an int has 64 bits with its sign, and as many as the dtype where that is one."""
    limits = np.iinfo(np.int64)
    if not limits.min <= number <= limits.max:
        return False
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return limits.min <= number <= limits.max


def _table(arrays: list[np.ndarray[Any, Any]]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*(one.ctypes.data for one in arrays))


def _arranged(tree: Tree, values: list[Any]) -> Any:
    if isinstance(tree, tuple):
        return tuple(_arranged(branch, values) for branch in tree)
    return None if tree is None else values[tree]
