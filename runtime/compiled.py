"""The object that ``compile_grad`` returns."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, TypeVar, get_args

import numpy as np

from ..compiler.errors import GradcError
from ..compiler.frontend.active import current_trace, suspended
from ..compiler.frontend.concrete import holds_traced, plain
from ..compiler.frontend.signature import Parameters, Signature, Wrt, sign, want
from ..compiler.frontend.source import user_line
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import Instance, Leaf, Spec
from .bound import BoundMethod, CompiledClassMethod
from .calls import Call, plan_key
from .derivatives import Derivatives, P
from .effects import Aliased
from .lowered import Lowered, Part
from .nested import Nested
from .specialisations import Specialisations
from .tables import TABLES
from .tangents import tangents

__all__ = ["BACKENDS", "Backend", "CompiledClassMethod", "CompiledFunction", "P", "R"]

Backend = Literal["numpy", "llvm"]
BACKENDS: tuple[str, ...] = get_args(Backend)
PLANNED_MODES = ("value", "value_and_grad", "grad", *TABLES)

R = TypeVar("R")


class CompiledFunction(Derivatives[P], Generic[P, R]):
    """A function that is compiled, for each signature of its arguments, when it is first called.

    Call it for its value; ``value_and_grad``, ``grad`` and ``vjp`` differentiate it in reverse
    mode, ``jvp`` and ``linearize`` in forward mode, ``hvp`` in both; ``jacobian`` and ``hessian``
    are arrays; ``inspect`` and ``lower`` show what was generated; ``__wrapped__`` is the function
    itself. Made by ``gradc.compile_grad``, which describes the options. Safe to call from several
    threads.
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
        backend: Backend | None = None,
    ) -> None:
        if not callable(function):
            raise GradcError(
                "compile_grad takes a function",
                got=repr(function),
                fix="use it as a decorator, or call compile_grad(function, wrt=...)",
            )
        self.backend: Any = backend or os.environ.get("GRADC_BACKEND") or "numpy"
        if self.backend not in BACKENDS:
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
        self._made = Specialisations(self.parameters, self.wrt, has_aux, self.name, self.backend)
        self.history = self._made.history
        self._plans: dict[Any, Callable[[Sequence[Any]], Any]] = {}
        functools.update_wrapper(self, function, updated=())
        for name, one in getattr(function, "__dict__", {}).items():
            if not hasattr(type(self), name):  # a wrapper of a compiled function has its attributes
                vars(self).setdefault(name, one)

    # Calling

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function returns.

        Raises:
            CaptureError: The function does what cannot be captured, or an array that it changes is
                read-only or shares memory with another input.
        """
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

    def derive(
        self, mode: str, args: Sequence[Any], kwargs: dict[str, Any], given: tuple[Any, ...] = ()
    ) -> Any:
        """Compute in a mode; see ``Derivatives``."""
        tag, row = _in_a_row(mode, args, given[0]) if given else (mode, args)
        plan = self._plans.get(plan_key(tag, row, kwargs))
        return plan(row) if plan is not None else self._slow_call(mode, args, kwargs, given)

    def _slow_call(
        self, mode: str, args: Sequence[Any], kwargs: dict[str, Any], given: tuple[Any, ...] = ()
    ) -> Any:
        """Sign the arguments in full, find or make the code, run it, and remember the short way.

        ``given`` are the tangents, where the mode takes some.
        """
        values = self.parameters.bind(args, kwargs)
        signature, leaves = sign(self.parameters, values)
        if any(isinstance(leaf, Spec) for leaf in leaves):
            raise GradcError(
                "a spec has no numbers to compute with",
                where=user_line(),
                fix="pass it to lower() or inspect(), or pass an array",
            )
        if current_trace() is not None and not holds_traced((args, kwargs, given)):
            known: list[tuple[Tracer, Any]] = []
            args, kwargs, given = (plain(one, known) for one in (list(args), kwargs, given))
            if known:  # arrays made inside: their numbers are there
                result = self._slow_call(mode, args, kwargs, given)
                for one, _ in known:
                    one.storage.changed()
                return result
        directions: list[Any] = []
        if given:
            wanted = want(self.parameters, signature, self.wrt)
            directions = tangents(given[0], wanted, signature)
        is_traced = any(isinstance(leaf, Tracer) for leaf in (*leaves, *directions))
        if current_trace() is not None or is_traced:
            nested = Nested(self, signature, values, leaves, directions)
            if nested.captured.lifted or is_traced:
                return nested.run(mode)
            with suspended():  # what meets no traced value is computed at once
                return self._slow_call(mode, args, kwargs, given)
        found, inputs = self._made.find(signature, values, leaves, mode != "value")
        call = found.call(mode)
        if found.captured.has_effects:
            try:
                return call(inputs, values, directions)
            except Aliased:
                made, inputs = self._made.make(signature, values, leaves, mode != "value")
                return made.call(mode)(inputs, values, directions)
        self._remember(call, args, kwargs, given, (signature, leaves, directions))
        return call(inputs, values, directions)

    def _remember(
        self,
        call: Call,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        given: tuple[Any, ...],
        signed: tuple[Signature, Sequence[Any], Sequence[Any]],
    ) -> None:
        """Remember how such a call is made without a closer look, where its types say all.

        Args:
            call: What runs it.
            args: Its positional arguments.
            kwargs: Its other arguments.
            given: The tangents, as they were passed.
            signed: Its signature, the leaves, and the tangents of these.
        """
        signature, leaves, directions = signed
        mode, found = call.mode, call.made
        if kwargs or not found.is_planned or not _are_leaves(args, signature, leaves):
            return
        if given:
            tag, row = _in_a_row(mode, args, given[0])
            has_objects = any(isinstance(tree, Instance) for tree in signature.trees)
            if has_objects or found.captured.reads:
                return  # the row is not what the program takes
            if not _are_typed(row[len(args) :], directions):
                return
            key = plan_key(tag, row, kwargs)
        elif mode in PLANNED_MODES:
            key = plan_key(mode, args, kwargs) or plan_key(mode, args, kwargs, objects=True)
        else:
            return
        if key is not None:
            self._plans[key] = call.plan(functools.partial(self._slow_call, mode, kwargs={}))

    # Looking

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Compile for these arguments and return what was generated, without running it.

        Args:
            *args: Arguments, or ``gradc.spec("f4[128,784]")`` in place of arrays.
            **kwargs: The same, by name.
        """
        values = self.parameters.bind(args, kwargs)
        signature, leaves = sign(self.parameters, values)
        return Lowered(self._made.find(signature, values, leaves, differentiated=True)[0])

    def inspect(self, *args: Any, what: Part = "numpy", **kwargs: Any) -> str:
        """Return, as text, what was generated for these arguments.

        Args:
            *args: As for ``lower``.
            what: "numpy" (the module for value and gradient; where the output is no scalar, the
                forward program of ``vjp``), "pullback" (its backward program), "jvp" (the module
                for value and tangent), "graph" (what was captured), "joint" (forward and backward
                as a graph), "log" (stages with their times, remarks), or "memory" (what the
                programs need, what they save, and what they compute again).
            **kwargs: As for ``lower``.
        """
        return self.lower(*args, **kwargs).text(what)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Be a method: looked up on an instance, it is bound to it, and ``wrt`` counts behind it.

        What it reads of the instance is found anew at each call.
        """
        return self if instance is None else BoundMethod(self.method, instance)

    @functools.cached_property
    def method(self) -> CompiledFunction[..., Any]:
        """The same function with positions in ``wrt`` that count behind the first parameter."""
        given = self.wrt if isinstance(self.wrt, tuple) else (self.wrt,)
        shifted = tuple(one + 1 if isinstance(one, int) and one >= 0 else one for one in given)
        return CompiledFunction(
            self.parameters.function,
            wrt=shifted if isinstance(self.wrt, tuple) else shifted[0],
            has_aux=self.has_aux,
            static_argnames=tuple(self.parameters.static),
            backend=self.backend,
        )

    def __repr__(self) -> str:
        return f"<compiled function {self.name}, {len(self.history)} specialisations>"

    def __reduce__(self) -> str:
        return str(vars(self)["__qualname__"])  # pickled and copied as functions are: by name


def _in_a_row(mode: str, args: Sequence[Any], given: Any) -> tuple[Any, Sequence[Any]]:
    """Return what tells such a call from others, and its arguments and tangents in one row."""
    if type(given) is tuple:
        return (mode, len(args), True), (*args, *given)
    return (mode, len(args), False), (*args, given)


def _are_typed(given: Sequence[Any], directions: Sequence[Any]) -> bool:
    """Whether tangents are taken as they are: none in a container, none converted."""
    return len(given) == len(directions) and all(
        isinstance(one, np.ndarray | np.generic)
        and (one.dtype, one.shape) == (typed.dtype, typed.shape)
        and (one.ndim or not isinstance(one, np.ndarray))
        for one, typed in zip(given, directions, strict=True)
    )


def _are_leaves(args: Sequence[Any], signature: Signature, leaves: Sequence[Any]) -> bool:
    """Whether arguments were taken as they are: none static, converted, or left out."""
    trees = signature.trees
    if len(args) != len(trees) or not all(isinstance(tree, Leaf | Instance) for tree in trees):
        return False
    given = [arg for arg, tree in zip(args, trees, strict=True) if isinstance(tree, Leaf)]
    return all(
        leaf is arg for arg, leaf in zip(given, leaves, strict=True) if isinstance(arg, np.ndarray)
    )


def _identifier(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return name if name.isidentifier() else "function"
