"""The native entries of a compiled function: what its calls reach with no Python in between."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any

from ..compiler.forks import ProcessLock
from .derivatives import Derivatives

if TYPE_CHECKING:
    from .compiled import CompiledFunction
    from .native_calls import NativeProgram

# The modes that have entries, and the attributes of a compiled function that are these.
ENTERED = {"value": "__call__", "value_and_grad": "value_and_grad", "grad": "grad"}
MOST = 8  # signatures of a mode; each that does not fit costs 20 ns


class Entries:
    """The entries of one compiled function: of each mode a chain, tried in turn.

    An entry takes the calls of one signature and hands all others, with their arguments, to what
    stands behind it: the next entry, and behind the last one ``planned_call``. The first one is an
    attribute of the function itself; before there is any, that is the method of its class.

    Attributes:
        first: The first entry of each mode that has one.
    """

    def __init__(self, function: CompiledFunction[..., Any]) -> None:
        self._function = function
        self._chains: dict[str, dict[NativeProgram, Callable[..., Any]]] = {}
        self.first: dict[str, Callable[..., Any]] = {}
        self._lock = ProcessLock()
        for name in ENTERED.values():
            setattr(function, name, MethodType(_METHODS[name], function))

    def add(self, mode: str, program: NativeProgram | None) -> None:
        """Let a program take the calls of its signature, if it can and does not yet."""
        if program is None or not program.takes_calls:
            return
        with self._lock.held:
            chain = self._chains.setdefault(mode, {})
            if program in chain or len(chain) == MOST:
                return
            name = ENTERED[mode]
            documented = getattr(Derivatives, name).__doc__
            entry = program.entry(MethodType(_BEHIND[mode], self._function), name, documented)
            if chain:
                program.put_behind(list(chain.values())[-1], entry)
            else:
                self.first[mode] = entry
                setattr(self._function, name, entry)
            chain[program] = entry


def _method(mode: str, name: str) -> Callable[..., Any]:
    """Return the method that stands where no entry does yet; who took it then calls it still."""

    def method(function: CompiledFunction[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        entry = function.entries.first.get(mode)
        if entry is not None:
            return entry(*args, **kwargs)
        return function.planned_call(mode, args, kwargs)

    documented = getattr(Derivatives, name)
    method.__name__, method.__qualname__ = name, documented.__qualname__
    method.__doc__, method.__module__ = documented.__doc__, documented.__module__
    return method


def _behind(mode: str) -> Callable[..., Any]:
    """Return what stands behind the last entry of a mode, as a method of the compiled function."""

    def behind(function: CompiledFunction[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return function.planned_call(mode, args, kwargs)

    return behind


_METHODS = {name: _method(mode, name) for mode, name in ENTERED.items()}
_BEHIND = {mode: _behind(mode) for mode in ENTERED}
