"""NumPy's questions about dtypes and plans, answered from the types of arrays alone."""

from __future__ import annotations

from operator import index as integer
from typing import Any

import numpy as np

from ..tracer import Tracer
from .operands import dtype_key, tracer
from .subscripts import parse_operands
from .table import PROPERTIES, implements, refuse


def _dtype(one: Any) -> Any:
    """Return the dtype of an array, a number for a Python number, all else as it is."""
    if not isinstance(one, Tracer):
        return one
    key = dtype_key(one)
    return key(0) if isinstance(key, type) else key


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    """``np.result_type``."""
    return np.result_type(*map(_dtype, arrays_and_dtypes))


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """``np.can_cast``."""
    return np.can_cast(_dtype(from_), _dtype(to), casting)


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    """``np.common_type``."""
    return np.common_type(*(np.empty(0, tracer(one).dtype) for one in arrays))


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """``np.iscomplexobj``: there are no complex arrays."""
    return bool(tracer(x).dtype.kind == "c")


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """``np.isrealobj``."""
    return not iscomplexobj(x)


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """``np.astype``."""
    refuse("np.astype", device=None if device == "cpu" else device)
    return tracer(x).astype(dtype, copy=copy)


@implements(np.einsum_path)
def einsum_path(*operands: Any, optimize: Any = "greedy", einsum_call: bool = False) -> Any:
    """``np.einsum_path``, which reads shapes only."""
    refuse("np.einsum_path", einsum_call=einsum_call or None)
    arrays, *_ = parse_operands(operands)
    shapes = {id(one): tuple(map(integer, tracer(one).shape)) for one in arrays}
    plain = [
        np.broadcast_to(0.0, shapes[id(one)]) if id(one) in shapes else one for one in operands
    ]
    return np.einsum_path(*plain, optimize=optimize)


PROPERTIES["device"] = lambda x: "cpu"


@implements(method="to_device")
def to_device(x: Tracer, device: Any, /, *, stream: Any = None) -> Tracer:
    """``ndarray.to_device``: there is one device."""
    if device != "cpu":
        raise ValueError(f"unsupported device {device!r}")
    return x


@implements(np.may_share_memory, np.shares_memory)
def shares_memory(a: Any, b: Any, /, max_work: Any = None) -> bool:
    """``np.shares_memory``, as far as arrays of one storage count as sharing."""
    return isinstance(a, Tracer) and isinstance(b, Tracer) and a.storage is b.storage
