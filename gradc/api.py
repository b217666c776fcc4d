"""The decorator and the functions that stand beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from .compiler.errors import GradcError
from .compiler.frontend.numpy_api.operands import tracer
from .compiler.frontend.signature import Wrt
from .compiler.frontend.tracer import Tracer
from .compiler.frontend.tree import flatten, unflatten
from .compiler.primitives.elementwise import stop_gradient as _stop_gradient
from .runtime.compiled import Backend, CompiledClassMethod, CompiledFunction, P, R


@overload
def compile_grad(
    function: Callable[P, R],
    /,
    *,
    wrt: Wrt = 0,
    has_aux: bool = False,
    static_argnames: Sequence[str] = (),
    backend: Backend | None = None,
) -> CompiledFunction[P, R]: ...


@overload
def compile_grad(
    *,
    wrt: Wrt = 0,
    has_aux: bool = False,
    static_argnames: Sequence[str] = (),
    backend: Backend | None = None,
) -> Callable[[Callable[P, R]], CompiledFunction[P, R]]: ...


def compile_grad(
    function: Callable[P, R] | None = None,
    /,
    *,
    wrt: Wrt = 0,
    has_aux: bool = False,
    static_argnames: Sequence[str] = (),
    backend: Backend | None = None,
) -> CompiledFunction[..., Any] | Callable[[Callable[P, R]], CompiledFunction[P, R]]:
    """Compile a NumPy function together with its gradient.

    A decorator of functions, methods and class methods (``@compile_grad`` stands above
    ``@classmethod``), with or without options, or a function of a function.
    Nothing happens until the first call: then the function is captured for the types of its
    arguments, differentiated, and turned into NumPy code. Calls with arguments of the same types
    reuse this code.

    Args:
        function: A function of arrays, numbers, and tuples, lists, dicts and dataclasses of these.
            Bools, strings, None and other hashable objects are part of the specialisation; so are
            Python numbers whose value the function reads (in ``range``, as a shape, in an ``if``).
            Arrays that it reaches through closures, globals, attributes and containers are read
            anew at each call; of all else that it finds there the specialisation depends. What it
            stores there, and arguments changed in place, are written after the call, all or
            nothing.
        wrt: By which parameter to differentiate: its position or its name, or a tuple of these. Of
            a method, positions count behind ``self``.
        has_aux: Whether the function returns ``(value, aux)``, where ``aux`` is only handed on.
        static_argnames: Parameters that are part of the specialisation as a whole.
        backend: What runs the code: "llvm", native code for this machine, which calls back into
            NumPy for what it does not have (``inspect(what="log")`` says where); or "numpy",
            generated NumPy source, which compiles ten times as fast and can be stepped through. If
            not given: what the environment variable ``GRADC_BACKEND`` says, else "llvm".

    Returns:
        The compiled function; see ``CompiledFunction`` for what it offers.

    Raises:
        GradcError: An option is wrong. What is wrong with the function is said at the first call.

    Example:
        >>> import numpy as np
        >>> @compile_grad(wrt=("a", "b"))
        ... def f(a, b):
        ...     return np.sum(a * b)
        >>> value, (da, db) = f.value_and_grad(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        >>> float(value), da, db
        (11.0, array([3., 4.]), array([1., 2.]))
    """

    def compiled(one: Any) -> Any:
        if isinstance(one, classmethod):
            return CompiledClassMethod(compiled(one.__func__))
        return CompiledFunction(
            one, wrt=wrt, has_aux=has_aux, static_argnames=static_argnames, backend=backend
        )

    return compiled if function is None else compiled(function)


def stop_gradient(value: Any) -> Any:
    """Return ``value``, through which no gradient passes.

    Args:
        value: An array inside a compiled function, or a container of such; anything else is
            returned as it is.

    Example:
        >>> import numpy as np
        >>> f = compile_grad(lambda x: x * stop_gradient(x))
        >>> float(f.grad(3.0))
        3.0
    """
    leaves: list[Any] = []
    tree = flatten(value, "value", leaves, [])
    if not any(isinstance(leaf, Tracer) for leaf in leaves):
        return value
    return unflatten(tree, [_stopped(leaf) for leaf in leaves])


def _stopped(leaf: Any) -> Any:
    if not isinstance(leaf, Tracer):
        return leaf
    return leaf.tracing.dispatch(lambda one: _stop_gradient(tracer(one)), (leaf,), {})


def explain(function: CompiledFunction[..., Any]) -> str:
    """Say what was compiled for a function, why, and how long each stage took.

    Args:
        function: What ``compile_grad`` returned.

    Raises:
        GradcError: It is something else.

    Example:
        >>> import numpy as np
        >>> f = compile_grad(lambda x: np.sum(x * x))
        >>> _ = f(np.ones(3))
        >>> print(explain(f).splitlines()[1])
        1. first call: x (3,) float64
    """
    if not isinstance(function, CompiledFunction):
        raise GradcError(
            "explain takes what compile_grad returned",
            got=repr(function),
            fix="pass the decorated function itself",
        )
    lines = [f"{function.name}: {len(function.history)} specialisation(s)"]
    for number, (reason, made) in enumerate(function.history, 1):
        leaves = zip(made.signature.names, made.signature.leaves, strict=True)
        types = ", ".join(f"{name} {leaf.type}" for name, leaf in leaves)
        lines.append(f"{number}. {reason}: {types}")
        captured = made.captured
        for position, number in captured.guards.items():
            lines.append(f"   only where {captured.label(position)} == {number}")
        for read in captured.reads:
            if read.kind == "equal":
                lines.append(f"   only where {read.place} == {read.expected!r}")
        for place in captured.places:
            lines.append(f"   reads {place} at each call")
        lines += [f"   {line}" for line in str(made.log).splitlines()]
    return "\n".join(lines)
