"""Native code in this process: object files, linked and loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any

import llvmlite.binding as binding

from ..compiler.backends.llvm.target import Target

_numbers = count(1)


@cache
def _compiler() -> Any:
    return binding.create_lljit_compiler(Target.host().machine())


class Library:
    """Loaded code; it stays where it is as long as this object lives.

    Attributes:
        name: Its name in the linker.
    """

    def __init__(self, tracker: Any, name: str) -> None:
        self._tracker = tracker
        self.name = name

    def address(self, symbol: str) -> int:
        """Return the address of an exported function or variable.

        Raises:
            KeyError: The symbol was not exported.
        """
        return int(self._tracker[symbol])


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
    """
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
