"""Compiled functions as methods: bound to an instance or a class."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .derivatives import Derivatives
from .lowered import Lowered, Part

if TYPE_CHECKING:
    from .compiled import CompiledFunction


class BoundMethod(Derivatives[..., Any]):
    """A compiled function bound to an instance; it has the methods of ``CompiledFunction``.

    Attributes:
        compiled: The compiled function.
        instance: Its first argument.
    """

    def __init__(self, compiled: CompiledFunction[..., Any], instance: Any) -> None:
        functools.update_wrapper(self, compiled.parameters.function)
        self.compiled, self.instance = compiled, instance
        whole = inspect.signature(compiled.parameters.function)
        self.__signature__ = whole.replace(parameters=[*whole.parameters.values()][1:])

    def derive(
        self, mode: str, args: Sequence[Any], kwargs: dict[str, Any], given: tuple[Any, ...] = ()
    ) -> Any:
        """Compute in a mode; see ``Derivatives``."""
        return self.compiled.derive(mode, (self.instance, *args), kwargs, given)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Compile for these arguments; see ``CompiledFunction.lower``."""
        return self.compiled.lower(self.instance, *args, **kwargs)

    def inspect(self, *args: Any, what: Part = "numpy", **kwargs: Any) -> str:
        """Return what was generated; see ``CompiledFunction.inspect``."""
        return self.compiled.inspect(self.instance, *args, what=what, **kwargs)

    def __reduce__(self) -> Any:
        return getattr, (self.instance, self.compiled.parameters.function.__name__)

    def __repr__(self) -> str:
        return f"<compiled method {self.compiled.name} of {self.instance!r}>"


class CompiledClassMethod:
    """A compiled class method: looked up on a class or an instance, it is bound to the class."""

    def __init__(self, compiled: CompiledFunction[..., Any]) -> None:
        self._compiled = compiled

    def __get__(self, instance: Any, owner: type | None = None) -> BoundMethod:
        return BoundMethod(self._compiled.method, owner or type(instance))
