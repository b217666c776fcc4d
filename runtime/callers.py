"""What native code calls back: functions of Python that get addresses."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compiler.ir import Node
from ..compiler.primitives.control import callback
from ..compiler.types import ArrayType


def caller(node: Node) -> Callable[..., None]:
    """Return what does a node on the memory of its operands and results, given by address.

    Operands come as NumPy has them: numbers of rank 0 as scalars. A function of the user's gets
    arrays of its own.
    """
    types, outs = [one.type for one in node.operands], [one.type for one in node.outs]
    if node.primitive is callback:
        compute: Callable[..., Any] = node.attrs["callback"].function
    else:
        compute = _evaluation(node)
    is_users = node.primitive is callback

    def call(*addresses: int) -> None:
        given = [_array(one, type) for one, type in zip(addresses, types, strict=False)]
        if is_users:
            given = [one.copy() for one in given]
        results = compute(*(one[()] if not one.ndim else one for one in given))
        results = results if len(outs) > 1 else (results,)
        for address, type, result in zip(addresses[len(types) :], outs, results, strict=False):
            _array(address, type)[...] = result

    return call


def _evaluation(node: Node) -> Callable[..., Any]:
    def evaluate(*arrays: Any) -> Any:
        return node.primitive.evaluate(*arrays, **node.attrs)

    return evaluate


def _array(address: int, type: ArrayType) -> np.ndarray[Any, Any]:
    """Return an array of the memory at an address."""
    memory: Any = (ctypes.c_char * (type.nbytes or 0)).from_address(address)
    shape: Any = type.shape
    return np.ndarray(shape, type.dtype, memory)
