"""Whether this Python and this NumPy keep their objects as native entries read them."""

from __future__ import annotations

import ctypes
import pickle
import sys
from collections.abc import Iterator
from functools import cache
from types import CellType
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

from ..compiler.backends.llvm import entry_layout as layout
from ..compiler.types import SUPPORTED_DTYPES

_VERSION, _NEW_ARRAY = 0, 93  # places in NumPy's table of functions (numpy_api.py)
_ABI = 0x02000000  # NPY_ABI_VERSION of NumPy 2
_TP_ALLOC = 47  # Py_tp_alloc (typeslots.h)

_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_type_slot = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_int)(
    ("PyType_GetSlot", ctypes.pythonapi)
)


def new_array_address() -> int:
    """Return the address of ``PyArray_New``."""
    return _array_function(_NEW_ARRAY)


def allocator_address(kind: type) -> int:
    """Return the address of a type's ``tp_alloc``."""
    return int(_type_slot(kind, _TP_ALLOC) or 0)


@cache
def layout_holds() -> bool:
    """Return whether all fields that entries read lie where they expect them.

    Read are objects whose contents are known, and no byte outside of them.
    """
    return (
        sys.implementation.name == "cpython"
        and sys.byteorder == "little"
        and object.__basicsize__ == layout.HEADER == 2 * ctypes.sizeof(ctypes.c_void_p)
        and _numbers_hold()
        and _containers_hold()
        and _arrays_hold()
        and _makers_hold()
    )


def _array_function(place: int) -> int:
    table = _capsule_pointer(_multiarray_umath._ARRAY_API, None)
    size = ctypes.sizeof(ctypes.c_void_p)
    return int(ctypes.c_void_p.from_address(table + place * size).value or 0)


def _field(one: Any, offset: int, kind: Any) -> Any:
    return kind.from_address(id(one) + offset).value


def _numbers_hold() -> bool:
    """The values of floats and of NumPy scalars."""
    if float.__basicsize__ != layout.NUMBER + 8:
        return False
    numbers = [dtype.type(37) for dtype in SUPPORTED_DTYPES]
    fit = all(
        type(one).__basicsize__ >= layout.NUMBER + one.itemsize
        and ctypes.string_at(id(one) + layout.NUMBER, one.itemsize) == one.tobytes()
        and _field(one, layout.TYPE, ctypes.c_void_p) == id(type(one))
        for one in numbers
    )
    return fit and all(
        _field(one, layout.NUMBER, ctypes.c_double) == one
        and _field(one, layout.TYPE, ctypes.c_void_p) == id(float)
        for one in (1.5, -2.25e300)
    )


def _containers_hold() -> bool:
    """The items of a tuple and the contents of a cell."""
    items = (object(), object())
    cell = CellType(items)
    return (
        tuple.__basicsize__ == layout.TUPLE_ITEMS
        and tuple.__itemsize__ == 8
        and CellType.__basicsize__ == layout.CELL_CONTENTS + 8
        and all(
            _field(items, layout.TUPLE_ITEMS + 8 * i, ctypes.c_void_p) == id(one)
            for i, one in enumerate(items)
        )
        and _field(cell, layout.CELL_CONTENTS, ctypes.c_void_p) == id(items)
    )


def _arrays() -> Iterator[np.ndarray[Any, Any]]:
    """Arrays that differ in every field that is read."""
    whole = np.arange(24.0)
    yield whole
    yield whole.reshape(2, 3, 4)
    yield whole.reshape(4, 6).T
    yield whole[::2]
    yield np.frombuffer(bytes(33), np.uint8)[1:].view(np.float32)
    yield whole.astype(">f8")
    yield whole.view(np.dtype("f8").newbyteorder("<"))
    yield pickle.loads(pickle.dumps(whole))
    yield np.zeros(())
    yield np.empty((0, 5), np.int8)
    for dtype in SUPPORTED_DTYPES:
        yield np.ones((3, 1), dtype)


def _arrays_hold() -> bool:
    if np.ndarray.__basicsize__ < layout.ARRAY_FLAGS + 4:
        return False
    if type(np.dtype("f8")).__basicsize__ < layout.DTYPE_NUMBER + 4:
        return False
    return all(map(_array_holds, _arrays()))


def _array_holds(array: np.ndarray[Any, Any]) -> bool:
    if (
        _field(array, layout.TYPE, ctypes.c_void_p) != id(np.ndarray)
        or _field(array, layout.ARRAY_DATA, ctypes.c_void_p) != array.ctypes.data
        or _field(array, layout.ARRAY_RANK, ctypes.c_int) != array.ndim
        or _field(array, layout.ARRAY_DTYPE, ctypes.c_void_p) != id(array.dtype)
        or _field(array, layout.ARRAY_FLAGS, ctypes.c_int) != array.flags.num
    ):
        return False
    dtype, flags = array.dtype, array.flags
    shape = _field(array, layout.ARRAY_SHAPE, ctypes.c_void_p)
    if array.ndim and not shape:
        return False
    dims = (ctypes.c_int64 * array.ndim).from_address(shape) if array.ndim else ()
    bits = {
        layout.CONTIGUOUS: flags.c_contiguous,
        layout.ALIGNED: flags.aligned,
        layout.WRITEABLE: flags.writeable,
    }
    return (
        tuple(dims) == array.shape
        and _field(dtype, layout.DTYPE_NUMBER, ctypes.c_int) == dtype.num
        and _field(dtype, layout.DTYPE_BYTE_ORDER, ctypes.c_char) == dtype.byteorder.encode()
        and all((flags.num & bit == bit) == answer for bit, answer in bits.items())
    )


def _makers_hold() -> bool:
    """The functions that make arrays and scalars do so."""
    version = ctypes.PYFUNCTYPE(ctypes.c_uint)(_array_function(_VERSION))()
    if version != _ABI:
        return False
    pointer, number = ctypes.c_void_p, ctypes.c_int
    parameters = (pointer, number, pointer, number, pointer, pointer, number, number, pointer)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, *parameters)(new_array_address())
    shape = (ctypes.c_int64 * 2)(3, 4)
    dtype = np.dtype(np.float32)
    made = make(id(np.ndarray), 2, ctypes.addressof(shape), dtype.num, None, None, 0, 0, None)
    if type(made) is not np.ndarray or (made.shape, made.dtype) != ((3, 4), dtype):
        return False
    for kind in (one.type for one in SUPPORTED_DTYPES if one.kind != "b"):
        address = allocator_address(kind)
        if not address:
            return False
        allocate = ctypes.PYFUNCTYPE(ctypes.py_object, pointer, ctypes.c_ssize_t)(address)
        if type(allocate(id(kind), 0)) is not kind:
            return False
    return True
