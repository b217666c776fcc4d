"""The object that ``compile_grad`` returns."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, get_args

import numpy as np

from ..compiler.errors import GradcError
from ..compiler.forks import cached_property
from ..compiler.frontend.active import current_trace, suspended
from ..compiler.frontend.concrete import holds_traced, plain
from ..compiler.frontend.signature import Parameters, Signature, Wrt, sign, want
from ..compiler.frontend.source import user_line
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import Instance, Leaf, Spec
from .bound import BoundMethod, CompiledClassMethod
from .calls import Call, plan_key
from .derivatives import Derivatives, P, R
from .effects import Aliased
from .entries import ENTERED, Entries
from .lowered import Lowered, Part
from .nested import Nested
from .results_into import Destination
from .specialisations import Specialisations
from .tables import TABLES
from .tangents import tangents

__all__ = ["BACKENDS", "Backend", "CompiledClassMethod", "CompiledFunction", "P", "R"]

Backend = Literal["numpy", "llvm"]
BACKENDS: tuple[str, ...] = get_args(Backend)
PLANNED_MODES = ("value", "value_and_grad", "grad", *TABLES)


class CompiledFunction(Derivatives[P, R], Generic[P, R]):
    """A function that is compiled, for each signature of its arguments, when it is first called.

    Call it for its value; ``value_and_grad``, ``grad`` and ``vjp`` differentiate it in reverse
    mode, ``jvp`` and ``linearize`` in forward mode, ``hvp`` in both; ``jacobian`` and ``hessian``
    are arrays; ``inspect`` and ``lower`` show what was generated; ``__wrapped__`` is the function
    itself. Made by ``gradc.compile_grad``, which describes the options. Safe to call from several
    threads.
    """

    # Looked up in the object, where native entries take the place of the methods; a call of the
    # object looks up __call__ there too.
    __slots__ = {name: getattr(Derivatives, name).__doc__ for name in ENTERED.values()}

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
        self.backend: Any = backend or os.environ.get("GRADC_BACKEND") or "llvm"
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
        self.entries = Entries(self)
        functools.update_wrapper(self, function, updated=())
        for name, one in getattr(function, "__dict__", {}).items():
            if not hasattr(type(self), name):  # a wrapper of a compiled function has its attributes
                vars(self).setdefault(name, one)

    # Calling

    def derive(
        self, mode: str, args: Sequence[Any], kwargs: dict[str, Any], given: tuple[Any, ...] = ()
    ) -> Any:
        """Compute in a mode; see ``Derivatives``."""
        entry = self.entries.first.get(mode)
        if entry is not None:
            return entry(*args, **kwargs)
        return self.planned_call(mode, args, kwargs, given)

    def planned_call(
        self, mode: str, args: Sequence[Any], kwargs: dict[str, Any], given: tuple[Any, ...] = ()
    ) -> Any:
        """Compute in a mode, without native entries: the short way where it is known."""
        if "out" in kwargs and mode in ENTERED and not self.parameters.takes("out"):
            return self._call_into(mode, args, dict(kwargs))
        if not given and (kwargs or len(args) != len(self.parameters.names)):
            values = self.parameters.in_order(args, kwargs)
            if values is not None:  # now by position, as entries and plans take them
                return self.derive(mode, values, {})
        tag, row = _in_a_row(mode, args, given[0]) if given else (mode, args)
        plan = self._plans.get(plan_key(tag, row, kwargs))
        return plan(row) if plan is not None else self._slow_call(mode, args, kwargs, given)

    def _signed(
        self, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Sequence[Any], Signature, list[Any]]:
        """Return the value of each parameter, the signature of a call, and its leaves."""
        values = self.parameters.bind(args, kwargs)
        signature, leaves = sign(self.parameters, values)
        if any(isinstance(leaf, Spec) for leaf in leaves):
            raise GradcError(
                "a spec has no numbers to compute with",
                where=user_line(),
                fix="pass it to lower() or inspect(), or pass an array",
            )
        return values, signature, leaves

    def _call_into(self, mode: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Compute into the arrays in ``out``, which is among the arguments."""
        out = kwargs.pop("out")
        if current_trace() is not None or holds_traced((args, kwargs, out)):
            raise GradcError(
                "out= is for calls from outside of compiled functions",
                where=user_line(),
                fix="leave it out: inside, no array is made that is not needed",
            )
        values, signature, leaves = self._signed(args, kwargs)
        found, inputs = self._made.find(signature, values, leaves, mode != "value")
        program = found.executable(mode).program
        destination = Destination(found, mode, out, inputs)
        is_apart = not (found.captured.has_effects or destination.overlaps)
        if program is not None and is_apart and program.can_run_into(destination.given):
            return destination.arrange(program.run_into(inputs, destination.given))
        return destination.fill(self._slow_call(mode, args, kwargs))

    def _slow_call(
        self, mode: str, args: Sequence[Any], kwargs: dict[str, Any], given: tuple[Any, ...] = ()
    ) -> Any:
        """Sign the arguments in full, find or make the code, run it, and remember the short way.

        ``given`` are the tangents, where the mode takes some.
        """
        values, signature, leaves = self._signed(args, kwargs)
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
        self.entries.add(mode, found.executable(mode).program if mode in ENTERED else None)
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
        made, inputs = self._made.find(signature, values, leaves, differentiated=True)
        has_specs = any(isinstance(leaf, Spec) for leaf in leaves)
        return Lowered(made, None if has_specs else inputs)

    def inspect(self, *args: Any, what: Part = "numpy", **kwargs: Any) -> str:
        """Return, as text, what was generated for these arguments.

        Args:
            *args: As for ``lower``.
            what: "numpy" (the module for value and gradient; where the output is no scalar, the
                forward program of ``vjp``), "pullback" (its backward program), "jvp" (the module
                for value and tangent), "graph" (what was captured), "joint" (forward and backward
                as a graph), "log" (stages with their times, remarks), "memory" (what the
                programs need, what they save, and what they compute again). Of native code also
                "kernels" (what it consists of, with the user's lines, and with times for which it
                is run), "llvm" (its module, after LLVM's passes), "unoptimised" (before these) and
                "asm".
            **kwargs: As for ``lower``.
        """
        return self.lower(*args, **kwargs).text(what)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Be a method: looked up on an instance, it is bound to it, and ``wrt`` counts behind it.

        What it reads of the instance is found anew at each call.
        """
        return self if instance is None else BoundMethod(self.method, instance)

    @cached_property
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
