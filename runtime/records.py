"""What a loop saved, from the program that saved it to the one that reads it.

How long it is, is known when it is there: so native code passes an address and a number of rows.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compiler.types import INDEX_DTYPE, ArrayType, format_shape

_free = ctypes.pythonapi.PyMem_RawFree
_free.argtypes, _free.restype = (ctypes.c_void_p,), None


class _Memory:
    """Memory that native code allocated: an array of it keeps it, and it goes with the last one."""

    def __init__(self, address: int, type: ArrayType, rows: int) -> None:
        self._address = address
        self.__array_interface__ = {
            "data": (address, False),
            "shape": (rows, *type.shape[1:]),
            "typestr": type.dtype.str,
            "version": 3,
        }

    def __del__(self, free: Callable[[int], None] = _free) -> None:
        free(self._address)


def passing_records(
    run: Callable[..., Any], params: Sequence[ArrayType], outputs: Sequence[ArrayType]
) -> Callable[..., Any]:
    """Return a program that takes and gives arrays, of one that takes and gives addresses of some.

    Args:
        run: Takes the params, and returns the outputs: one, or a tuple.
        params: Their types; those of unknown length go by address.
        outputs: Theirs.
    """
    taken = [(i, type) for i, type in enumerate(params) if not type.is_static]
    given = [(i, type) for i, type in enumerate(outputs) if not type.is_static]
    if not taken and not given:
        return run

    def with_records(*leaves: Any) -> Any:
        passed = list(leaves)
        kept = [_conforming(leaves[i], type) for i, type in taken]
        for (i, _), array in zip(taken, kept, strict=True):
            address = array.__array_interface__["data"][0]
            passed[i] = np.array([address, len(array)], INDEX_DTYPE)
        results = run(*passed)
        if not given:
            return results
        found = [results] if len(outputs) == 1 else list(results)
        for i, type in given:
            address, rows = found[i].tolist()
            found[i] = _array(address, rows, type)
        return found[0] if len(outputs) == 1 else tuple(found)

    return with_records


def _conforming(leaf: Any, type: ArrayType) -> Any:
    array = np.require(leaf, type.dtype, ["C", "A"])
    if array.ndim != type.ndim or array.shape[1:] != type.shape[1:]:
        raise TypeError(f"takes {type}, not {format_shape(array.shape)} {array.dtype}")
    return array


def _array(address: int, rows: int, type: ArrayType) -> Any:
    if not address:
        return np.empty((0, *type.shape[1:]), type.dtype)
    return np.asarray(_Memory(address, type, rows))
