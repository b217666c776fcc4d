"""Where Python and NumPy keep the fields that entries read, and the functions that they call.

The numbers are byte offsets into the objects of CPython 3.10 to 3.13 with the global interpreter
lock, on machines of 64 bits, and of NumPy 2. ``runtime.entry`` compares them with what Python and
NumPy say of their own objects before it makes a native entry.
Sources: CPython's ``Include/object.h``, ``Include/cpython/{tupleobject,cellobject,floatobject}.h``;
NumPy's ``ndarraytypes.h`` (``PyArrayObject_fields``, ``PyArray_DescrNumPy2``), ``arrayscalars.h``.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

TYPE = 8  # ob_type
HEADER = 16  # the bytes of PyObject_HEAD: here the first own field of an object lies
NUMBER = HEADER  # the value of a float and of a NumPy scalar
CELL_CONTENTS = HEADER
TUPLE_ITEMS = HEADER + 8
ARRAY_DATA = HEADER
ARRAY_RANK = HEADER + 8
ARRAY_SHAPE = HEADER + 16
ARRAY_DTYPE = HEADER + 40
ARRAY_FLAGS = HEADER + 48
DTYPE_BYTE_ORDER = HEADER + 10
DTYPE_NUMBER = HEADER + 12

CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400  # NPY_ARRAY_C_CONTIGUOUS and so on

POINTER = ir.PointerType()
BYTE, INT, SIZE = ir.IntType(8), ir.IntType(32), ir.IntType(64)
VOID = ir.VoidType()
NULL = ir.Constant(POINTER, None)

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "PyDict_New": (POINTER, ()),
    "PyDict_SetItem": (INT, (POINTER, POINTER, POINTER)),
    "PyErr_BadInternalCall": (VOID, ()),
    "PyErr_NoMemory": (POINTER, ()),
    "PyEval_RestoreThread": (VOID, (POINTER,)),
    "PyEval_SaveThread": (POINTER, ()),
    "PyGILState_Ensure": (INT, ()),
    "PyGILState_Release": (VOID, (INT,)),
    "PyLong_AsLongLongAndOverflow": (SIZE, (POINTER, POINTER)),
    "PyMem_RawFree": (VOID, (POINTER,)),
    "PyMem_RawMalloc": (POINTER, (SIZE,)),
    "PyObject_VectorcallDict": (POINTER, (POINTER, POINTER, SIZE, POINTER)),
    "PyTuple_GetItem": (POINTER, (POINTER, SIZE)),
    "PyTuple_New": (POINTER, (SIZE,)),
    "PyTuple_Size": (SIZE, (POINTER,)),
    "Py_DecRef": (VOID, (POINTER,)),
    "Py_IncRef": (VOID, (POINTER,)),
}


def python_function(module: ir.Module, name: str) -> Any:
    """Return a function of Python's C interface, as a declaration in ``module``.

    Raises:
        KeyError: Entries do not know it.
    """
    if name in module.globals:
        return module.globals[name]
    returns, parameters = _FUNCTIONS[name]
    return ir.Function(module, ir.FunctionType(returns, parameters), name)


def load_field(builder: ir.IRBuilder, base: Any, offset: int, kind: Any, name: str = "") -> Any:
    """Emit the load of a field that lies ``offset`` bytes into an object."""
    return builder.load(address_of(builder, base, offset), typ=kind, name=name)


def address_of(builder: ir.IRBuilder, base: Any, offset: int, name: str = "") -> Any:
    """Emit the address ``offset`` bytes behind ``base``."""
    return builder.gep(base, [SIZE(offset)], source_etype=BYTE, inbounds=True, name=name)


def seldom(function: ir.Function) -> None:
    """Let LLVM spend no time on a function that seldom runs, or whose callees take its time."""
    for attribute in ("noinline", "optnone"):
        function.attributes.add(attribute)
