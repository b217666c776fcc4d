"""Native code in this process: object files, linked and loaded."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any

import llvmlite.binding as binding
from llvmlite.binding import ffi

from ..compiler.backends.llvm.target import Target
from ..compiler.errors import LoweringError
from ..compiler.forks import wait_for

if hasattr(ffi.lib, "_lock"):  # that every call of LLVM holds; llvmlite has no public name for it
    wait_for(ffi.lib._lock)
_numbers = count(1)
# Each one takes three mappings of memory, of which Linux allows a process 65,530 by default; past
# that LLVM ends the process.
MOST = 18_000
_loaded: list[str] = []  # as many as there are; appending and popping are atomic
_collect_at = [2_000]


@cache
def _compiler() -> Any:
    # LLVM's older linker maps code and data apart; in a process with large arrays they come to lie
    # more than 2 GB apart, and it ends the process.
    return binding.create_lljit_compiler(Target.host().machine(), use_jit_link=True)


class Library:
    """Loaded code; it stays where it is as long as this object lives.

    Attributes:
        name: Its name in the linker.
    """

    def __init__(self, tracker: Any, name: str) -> None:
        self._tracker = tracker
        self.name = name
        _loaded.append(name)

    def address(self, symbol: str) -> int:
        """Return the address of an exported function or variable.

        Raises:
            KeyError: The symbol was not exported.
        """
        return int(self._tracker[symbol])

    def __del__(self) -> None:
        """Unload it."""
        _loaded.pop()


def load(
    objects: Sequence[bytes], exported: Sequence[str], symbols: Mapping[str, int] | None = None
) -> Library:
    """Link object files to each other and to this process.

    Args:
        objects: Relocatable object files of this machine.
        exported: The names that ``Library.address`` is asked for.
        symbols: Addresses for names that the objects take from outside.

    Raises:
        RuntimeError: A name is missing.
        LoweringError: There are too many already.
    """
    if len(_loaded) >= _collect_at[0]:  # some may be garbage in cycles
        gc.collect()
        _collect_at[0] = min(MOST, max(2_000, 2 * len(_loaded)))
        if len(_loaded) >= MOST:
            raise LoweringError(f"{MOST:,} native programs are loaded", got="another one")
    builder = binding.JITLibraryBuilder()
    for one in objects:
        builder.add_object_img(one)
    for name, address in (symbols or {}).items():
        builder.import_symbol(name, address)
    for name in exported:
        builder.export_symbol(name)
    builder.add_current_process()
    name = f"gradc.{next(_numbers)}"
    return Library(builder.link(_compiler(), name), name)
