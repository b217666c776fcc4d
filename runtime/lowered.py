"""What was generated for one signature, to look at and to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from ..compiler.errors import GradcError
from ..compiler.printer import print_graph
from .loader import save
from .memory_table import memory_table
from .specialisation import Specialisation

Part = Literal["numpy", "pullback", "graph", "joint", "log", "jvp", "memory"]
PARTS: tuple[str, ...] = get_args(Part)


class Lowered:
    """A compiled function for one signature.

    Attributes are texts: ``numpy``, ``pullback``, ``jvp``, ``graph``, ``joint``, ``log``,
    ``memory``.
    """

    def __init__(self, specialisation: Specialisation) -> None:
        self._made = specialisation

    @property
    def numpy(self) -> str:
        """The NumPy module that computes value and gradient."""
        return self._made.executable(self._mode).module.text

    @property
    def pullback(self) -> str:
        """The NumPy module that takes what the forward program saved, and the cotangents."""
        return self._made.executable("backward").module.text

    @property
    def jvp(self) -> str:
        """The NumPy module that computes the value and its tangent."""
        return self._made.executable("jvp").module.text

    @property
    def graph(self) -> str:
        """What was captured, after simplification."""
        return print_graph(self._made.graph)

    @property
    def joint(self) -> str:
        """Forward and backward as one graph."""
        return print_graph(self._made.joint(self._mode == "value_and_grad"))

    @property
    def log(self) -> str:
        """The stages of compilation with their times, and remarks."""
        self._made.executable(self._mode)
        return str(self._made.log)

    @property
    def memory(self) -> str:
        """What the programs need beside their arguments, what they save, and compute again."""
        return memory_table(self._made)

    @property
    def seconds(self) -> tuple[tuple[str, float], ...]:
        """The stages of compilation, and how many seconds each took."""
        self._made.executable(self._mode)
        return tuple((stage, seconds) for stage, seconds, _ in self._made.log.stages)

    @property
    def callbacks(self) -> tuple[str, ...]:
        """The keyword-only parameters of the module's function: call-backs to pass."""
        return tuple(self._made.executable(self._mode).module.callbacks)

    @property
    def _mode(self) -> str:
        """One program for value and gradient where there is one number to differentiate."""
        return "value_and_grad" if self._made.is_scalar else "forward"

    def text(self, what: Part) -> str:
        """Return a part by its name.

        Raises:
            GradcError: There is no such part.
        """
        if what not in PARTS:
            raise GradcError(f"what={what!r} names no part", fix=f"use one of {', '.join(PARTS)}")
        return str(getattr(self, what))

    def save(self, path: str | Path, what: Literal["numpy", "pullback", "jvp"] = "numpy") -> Path:
        """Write a NumPy module to a file (and large constants to an ``.npz`` beside it).

        Args:
            path: Where to; it must end in ``.py``.
            what: Which module: "numpy", "pullback", or "jvp".

        Returns:
            The path.
        """
        path = Path(path)
        if path.suffix != ".py":
            raise GradcError(
                "a module is saved to a .py file", got=str(path), fix="let the path end in .py"
            )
        mode = {"numpy": self._mode, "pullback": "backward", "jvp": "jvp"}[what]
        save(self._made.executable(mode).module, path)
        return path
