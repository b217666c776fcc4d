"""Machines to compile for, and LLVM's way from its text to an object file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import llvmlite.binding as binding

_VECTOR_BYTES = (("avx512f", 64), ("avx2", 32), ("avx", 32))


@cache
def _initialised() -> None:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()


@dataclass(frozen=True)
class Target:
    """A machine to compile for.

    Attributes:
        triple: As LLVM writes it: "x86_64-unknown-linux-gnu".
        cpu: A name that LLVM knows: "x86-64-v3", "znver4".
        features: What the machine has beyond (or has not of) that, as "+avx2,-avx512f".
    """

    triple: str
    cpu: str
    features: str = ""

    @classmethod
    @cache
    def host(cls) -> Target:
        """Return the machine that this process runs on."""
        features = binding.get_host_cpu_features().flatten()
        return cls(binding.get_process_triple(), binding.get_host_cpu_name(), features)

    @classmethod
    def named(cls, cpu: str, triple: str | None = None) -> Target:
        """Return a machine by the name of its processor; of this process's kind by default."""
        return cls(triple or binding.get_process_triple(), cpu)

    @property
    def vector_bytes(self) -> int:
        """The width of a vector register."""
        known = _enabled(self)
        return next((width for feature, width in _VECTOR_BYTES if feature in known), 16)

    @property
    def fuses(self) -> bool:
        """Whether it multiplies and adds in one instruction."""
        return "fma" in _enabled(self) or self.triple.startswith(("aarch64", "arm64"))

    def machine(self, level: int = 2) -> Any:
        """Return LLVM's machine, which compiles at this level of optimisation."""
        _initialised()
        return binding.Target.from_triple(self.triple).create_target_machine(
            cpu=self.cpu, features=self.features, opt=level, reloc="pic", codemodel="small"
        )


@cache
def _enabled(target: Target) -> frozenset[str]:
    given = target.features.split(",")
    named = {
        "x86-64-v3": {"avx", "avx2", "fma"},
        "x86-64-v4": {"avx", "avx2", "fma", "avx512f"},
    }.get(target.cpu, set())
    return frozenset(named) | {one[1:] for one in given if one.startswith("+")}


LEVEL = 2
"""LLVM's level of optimisation, by measurement: with 3 the workloads of ``benchmarks`` compile in
1.3 to 1.7 times the time and run in the same, to 2 %."""

# Without unrolling they compile in 0.8 times the time, but short folds run in 1.5 times theirs;
# without interleaving folds run in 1.1 to 1.2 times theirs. Joining scalars to vectors (SLP) made
# nothing faster, and loops over small states (rk4ode) slower by 5 %.
DEFAULTS: Mapping[str, bool] = {
    "loop_vectorization": True,
    "slp_vectorization": False,
    "loop_interleaving": True,
    "loop_unrolling": True,
}


@dataclass(frozen=True)
class Compiled:
    """What became of a module.

    Attributes:
        object: A relocatable object file.
        text: The module, as it was given.
        target: The machine.
        level: The level of optimisation of the code.
        options: Of LLVM's passes; None if they were not run.
    """

    object: bytes
    text: str = field(repr=False)
    target: Target
    level: int
    options: Mapping[str, bool] | None

    @property
    def optimised(self) -> str:
        """The module after LLVM's passes, as text: they run again, and nobody has to keep it."""
        return str(_optimised(self.text, self.target.machine(self.level), self.level, self.options))

    @property
    def assembly(self) -> str:
        """The machine code as text."""
        machine = self.target.machine(self.level)
        module = _optimised(self.text, machine, self.level, self.options)
        return str(machine.emit_assembly(module))


def compile_text(
    text: str, target: Target, level: int = LEVEL, passes: bool = True, **options: bool
) -> Compiled:
    """Compile a module.

    Args:
        text: The module, as LLVM's text.
        target: For which machine.
        level: Of optimisation, 0 to 3.
        passes: Whether LLVM's passes over its own text are run; else it goes to machine code at
            once, as it is.
        **options: Of LLVM's passes, in place of ``DEFAULTS``.

    Raises:
        RuntimeError: LLVM finds the text wrong: a bug of ours.
    """
    machine, chosen = target.machine(level), {**DEFAULTS, **options} if passes else None
    made = machine.emit_object(_optimised(text, machine, level, chosen))
    return Compiled(made, text, target, level, chosen)


def _optimised(text: str, machine: Any, level: int, options: Mapping[str, bool] | None) -> Any:
    """Return a module after LLVM's passes, if these are asked for."""
    module = binding.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    if options is not None:
        tuning = binding.create_pipeline_tuning_options(speed_level=level)
        for name, value in options.items():
            setattr(tuning, name, value)
        builder = binding.create_pass_builder(machine, tuning)
        builder.getModulePassManager().run(module, builder)
    return module


def symbols_of(text: str) -> list[str]:
    """Return the names that a module's text defines for others."""
    return re.findall(r"^define (?!internal|private)[^@]*@([\w.]+)\(", text, re.MULTILINE)
