"""Function forms of the transforms; they compose: ``grad(grad(f))``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .compiler.frontend.signature import Wrt
from .runtime.compiled import CompiledFunction


def grad(
    function: Callable[..., Any],
    *,
    wrt: Wrt = 0,
    has_aux: bool = False,
    static_argnames: Sequence[str] = (),
) -> Callable[..., Any]:
    """Return the function that computes the gradient of ``function``.

    Args:
        function: Returns one floating-point scalar (a pair of it and more with ``has_aux``).
        wrt: By which parameter: its position or name, or a tuple of these.
        has_aux: Whether it returns ``(value, aux)``; the result is ``(gradient, aux)`` then.
        static_argnames: As for ``compile_grad``.

    Example:
        >>> float(grad(grad(lambda x: x**3))(2.0))
        12.0
    """
    compiled = CompiledFunction(function, wrt=wrt, has_aux=has_aux, static_argnames=static_argnames)

    @functools.wraps(function)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return compiled.grad(*args, **kwargs)

    return gradient


def value_and_grad(
    function: Callable[..., Any],
    *,
    wrt: Wrt = 0,
    has_aux: bool = False,
    static_argnames: Sequence[str] = (),
) -> Callable[..., Any]:
    """Return the function that computes ``(value, gradient)`` of ``function``.

    Args:
        function: As for ``grad``.
        wrt: As for ``grad``.
        has_aux: Whether it returns ``(value, aux)``; the result is ``((value, aux), gradient)``.
        static_argnames: As for ``compile_grad``.

    Example:
        >>> value, gradient = value_and_grad(lambda x: x**3)(2.0)
        >>> float(value), float(gradient)
        (8.0, 12.0)
    """
    compiled = CompiledFunction(function, wrt=wrt, has_aux=has_aux, static_argnames=static_argnames)

    @functools.wraps(function)
    def both(*args: Any, **kwargs: Any) -> Any:
        return compiled.value_and_grad(*args, **kwargs)

    return both


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return ``(out, pullback)`` at ``primals``, by all of which is differentiated.

    Args:
        function: Returns arrays in any structure.
        *primals: Its positional arguments.
        has_aux: Whether it returns ``(out, aux)``; the result is ``(out, pullback, aux)`` then.

    Returns:
        What the function returns, and the function that takes a cotangent for it and gives a tuple
        with the gradient by each of the primals.

    Example:
        >>> import numpy as np
        >>> out, pullback = vjp(np.multiply, 2.0, 3.0)
        >>> tuple(map(float, pullback(1.0)))
        (3.0, 2.0)
    """

    def call(*args: Any) -> Any:
        return function(*args)

    return CompiledFunction(call, wrt="args", has_aux=has_aux).vjp(*primals)
