"""What was generated for one signature, to look at and to keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..compiler.errors import GradcError
from ..compiler.forks import cached_property
from ..compiler.printer import print_graph
from .c_function import CFunction
from .kernel_table import kernel_table
from .loader import save
from .memory_table import memory_table
from .specialisation import Specialisation

if TYPE_CHECKING:
    from ..compiler.backends.llvm.compilation import Native

Part = Literal[
    "numpy",
    "pullback",
    "graph",
    "joint",
    "log",
    "jvp",
    "memory",
    "kernels",
    "llvm",
    "asm",
    "unoptimised",
]
PARTS: tuple[str, ...] = get_args(Part)


class Lowered:
    """A compiled function for one signature.

    Attributes are texts: ``numpy``, ``pullback``, ``jvp``, ``graph``, ``joint``, ``log``,
    ``memory``; and of native code ``kernels``, ``llvm``, ``unoptimised``, ``asm``.
    """

    def __init__(self, specialisation: Specialisation, inputs: Sequence[Any] | None = None) -> None:
        self._made, self._inputs = specialisation, inputs

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
    def kernels(self) -> str:
        """What native code consists of, with the user's lines; it is run, for the times."""
        return kernel_table(self._made, self._inputs)

    @property
    def llvm(self) -> str:
        """The module of native code, after LLVM's passes."""
        return self._native.compiled.optimised

    @property
    def unoptimised(self) -> str:
        """The module of native code, as LLVM gets it."""
        return self._native.text

    @property
    def asm(self) -> str:
        """Native code as text."""
        return self._native.compiled.assembly

    @property
    def _native(self) -> Native:
        program = self._made.native(self._mode).program
        assert program is not None
        return program.compiled()

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
    def address(self) -> int:
        """Where the C function of the native code lies in this process.

        It computes value and gradient, or the value alone where that is no number to differentiate;
        ``cffi_decl`` is its type. The caller need not hold the interpreter's lock, and several
        threads may be in it. The code is there as long as the compiled function, this object or
        ``ctypes`` is.

        Raises:
            GradcError: There is no native code, or it calls Python.
        """
        return self._c_function.address

    @property
    def ctypes(self) -> Any:
        """The C function for ``ctypes``: it takes arrays, checks them, and raises where it fails.

        Raises:
            GradcError: See ``address``.
        """
        return self._c_function.callable

    @property
    def cffi_decl(self) -> str:
        """The type of the C function: for each argument and each result a pointer to its numbers.

        They lie row by row. Results share no memory with arguments. It returns 0, or 1 where it
        fails; in a thread of Python an exception is set then.

        Raises:
            GradcError: See ``address``.
        """
        return self._c_function.declaration

    @cached_property
    def _c_function(self) -> CFunction:
        mode = "value_and_grad" if self._made.is_scalar else "value"
        program = self._made.native(mode).program
        assert program is not None
        if program.calls:
            raise GradcError(
                "native code that calls Python has no address to be called at",
                got="; ".join(program.calls),
                fix="leave that out",
            )
        if program.passes_records:
            raise GradcError(
                "arrays of unknown size cannot be passed to native code at an address",
                fix="give gradc.spec numbers for all sizes",
            )
        return CFunction(program, self._made.captured.names, self._made.result_names(mode))

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
