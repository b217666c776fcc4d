"""Function forms of the transforms; they compose: ``grad(grad(f))``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .compiler.frontend.signature import Wrt
from .runtime.compiled import CompiledFunction


def grad(
    function: Callable[..., Any],
    argnums: int | tuple[int, ...] | None = None,
    *,
    wrt: Wrt = 0,
    has_aux: bool = False,
    static_argnames: Sequence[str] = (),
) -> Callable[..., Any]:
    """Return the function that computes the gradient of ``function``.

    Args:
        function: Returns one floating-point scalar (a pair of it and more with ``has_aux``).
        argnums: The same as ``wrt``, under PyTorch's name.
        wrt: By which parameter: its position or name, or a tuple of these.
        has_aux: Whether it returns ``(value, aux)``; the result is ``(gradient, aux)`` then.
        static_argnames: As for ``compile_grad``.

    Example:
        >>> float(grad(grad(lambda x: x**3))(2.0))
        12.0
    """
    chosen = wrt if argnums is None else argnums
    compiled = CompiledFunction(
        function, wrt=chosen, has_aux=has_aux, static_argnames=static_argnames
    )

    @functools.wraps(function, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return compiled.grad(*args, **kwargs)

    return gradient


def value_and_grad(
    function: Callable[..., Any],
    argnums: int | tuple[int, ...] | None = None,
    *,
    wrt: Wrt = 0,
    has_aux: bool = False,
    static_argnames: Sequence[str] = (),
) -> Callable[..., Any]:
    """Return the function that computes ``(value, gradient)`` of ``function``.

    Args:
        function: As for ``grad``.
        argnums: As for ``grad``.
        wrt: As for ``grad``.
        has_aux: Whether it returns ``(value, aux)``; the result is ``((value, aux), gradient)``.
        static_argnames: As for ``compile_grad``.

    Example:
        >>> value, gradient = value_and_grad(lambda x: x**3)(2.0)
        >>> float(value), float(gradient)
        (8.0, 12.0)
    """
    chosen = wrt if argnums is None else argnums
    compiled = CompiledFunction(
        function, wrt=chosen, has_aux=has_aux, static_argnames=static_argnames
    )

    @functools.wraps(function, updated=())
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
    return _by_all(function, has_aux).vjp(*primals)


def jvp(
    function: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """Return ``(out, tangent)`` at ``primals``: how the output changes along ``tangents``.

    Args:
        function: Returns arrays in any structure.
        primals: Its positional arguments, in a tuple.
        tangents: A tangent for each of them, in its structure (None will do for what is not
            floating-point).
        has_aux: Whether it returns ``(out, aux)``; the result is ``(out, tangent, aux)`` then.

    Returns:
        What the function returns, and its tangent in the same structure, with zeros for what is not
        floating-point.

    Raises:
        DerivativeError: What is computed has no derivative.
        TypeRuleError: The tangents do not fit the primals.

    Example:
        >>> import numpy as np
        >>> tuple(map(float, jvp(np.multiply, (2.0, 3.0), (1.0, 10.0))))
        (6.0, 23.0)
    """
    return _by_all(function, has_aux).jvp(primals, tangents)


def linearize(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return ``(out, push)`` at ``primals``; ``push(*tangents)`` is the tangent of ``out``.

    As ``jvp``, for many tangents: what does not depend on these is computed once.

    Args:
        function: Returns arrays in any structure.
        *primals: Its positional arguments.

    Returns:
        What the function returns, and the function that takes a tangent for each of the primals.

    Raises:
        DerivativeError: What is computed has no derivative.

    Example:
        >>> import numpy as np
        >>> out, push = linearize(np.multiply, 2.0, 3.0)
        >>> float(push(1.0, 0.0)), float(push(0.0, 1.0))
        (3.0, 2.0)
    """
    out, push = _by_all(function).linearize(*primals)
    return out, lambda *tangents: push(tangents)


def hvp(
    function: Callable[..., Any], primals: tuple[Any, ...], vectors: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return the Hessian of ``function`` at ``primals``, times ``vectors``.

    The tangent of the gradient (forward over reverse): a few times the cost of a value, and no
    Hessian is ever made.

    Args:
        function: Returns one floating-point scalar.
        primals: Its positional arguments, in a tuple.
        vectors: A vector for each of them, in its structure.

    Returns:
        A tuple with the part of the product for each of the primals.

    Raises:
        DerivativeError: The function does not return one floating-point scalar.
        TypeRuleError: The vectors do not fit the primals.

    Example:
        >>> import numpy as np
        >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
        (array([ 6., 12.]),)
    """
    product: tuple[Any, ...] = _by_all(function).hvp(primals, vectors)
    return product


def jacrev(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes the Jacobian of ``func`` by reverse mode.

    A step for each number that is returned, many of them together.

    Args:
        func: Returns arrays in any structure.
        argnums: By which argument: its position, or a tuple of these.
        has_aux: Whether it returns ``(out, aux)``; the result is ``(jacobian, aux)`` then.

    Returns:
        A function with the arguments of ``func``. For an output of shape ``s`` and an argument of
        shape ``t`` it gives an array of shape ``(*s, *t)``, in the structure of the output, and in
        it in that of the arguments.

    Example:
        >>> import numpy as np
        >>> jacrev(np.sin)(np.zeros(2))
        array([[1., 0.],
               [0., 1.]])
    """
    return _table("jacrev", func, argnums, has_aux)


def jacfwd(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes the Jacobian of ``func`` by forward mode.

    A step for each number of the arguments, many of them together; all else as for ``jacrev``.

    Example:
        >>> import numpy as np
        >>> jacfwd(lambda x: np.array([x, x**2, x**3]))(2.0)
        array([ 1.,  4., 12.])
    """
    return _table("jacfwd", func, argnums, has_aux)


def jacobian(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes the Jacobian of ``func``, by the mode with fewer steps.

    All else as for ``jacrev``.

    Example:
        >>> import numpy as np
        >>> by_x, by_y = jacobian(np.multiply, argnums=(0, 1))(2.0, 3.0)
        >>> float(by_x), float(by_y)
        (3.0, 2.0)
    """
    return _table("jacobian", func, argnums, has_aux)


def hessian(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes the second derivatives of ``func``.

    The Jacobian of the gradient, by forward over reverse mode.

    Args:
        func: Returns one floating-point scalar, or arrays in any structure.
        argnums: By which argument: its position, or a tuple of these.
        has_aux: Whether it returns ``(out, aux)``; the result is ``(hessian, aux)`` then.

    Returns:
        A function with the arguments of ``func``. By an argument of shape ``t`` it gives an array
        of shape ``(*t, *t)``; by several, a tuple of tuples.

    Example:
        >>> import numpy as np
        >>> hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
        array([[ 6.,  0.],
               [ 0., 12.]])
    """
    return _table("hessian", func, argnums, has_aux)


def _table(
    mode: str, func: Callable[..., Any], argnums: int | tuple[int, ...], has_aux: bool
) -> Callable[..., Any]:
    compiled = CompiledFunction(func, wrt=argnums, has_aux=has_aux)

    @functools.wraps(func, updated=())
    def table(*args: Any, **kwargs: Any) -> Any:
        return compiled.derive(mode, args, kwargs)

    return table


def _by_all(function: Callable[..., Any], has_aux: bool = False) -> CompiledFunction[..., Any]:
    """Compile a function, to be differentiated by all of its positional arguments."""

    def call(*args: Any) -> Any:
        return function(*args)

    return CompiledFunction(call, wrt="args", has_aux=has_aux)
