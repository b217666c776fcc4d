"""The object that ``compile_grad`` returns."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, ParamSpec, TypeVar

import numpy as np

from ..compiler.errors import CaptureError, GradcError
from ..compiler.frontend.signature import Parameters, Signature, Wrt, sign, want
from ..compiler.frontend.source import user_line
from ..compiler.frontend.trace import current_trace
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import Leaf, Spec
from .calls import plan_key
from .lowered import Lowered, Part
from .nested import Nested
from .specialisation import Specialisation

BACKENDS = ("numpy",)

P = ParamSpec("P")
R = TypeVar("R")


class CompiledFunction(Generic[P, R]):
    """A function that is compiled, for each signature of its arguments, when it is first called.

    Call it for its value; ``value_and_grad``, ``grad`` and ``vjp`` differentiate it; ``inspect``
    and ``lower`` show what was generated; ``__wrapped__`` is the function itself. Made by
    ``gradc.compile_grad``, which describes the options. Safe to call from several threads.
    """

    __name__: str
    __wrapped__: Callable[P, R]

    def __init__(
        self,
        function: Callable[P, R],
        *,
        wrt: Wrt = 0,
        has_aux: bool = False,
        static_argnames: Sequence[str] = (),
        backend: Literal["numpy"] = "numpy",
    ) -> None:
        if not callable(function):
            raise GradcError(
                "compile_grad takes a function",
                got=repr(function),
                fix="use it as a decorator, or call compile_grad(function, wrt=...)",
            )
        if backend not in BACKENDS:
            raise GradcError(
                f"there is no backend {backend!r}", fix=f"use one of {', '.join(BACKENDS)}"
            )
        if isinstance(static_argnames, str):
            static_argnames = (static_argnames,)
        if not isinstance(static_argnames, Iterable):
            raise GradcError(
                "static_argnames takes names of parameters",
                got=repr(static_argnames),
                fix='write it as in static_argnames=("n",)',
            )
        self.parameters = Parameters(function, static_argnames)
        self.wrt = tuple(wrt) if isinstance(wrt, list) else wrt
        if self.wrt == ():
            raise GradcError("wrt names no parameter", got="()", fix="name at least one")
        for one in self.wrt if isinstance(self.wrt, tuple) else (self.wrt,):
            if self.parameters.names or not isinstance(one, int):
                self.parameters.index(one)
        self.has_aux = has_aux
        self.name = _identifier(function)
        self.history: list[tuple[str, Specialisation]] = []
        self._known: dict[Any, list[Specialisation]] = {}
        self._plans: dict[Any, Callable[[Sequence[Any]], Any]] = {}
        self._lock = threading.RLock()
        functools.update_wrapper(self, function)

    # Calling

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function returns."""
        plan = self._plans.get(plan_key("value", args, kwargs))
        result: R = plan(args) if plan is not None else self._slow_call("value", args, kwargs)
        return result

    def value_and_grad(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, Any]:
        """Return ``(value, gradient)``, computed by one program.

        The gradient has the structure of what ``wrt`` names: one array for one array, a tuple for a
        tuple, and containers as the argument has them. With ``has_aux``, ``((value, aux),
        gradient)``.

        Raises:
            DerivativeError: The function does not return one floating-point scalar, or an argument
                in ``wrt`` is not floating-point.
        """
        plan = self._plans.get(plan_key("value_and_grad", args, kwargs))
        if plan is None:
            plan = functools.partial(self._slow_call, "value_and_grad", kwargs=kwargs)
        result: tuple[R, Any] = plan(args)
        return result

    def grad(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the gradient alone, or ``(gradient, aux)`` with ``has_aux``.

        Raises:
            DerivativeError: As for ``value_and_grad``.
        """
        plan = self._plans.get(plan_key("grad", args, kwargs))
        return plan(args) if plan is not None else self._slow_call("grad", args, kwargs)

    def vjp(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Any, ...]:
        """Return the value now, and the function that pulls cotangents back.

        ``out, pullback = f.vjp(x)``; ``pullback(ct)``, with a cotangent for each floating-point
        array in ``out``, in its structure (None will do for what is not floating-point), gives the
        gradient in the structure of ``wrt``. It may be called many times. With ``has_aux``,
        ``(out, pullback, aux)``.

        Raises:
            DerivativeError: An argument in ``wrt`` is not floating-point.
        """
        result: tuple[Any, ...] = self._slow_call("vjp", args, kwargs)
        return result

    def _slow_call(self, mode: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Sign the arguments in full, find or make the code, run it, and remember the short way."""
        signature, leaves = sign(self.parameters, self.parameters.bind(args, kwargs))
        if any(isinstance(leaf, Spec) for leaf in leaves):
            raise GradcError(
                "a spec has no numbers to compute with",
                where=user_line(),
                fix="pass it to lower() or inspect(), or pass an array",
            )
        traced = any(isinstance(leaf, Tracer) for leaf in leaves)
        if traced or current_trace() is not None:
            nested = Nested(self, signature, leaves)
            if traced or nested.captured.lifted:
                return getattr(nested, mode)()
            # What meets no traced value is computed at once.
        found = self._find(signature, leaves, differentiated=mode != "value")
        call = found.call(mode)
        key = plan_key(mode, args, kwargs)
        if mode != "vjp" and key and found.is_unguarded and _are_leaves(args, signature, leaves):
            self._plans[key] = call.plan
        return call(leaves)

    # Looking

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Compile for these arguments and return what was generated, without running it.

        Args:
            *args: Arguments, or ``gradc.spec("f4[128,784]")`` in place of arrays.
            **kwargs: The same, by name.
        """
        signature, leaves = sign(self.parameters, self.parameters.bind(args, kwargs))
        return Lowered(self._find(signature, leaves, differentiated=True))

    def inspect(self, *args: Any, what: Part = "numpy", **kwargs: Any) -> str:
        """Return, as text, what was generated for these arguments.

        Args:
            *args: As for ``lower``.
            what: "numpy" (the module for value and gradient; where the output is no scalar, the
                forward program of ``vjp``), "pullback" (its backward program), "graph" (what was
                captured), "joint" (forward and backward as a graph), or "log" (stages with their
                times, remarks).
            **kwargs: As for ``lower``.
        """
        return self.lower(*args, **kwargs).text(what)

    def __get__(self, instance: Any, owner: type | None = None) -> CompiledFunction[P, R]:
        """Refuse to be a method: looked up on an instance, it raises CaptureError."""
        if instance is None:
            return self
        raise CaptureError(
            f"{self.name} is a method, which cannot be compiled: what it reads of self may change",
            where=user_line(),
            fix="compile a function of the arrays, and call it from the method",
        )

    def __repr__(self) -> str:
        return f"<compiled function {self.name}, {len(self.history)} specialisations>"

    def __reduce__(self) -> str:
        return str(vars(self)["__qualname__"])  # pickled and copied as functions are: by name

    # Finding code

    def _find(
        self, signature: Signature, leaves: Sequence[Any], differentiated: bool
    ) -> Specialisation:
        key = (signature, differentiated)
        for one in self._known.get(key, ()):
            if one.captured.holds(leaves):
                return one
        with self._lock:
            for one in self._known.get(key, ()):
                if one.captured.holds(leaves):
                    return one
            wanted = want(self.parameters, signature, self.wrt) if differentiated else None
            made = Specialisation(
                self.parameters, signature, leaves, wanted, self.has_aux, self.name
            )
            self.history.append((self._reason(signature, leaves, differentiated), made))
            self._known.setdefault(key, []).append(made)
            return made

    def _reason(self, signature: Signature, leaves: Sequence[Any], differentiated: bool) -> str:
        """Say in what a call differs from the one before that was compiled."""
        if not self.history:
            return "first call"
        for one in self._known.get((signature, differentiated), ()):
            return one.captured.difference(leaves, signature.names)
        if (signature, not differentiated) in self._known:
            return "first gradient" if differentiated else "first value alone"
        before = self.history[-1][1].signature
        if before.trees != signature.trees:
            return "other structure or static arguments"
        changed = [
            f"{name} was {old.type} ({old.kind}), is {new.type} ({new.kind})"
            for name, old, new in zip(signature.names, before.leaves, signature.leaves, strict=True)
            if old != new
        ]
        return "; ".join(changed)


def _are_leaves(args: Sequence[Any], signature: Signature, leaves: Sequence[Any]) -> bool:
    """Whether arguments were taken as they are: none static, converted, or left out."""
    if len(args) != len(signature.trees) or any(tree != Leaf() for tree in signature.trees):
        return False
    return all(
        leaf is arg for arg, leaf in zip(args, leaves, strict=True) if isinstance(arg, np.ndarray)
    )


def _identifier(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return name if name.isidentifier() else "function"
