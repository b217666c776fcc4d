"""Native code as a function of C, for callers that are not Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ctypeslib

if TYPE_CHECKING:
    from .native_calls import NativeProgram

_TYPES = {
    "f4": "float",
    "f8": "double",
    "b1": "uint8_t",
    **{f"i{size}": f"int{8 * size}_t" for size in (1, 2, 4, 8)},
    **{f"u{size}": f"uint{8 * size}_t" for size in (1, 2, 4, 8)},
}
# fmt: off
_KEYWORDS = frozenset((
    "auto", "bool", "break", "case", "char", "const", "continue", "default", "do", "double",
    "else", "enum", "extern", "false", "float", "for", "goto", "if", "inline", "int", "long",
    "register", "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch",
    "true", "typedef", "union", "unsigned", "void", "volatile", "while",
))
# fmt: on


class CFunction:
    """The C function of a native program.

    Attributes:
        address: Where it lies.
        declaration: Its type, as C writes that of a pointer to it.
        callable: It, for ``ctypes``.
    """

    def __init__(
        self, program: NativeProgram, inputs: Sequence[str], outputs: Sequence[str]
    ) -> None:
        self.address = program.address
        signature = program.signature
        results = [
            (result, name)
            for result, name in zip(signature.results, outputs, strict=True)
            if result.kind != "argument"  # that lies with the caller
        ]
        names = _identifiers([*inputs, *(name for _, name in results)])
        types = [one.dtype for one in signature.arguments] + [one.dtype for one, _ in results]
        count = len(signature.arguments)
        parameters = [
            f"{'const ' if i < count else ''}{_TYPES[type.str[1:]]} *{name}"
            for i, (type, name) in enumerate(zip(types, names, strict=True))
        ]
        self.declaration = f"int32_t (*)({', '.join(parameters)})"
        self.callable = program.function_of(
            *(_array(one.dtype, one.shape, "C", "A") for one in signature.arguments),
            *(_array(one.dtype, one.shape, "C", "A", "W") for one, _ in results),
        )


def _array(dtype: np.dtype[Any], shape: tuple[int, ...], *flags: Any) -> Any:
    """Return the type of a parameter that takes such arrays."""
    return ctypeslib.ndpointer(dtype, len(shape), shape=shape, flags=flags)


def _identifiers(names: Iterable[str]) -> list[str]:
    """Return names as C takes them, each another one."""
    found: list[str] = []
    for name in names:
        made = re.sub(r"\W+", "_", name.removeprefix("the "), flags=re.ASCII)
        while made in _KEYWORDS or made in found:
            made += "_"
        found.append(made)
    return found
