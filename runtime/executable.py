"""A program that was compiled and loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..compiler.backends.numpy_source import Module
from ..compiler.forks import cached_property

if TYPE_CHECKING:
    from .native_calls import NativeProgram


@dataclass(frozen=True)
class Executable:
    """A loaded program.

    Attributes:
        run: Takes the leaves of the arguments, returns the outputs (one, or a tuple).
        single: Whether it returns one output.
        generate: Returns its NumPy source.
        path: The file that this lies in, where it is what runs.
        program: The native code, where that is what runs.
        kept: How many of its outputs are the function's own, the first ones.
    """

    run: Callable[..., Any]
    single: bool
    generate: Callable[[], Module]
    path: Path | None = None
    program: NativeProgram | None = None
    kept: int = 0

    @cached_property
    def module(self) -> Module:
        """Its NumPy source, which native code has beside it to be read."""
        return self.generate()

    def __call__(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Run it."""
        results = self.run(*leaves)
        return (results,) if self.single else results
