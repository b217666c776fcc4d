"""What is tried on gradc: a function that was not written for it, with arguments."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import pytest

Function = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A function of others, what to call it with, and what comes of it.

    Attributes:
        name: the full name of the function, or what it does where several calls make it up.
        args: the positional arguments; the first one is differentiated, or those of `wrt`.
        options: the keyword arguments.
        fn: the function, where the name is none.
        needs: the package that it needs, where the name does not say so.
        wrt: the positions of the arguments that are differentiated.
    """

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    fn: Function | None = None
    needs: str = ""
    wrt: tuple[int, ...] = (0,)

    def __repr__(self) -> str:
        return self.name

    @property
    def package(self) -> str:
        """The package that it comes from; a model of this folder has none."""
        return self.needs or ("" if self.fn else self.name.partition(".")[0])

    def function(self) -> Function:
        """Return the function, or skip the test where its package is not installed."""
        if self.needs:
            pytest.importorskip(self.needs)
        return self.fn or named(self.name)


def named(path: str) -> Function:
    """Return the object of a full name: of a module, of a class in it, or of an object in it."""
    names = path.split(".")
    pytest.importorskip(names[0])
    for count in range(len(names) - 1, 0, -1):
        try:
            module = importlib.import_module(".".join(names[:count]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, names[count:], module)
    raise LookupError(path)


class Cases(list[Any]):
    """The cases of a file."""

    def named(self, name: str, *args: Any, wrt: tuple[int, ...] = (0,), **options: Any) -> None:
        """Add a function that is compiled as it is."""
        self.append(Case(name, args, options, wrt=wrt))

    def made(self, name: str, fn: Function, *args: Any, needs: str = "") -> None:
        """Add what a user writes around the code of others."""
        self.append(Case(name, args, fn=fn, needs=needs))
