"""Entries from Python, made of loaded code: built-in functions whose body is the compiler's."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from operator import itemgetter
from types import BuiltinFunctionType, CellType
from typing import Any

import numpy as np

from ..compiler.backends.llvm.entry_context import PLAIN, RUN, SLOTS, TABLES, TEXT, TRIM
from ..compiler.backends.llvm.entry_signature import Signature
from .entry_layout import allocator_address, layout_holds, new_array_address
from .entry_lifetime import Loaded, unseen
from .entry_tables import TableEntry
from .native import Library

_CALLED_WITH = 0x0080 | 0x0002  # METH_FASTCALL | METH_KEYWORDS

_OBJECTS: dict[str, object] = {
    "None": None,
    "True": True,
    "bool": bool,
    "float": float,
    "int": int,
    "ndarray": np.ndarray,
    "numpy False": np.False_,
    "numpy True": np.True_,
}


class _NativeCode(tuple[CellType, np.ndarray[Any, Any]]):
    """The ``__self__`` of an entry: the cell with its fallback, and what keeps its code."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        """Be pickled as the object of which the fallback is a method.

        An entry is pickled as an attribute of its ``__self__``, as other built-in methods are.

        Raises:
            AttributeError: The fallback is no method.
        """
        fallback: Any = self[0].cell_contents
        while isinstance(fallback.__self__, _NativeCode):
            fallback = fallback.__self__[0].cell_contents
        return itemgetter(0), ((fallback.__self__,),)


class _MethodDefinition(ctypes.Structure):
    """CPython's ``PyMethodDef``."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


_new_function = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.POINTER(_MethodDefinition), ctypes.py_object, ctypes.py_object
)(("PyCFunction_NewEx", ctypes.pythonapi))


def exported(name: str) -> tuple[str, str]:
    """Return the names that have to be exported when the object file of an entry is loaded."""
    return name, f"{name}.context"


def bind(
    library: Library,
    name: str,
    fallback: Callable[..., Any],
    *,
    title: str | None = None,
    doc: str | None = None,
) -> Callable[..., Any]:
    """Return a loaded entry as a function of Python.

    It keeps the library alive. What it cannot take it hands to the fallback with all arguments.

    Args:
        library: Which has ``exported(name)``.
        name: As given to ``emit_entry``.
        fallback: Any callable: another entry, or a function of Python.
        title: The function's ``__name__``; that of the fallback by default.
        doc: Its ``__doc__``; that of the fallback by default.

    Raises:
        KeyError: The names were not exported.
    """
    context = library.address(f"{name}.context")
    head = (ctypes.c_void_p * SLOTS).from_address(context)
    signature = signature_of(library, name)
    title = title or str(getattr(fallback, "__name__", name))
    doc = doc or getattr(fallback, "__doc__", None) or ""
    signed = f"{title}(*args, **kwargs)\n--\n\n{doc}"  # as CPython has it, for inspect.signature
    module = getattr(fallback, "__module__", None)
    if not layout_holds():
        entry = TableEntry(Loaded(library, head[TRIM]), head[TABLES] or 0, signature, fallback)
        entry.__name__, entry.__doc__, entry.__module__ = title, doc, module or ""
        return entry
    slots = signature.slots
    table = (ctypes.c_void_p * (SLOTS + len(slots))).from_address(context)
    for i, slot in enumerate(slots):
        table[SLOTS + i] = _address(slot)
    definition = _MethodDefinition(
        title.encode(), library.address(name), _CALLED_WITH, signed.encode()
    )
    # Cycles go through the cell, which the garbage collector empties: never through a tuple.
    itself = _NativeCode((CellType(fallback), unseen(Loaded(library, head[TRIM], definition))))
    function: Callable[..., Any] = _new_function(ctypes.byref(definition), itself, module)
    return function


def signature_of(library: Library, name: str) -> Signature:
    """Return what an entry takes and gives, as it is written in the code."""
    head = (ctypes.c_void_p * SLOTS).from_address(library.address(f"{name}.context"))
    return Signature.parse(ctypes.string_at(head[TEXT] or 0).decode("ascii"))


def kernel_addresses(library: Library, name: str) -> tuple[int, int]:
    """Return where the functions of C beside an entry lie; see ``emit_entry``.

    The first is for callers that hold the interpreter's lock, the second for others.
    """
    head = (ctypes.c_void_p * SLOTS).from_address(library.address(f"{name}.context"))
    return int(head[RUN] or 0), int(head[PLAIN] or 0)


def retarget(entry: Callable[..., Any], fallback: Callable[..., Any]) -> None:
    """Put another fallback behind an entry; calls that run go on with the old one.

    Raises:
        TypeError: ``entry`` is no function that ``bind`` made.
    """
    if isinstance(entry, TableEntry):
        entry.fallback = fallback
    else:
        _parts(entry)[0].cell_contents = fallback


def fallback_of(entry: Callable[..., Any]) -> Callable[..., Any]:
    """Return what stands behind an entry.

    Raises:
        TypeError: ``entry`` is no function that ``bind`` made.
    """
    if isinstance(entry, TableEntry):
        return entry.fallback
    found: Callable[..., Any] = _parts(entry)[0].cell_contents
    return found


def trim(entry: Callable[..., Any]) -> None:
    """Give the memory of workspaces that wait for the next call of an entry back.

    Raises:
        TypeError: ``entry`` is no function that ``bind`` made.
    """
    (entry.loaded if isinstance(entry, TableEntry) else _parts(entry)[1]).trim()


def _parts(entry: Callable[..., Any]) -> tuple[CellType, Loaded]:
    parts = entry.__self__ if isinstance(entry, BuiltinFunctionType) else None
    if isinstance(parts, _NativeCode):
        return parts[0], parts[1].item()
    raise TypeError(f"{entry!r} is no native entry")


def _address(slot: str) -> int:
    """Return what the context holds under a name."""
    if slot in _OBJECTS:
        return id(_OBJECTS[slot])
    if slot == "new array":
        return new_array_address()
    purpose, _, dtype = slot.partition(" ")
    kind = np.dtype(dtype).type
    return allocator_address(kind) if purpose == "allocate" else id(kind)
