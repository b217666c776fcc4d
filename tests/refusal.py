"""Functions that gradc must refuse, and what its message must say about each.

The guilty line of a function ends in ``# here``: the error must name this line.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gradc import GradcError, compile_grad

Function = Callable[..., Any]


@dataclass(frozen=True)
class Refusal:
    """A function with the arguments to call it with, and the parts of the message expected."""

    function: Function
    kind: type[GradcError]
    what: str
    args: tuple[Any, ...]
    got: str
    fix: str

    def check(self) -> None:
        """Compile the function for its gradient and look at the error."""
        with pytest.raises(GradcError) as caught:
            compile_grad(self.function).value_and_grad(*self.args)
        check_error(caught.value, self.kind, self.what, self.got, self.fix)
        assert caught.value.where.file == self.function.__code__.co_filename
        assert "# here" in str(caught.value.where)


def check_error(error: Any, kind: type, what: str, got: str = "", fix: str = "") -> None:
    """Compare an error's parts with what they should hold, and its text with its parts."""
    assert type(error) is kind
    assert what in error.what
    assert got in (error.got or "")
    assert fix in (error.fix or "")
    parts = [("got", error.got), ("where", error.where), ("fix", error.fix)]
    lines = [f"  {label + ':':<6} {part}" for label, part in parts if part]
    assert str(error) == "\n".join([error.what, *lines])


class Refusals(list):
    """The cases of a file; ``refused`` is a decorator that adds one."""

    def refused(
        self, kind: type, what: str, *args: Any, got: str = "", fix: str = ""
    ) -> Callable[[Function], Function]:
        def enter(function: Function) -> Function:
            case = Refusal(function, kind, what, args, got, fix)
            self.append(pytest.param(case, id=function.__name__))
            return function

        return enter
