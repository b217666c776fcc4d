"""What an entry from Python needs as long as it lives, and how it is kept."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from .native import Library


class Loaded:
    """The code of an entry, with the workspaces that wait for its next call.

    Attributes:
        library: The code.
        definition: What CPython reads of a built-in function as long as there is one.
    """

    def __init__(self, library: Library, trim: int | None, definition: object = None) -> None:
        self.library = library
        self.definition = definition
        self._trim = ctypes.CFUNCTYPE(None)(trim) if trim else None

    def trim(self) -> None:
        """Give the memory of waiting workspaces back."""
        if self._trim is not None:
            self._trim()

    __del__ = trim


def unseen(one: Loaded) -> np.ndarray[Any, Any]:
    """Return what keeps an object alive unseen by the garbage collector.

    The collector runs the finalizers of a dead cycle in any order: it would unload code that others
    of them may still call. NumPy's arrays do not take part in it, so that what they hold goes only
    when the entry is gone.
    """
    holder = np.empty((), object)
    holder[()] = one
    return holder
