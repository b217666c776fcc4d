"""Captures of functions that may look at their arguments only."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from .outside import LooksOutside, Outside
from .places import Place

if TYPE_CHECKING:
    from .trace import Trace


class Nothing(Outside):
    """The outside of a function whose result must depend on its arguments alone."""

    is_strict = True

    def __init__(self, trace: Trace, enclosing: Outside | None) -> None:
        super().__init__(trace)
        self._enclosing = enclosing

    def read(self, place: Place, value: Any) -> Any:
        """Let functions and classes be read.

        Raises:
            LooksOutside: It is something else.
        """
        if not callable(value) or self._enclosing is None:
            raise LooksOutside(str(place))
        return self._enclosing.read(place, value)

    def watch(self, function: FunctionType) -> None:
        """Refuse code that cannot be looked at.

        Raises:
            LooksOutside: Always.
        """
        raise LooksOutside(function.__name__)

    def store(self, place: Place, value: Any) -> None:
        """Refuse to change anything.

        Raises:
            LooksOutside: Always.
        """
        raise LooksOutside(str(place))
