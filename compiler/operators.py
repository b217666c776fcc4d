"""Arithmetic on whatever primitives are applied to."""

from __future__ import annotations

from typing import Any

from .primitive import REGISTRY


class Operators:
    """Arithmetic on things that bind primitives, so that derivative rules read like formulas."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return REGISTRY["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return REGISTRY["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return REGISTRY["subtract"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return REGISTRY["subtract"](other, self)

    def __mul__(self, other: Any) -> Any:
        return REGISTRY["multiply"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return REGISTRY["multiply"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return REGISTRY["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return REGISTRY["divide"](other, self)

    def __neg__(self) -> Any:
        return REGISTRY["negative"](self)
