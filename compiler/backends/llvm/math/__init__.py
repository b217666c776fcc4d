"""Elementary and special functions as scalar code that LLVM makes vector code of."""

from .registry import declare, names

__all__ = ["declare", "names"]
