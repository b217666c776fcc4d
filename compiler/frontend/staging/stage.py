"""From a function to the same function with its operations shown to capture."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import CellType, CodeType, FunctionType
from typing import Any

from ..fence import BINDINGS
from .definition import class_of, compile_definition, definition_of
from .rewrite import rewrite

_codes: dict[int, tuple[CodeType, CodeType | None]] = {}
_rewritten: dict[int, CodeType] = {}
_functions: weakref.WeakKeyDictionary[FunctionType, FunctionType] = weakref.WeakKeyDictionary()


def stage(
    function: FunctionType, bindings: Callable[[dict[str, Any], dict[str, CellType]], Any]
) -> FunctionType | None:
    """Return the rewritten function; None where its source is not to be had.

    It has the name, defaults, closure and (live) globals of the function, and its lines.

    Args:
        function: The function.
        bindings: Makes what its code calls from its globals and closure variables.
    """
    if id(function.__code__) in _rewritten:
        return function
    code = _rewritten_code(function)
    if code is None:
        return None
    made = _functions.get(function)
    if made is None or made.__code__ is not code:
        made = _functions[function] = _function(function, code, bindings)
    made.__defaults__, made.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return made


def _function(function: FunctionType, code: CodeType, bindings: Callable[..., Any]) -> FunctionType:
    """Return a function with rewritten code in the place of another one."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cell = CellType(bindings(function.__globals__, cells))
    closure = tuple(cell if name == BINDINGS else cells[name] for name in code.co_freevars)
    made = FunctionType(code, function.__globals__, function.__name__, closure=closure)
    made.__qualname__ = function.__qualname__
    made.__module__ = function.__module__
    made.__dict__.update(function.__dict__)
    return made


def _rewritten_code(function: FunctionType) -> CodeType | None:
    code = function.__code__
    known = _codes.get(id(code))
    if known is None:
        definition = definition_of(function)
        made = None
        if definition is not None:
            made = compile_definition(rewrite(definition, class_of(function)), function)
            _remember(made)
        known = _codes[id(code)] = (code, made)  # held, so that the id stays its own
    return known[1]


def _remember(code: CodeType) -> None:
    _rewritten[id(code)] = code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            _remember(one)
