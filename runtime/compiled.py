"""The object that ``compile_grad`` returns."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, ParamSpec, TypeVar

import numpy as np

from ..compiler.errors import GradcError
from ..compiler.frontend import fence
from ..compiler.frontend.active import current_trace, suspended
from ..compiler.frontend.concrete import holds_traced, plain
from ..compiler.frontend.places import Place
from ..compiler.frontend.signature import Parameters, Signature, Wrt, sign, want
from ..compiler.frontend.source import user_line
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import Instance, Leaf, Spec
from .calls import plan_key
from .effects import Aliased
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
        self._varying: frozenset[Place] = frozenset()
        self._lock = threading.RLock()
        functools.update_wrapper(self, function)

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
        values = self.parameters.bind(args, kwargs)
        signature, leaves = sign(self.parameters, values)
        if any(isinstance(leaf, Spec) for leaf in leaves):
            raise GradcError(
                "a spec has no numbers to compute with",
                where=user_line(),
                fix="pass it to lower() or inspect(), or pass an array",
            )
        if current_trace() is not None and not holds_traced((args, kwargs)):
            known: list[tuple[Tracer, Any]] = []
            args, kwargs = plain(list(args), known), plain(kwargs, known)
            if known:  # arrays made inside: their numbers are there
                result = self._slow_call(mode, args, kwargs)
                for one, _ in known:
                    one.storage.changed()
                return result
        if current_trace() is not None or any(isinstance(leaf, Tracer) for leaf in leaves):
            nested = Nested(self, signature, values, leaves)
            if nested.captured.lifted or any(isinstance(leaf, Tracer) for leaf in leaves):
                return getattr(nested, mode)()
            with suspended():  # what meets no traced value is computed at once
                return self._slow_call(mode, args, kwargs)
        found, inputs = self._find(signature, values, leaves, differentiated=mode != "value")
        call = found.call(mode)
        if found.captured.has_effects:
            try:
                return call(inputs, values)
            except Aliased:
                made, inputs = self._make(signature, values, leaves, differentiated=mode != "value")
                return made.call(mode)(inputs, values)
        key = plan_key(mode, args, kwargs)
        if key is None and not kwargs:
            key = plan_key(mode, args, kwargs, objects=True)
        if mode != "vjp" and key and found.is_planned and _are_leaves(args, signature, leaves):
            self._plans[key] = call.plan(functools.partial(self._slow_call, mode, kwargs={}))
        return call(inputs, values)

    # Looking

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Compile for these arguments and return what was generated, without running it.

        Args:
            *args: Arguments, or ``gradc.spec("f4[128,784]")`` in place of arrays.
            **kwargs: The same, by name.
        """
        values = self.parameters.bind(args, kwargs)
        signature, leaves = sign(self.parameters, values)
        return Lowered(self._find(signature, values, leaves, differentiated=True)[0])

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

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Be a method: looked up on an instance, it is bound to it, and ``wrt`` counts behind it.

        What it reads of the instance is found anew at each call.
        """
        return self if instance is None else BoundMethod(self._method, instance)

    @functools.cached_property
    def _method(self) -> CompiledFunction[..., Any]:
        """The same function with positions in ``wrt`` that count behind the first parameter."""
        given = self.wrt if isinstance(self.wrt, tuple) else (self.wrt,)
        shifted = tuple(one + 1 if isinstance(one, int) and one >= 0 else one for one in given)
        return CompiledFunction(
            self.parameters.function,
            wrt=shifted if isinstance(self.wrt, tuple) else shifted[0],
            has_aux=self.has_aux,
            static_argnames=tuple(self.parameters.static),
        )

    def __repr__(self) -> str:
        return f"<compiled function {self.name}, {len(self.history)} specialisations>"

    def __reduce__(self) -> str:
        return str(vars(self)["__qualname__"])  # pickled and copied as functions are: by name

    # Finding code

    def _find(
        self,
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
        differentiated: bool,
    ) -> tuple[Specialisation, Sequence[Any]]:
        """Return the code for a call, and its inputs: the leaves, and what it reads outside."""
        key = (signature, differentiated)
        found = self._made_for(key, values, leaves)
        if found is not None:
            return found
        with self._lock:
            found = self._made_for(key, values, leaves)
            return found or self._make(signature, values, leaves, differentiated)

    def _make(
        self,
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
        differentiated: bool,
    ) -> tuple[Specialisation, Sequence[Any]]:
        """Compile for a call."""
        key = (signature, differentiated)
        with self._lock:
            for one in self._known.get(key, ()):
                self._varying |= one.captured.varying(values)
            wanted = want(self.parameters, signature, self.wrt) if differentiated else None
            make = functools.partial(
                Specialisation,
                *(self.parameters, signature, values, leaves, wanted, self.has_aux, self.name),
            )
            try:
                made = make(self._varying)
            except Exception:
                if not self._varying:
                    raise
                made = make(frozenset())  # what varies may have to be known
            self.history.append((self._reason(signature, values, leaves, differentiated), made))
            self._known.setdefault((made.signature, differentiated), []).insert(0, made)
            inputs = made.captured.complete(values, leaves)
            if inputs is None:
                raise fence.changed_meanwhile(made.captured.difference(values, leaves))
            return made, inputs

    def _made_for(
        self, key: Any, values: Sequence[Any], leaves: Sequence[Any]
    ) -> tuple[Specialisation, Sequence[Any]] | None:
        for one in self._known.get(key, ()):
            inputs = one.captured.complete(values, leaves)
            if inputs is not None:
                return one, inputs
        return None

    def _reason(
        self,
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
        differentiated: bool,
    ) -> str:
        """Say in what a call differs from the one before that was compiled."""
        if not self.history:
            return "first call"
        for one in self._known.get((signature, differentiated), ()):
            return one.captured.difference(values, leaves)
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


class BoundMethod:
    """A compiled function bound to an instance; it has the methods of ``CompiledFunction``.

    Attributes:
        compiled: The compiled function.
        instance: Its first argument.
    """

    def __init__(self, compiled: CompiledFunction[..., Any], instance: Any) -> None:
        self.compiled, self.instance = compiled, instance
        functools.update_wrapper(self, compiled.parameters.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the method returns."""
        return self.compiled(self.instance, *args, **kwargs)

    def value_and_grad(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return ``(value, gradient)``; see ``CompiledFunction.value_and_grad``."""
        return self.compiled.value_and_grad(self.instance, *args, **kwargs)

    def grad(self, *args: Any, **kwargs: Any) -> Any:
        """Return the gradient alone; see ``CompiledFunction.grad``."""
        return self.compiled.grad(self.instance, *args, **kwargs)

    def vjp(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Return the value, and the pullback; see ``CompiledFunction.vjp``."""
        return self.compiled.vjp(self.instance, *args, **kwargs)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Compile for these arguments; see ``CompiledFunction.lower``."""
        return self.compiled.lower(self.instance, *args, **kwargs)

    def inspect(self, *args: Any, what: Part = "numpy", **kwargs: Any) -> str:
        """Return what was generated; see ``CompiledFunction.inspect``."""
        return self.compiled.inspect(self.instance, *args, what=what, **kwargs)

    def __reduce__(self) -> Any:
        return getattr, (self.instance, self.compiled.parameters.function.__name__)

    def __repr__(self) -> str:
        return f"<compiled method {self.compiled.name} of {self.instance!r}>"


class CompiledClassMethod:
    """A compiled class method: looked up on a class or an instance, it is bound to the class."""

    def __init__(self, compiled: CompiledFunction[..., Any]) -> None:
        self._compiled = compiled

    def __get__(self, instance: Any, owner: type | None = None) -> BoundMethod:
        return BoundMethod(self._compiled._method, owner or type(instance))


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
