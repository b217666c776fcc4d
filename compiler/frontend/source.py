"""Where in the user's code an operation stands, and what name its result is given there."""

from __future__ import annotations

import dis
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import numpy as np

from ..ir import SourceLine

# The folders of gradc (which lie side by side in a checkout) and of NumPy hold no user's code.
_COMPILER = Path(__file__).parents[1]
_INTERNAL = tuple(
    f"{folder}{os.sep}"
    for folder in (
        Path(np.__file__).parent,
        _COMPILER,
        _COMPILER.parent / "runtime",
        sys.modules[__name__.partition(".")[0]].__path__[0],
    )
)
_internal: dict[CodeType, bool] = {}
_names: dict[CodeType, dict[int, str]] = {}


def user_frame() -> FrameType | None:
    """Return the innermost frame that runs neither gradc's nor NumPy's code."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_internal(frame.f_code):
        frame = frame.f_back
    return frame


def source_line(frame: FrameType | None) -> SourceLine | None:
    """Return the line that a frame is at."""
    if frame is None:
        return None
    code = frame.f_code
    return SourceLine(code.co_filename, frame.f_lineno, code.co_name)


def user_line() -> SourceLine | None:
    """Return the user's line that is running."""
    return source_line(user_frame())


def raised_line(error: BaseException) -> SourceLine | None:
    """Return the innermost of the user's lines that an error came through."""
    found = None
    entry = error.__traceback__
    while entry is not None:
        code = entry.tb_frame.f_code
        if not _is_internal(code):
            found = SourceLine(code.co_filename, entry.tb_lineno, code.co_name)
        entry = entry.tb_next
    return found


def assigned_name(frame: FrameType | None) -> str | None:
    """Return the variable to which the result of the running instruction is assigned at once."""
    if frame is None:
        return None
    names = _names.get(frame.f_code)
    if names is None:
        names = _names[frame.f_code] = _stores(frame.f_code)
    return names.get(frame.f_lasti)


MOST_BEFORE = 8  # instructions between the reading of a variable and its unpacking
_STORES_OF_NAMES = {
    "STORE_FAST",
    "STORE_DEREF",
    "STORE_GLOBAL",
    "STORE_NAME",
    "STORE_FAST_STORE_FAST",  # from Python 3.13 on
}


def _is_internal(code: CodeType) -> bool:
    known = _internal.get(code)
    if known is None:
        file = code.co_filename
        known = _internal[code] = file.startswith(_INTERNAL) or file.startswith("<frozen")
    return known


def _stores(code: CodeType) -> dict[int, str]:
    """Map the offset of each instruction that is followed by a store to the name stored to."""
    found: dict[int, str] = {}
    previous: int | None = None
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("COPY", "DUP_TOP"):  # a = b = ..., or (a := ...)
            continue
        if instruction.opname.startswith("UNPACK"):
            previous = None  # several names; see ``unpacked_names``
            continue
        if instruction.opname.startswith("STORE_") and previous is not None:
            name = instruction.argval
            if isinstance(name, tuple):  # two stores in one instruction, from Python 3.13 on
                name = name[0]
            if isinstance(name, str) and name.isidentifier() and "ATTR" not in instruction.opname:
                # A call is at one of its own caches while another function runs.
                found.update(dict.fromkeys(range(previous, instruction.offset, 2), name))
        previous = instruction.offset
    return found


def unpacked_names(frame: FrameType | None, count: int) -> list[str | None]:
    """Return the variables to which the parts of a sequence are assigned at once."""
    if frame is None:
        return [None] * count
    for _, instruction, names in _unpackings(frame.f_code):
        if instruction.offset == frame.f_lasti and len(names) == count:
            return [*names]
    return [None] * count


def names_unpacked_from(code: CodeType, variable: str, count: int) -> list[str] | None:
    """Return the variables to which a function assigns the parts of one of its own."""
    for before, _, names in _unpackings(code):
        if len(names) == count and any(one.argval == variable for one in before):
            return names
    return None


def _unpackings(
    code: CodeType,
) -> Iterator[tuple[list[dis.Instruction], dis.Instruction, list[str]]]:
    """Yield what stands before each unpacking of a sequence, the unpacking, and its variables."""
    instructions = [one for one in dis.get_instructions(code) if one.opname != "CACHE"]
    for place, instruction in enumerate(instructions):
        if place and instruction.opname == "UNPACK_SEQUENCE":
            names: list[str] = []
            for following in instructions[place + 1 :]:
                if following.opname not in _STORES_OF_NAMES:
                    break
                given = following.argval
                names += given if isinstance(given, tuple) else [given]
            before = instructions[max(0, place - MOST_BEFORE) : place]
            yield before, instruction, names[: instruction.argval]
