"""Random numbers drawn by a captured function: a constant of the program would be made of them."""

from __future__ import annotations

import dis
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

from ..ir import SourceLine
from . import fence


@contextmanager
def draws_no_numbers(function: Callable[..., Any]) -> Iterator[None]:
    """Refuse a function that draws from a generator which its code names.

    One made inside, with a seed, gives the same numbers in every call of plain NumPy too.

    Raises:
        CaptureError: It did; with the line that names the generator.
    """
    named = list(_generators(inspect.unwrap(function)))
    before = [_state(generator) for generator, _ in named]
    yield
    for (generator, line), state in zip(named, before, strict=True):
        if _state(generator) != state:
            raise fence.random_numbers(line)


def _state(generator: Any) -> bytes:
    source = getattr(generator, "bit_generator", None) or generator._bit_generator
    return pickle.dumps(source.state)


def _generators(function: Any) -> Iterator[tuple[Any, SourceLine]]:
    """Yield the generators that globals, closures and ``np.random`` give to a function."""
    random = sys.modules.get("numpy.random")
    function = getattr(function, "__func__", function)
    if random is None or not isinstance(function, FunctionType):
        return
    code = function.__code__
    outside = inspect.getclosurevars(function)
    names = {**outside.globals, **outside.nonlocals}
    found: Any = None
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        # Python 3.13 has a number of its own for the line.
        line = getattr(instruction, "line_number", None) or instruction.starts_line or line
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_DEREF"):
            found = names.get(instruction.argval)
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(found, ModuleType):
            found = getattr(found, instruction.argval, None)
        else:
            continue
        generator = random.mtrand._rand if found is random else found
        if isinstance(generator, random.Generator | random.RandomState):
            yield generator, SourceLine(code.co_filename, line, code.co_name)
