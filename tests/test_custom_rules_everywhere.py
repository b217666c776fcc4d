"""A rule that says what is true changes nothing, wherever the function stands.

The sine in each program is replaced by one with the rule that it has anyway. Every derivative must
be the same then as without the rule.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradc
from gradc import func

Function = Callable[[Any], Any]

X = np.array([0.5, -1.5, 2.0])
W = np.array([0.3, 0.2, -0.4])


@gradc.custom_jvp
def by_jvp(x: Any) -> Any:
    """Compute the sine, whose tangent rule computes the result anew."""
    return np.sin(x)


by_jvp.defjvp(lambda primals, tangents: (np.sin(primals[0]), tangents[0] * np.cos(primals[0])))


@gradc.custom_jvp
def by_jvps(x: Any) -> Any:
    """Compute the sine, whose rule uses it."""
    return np.sin(x)


by_jvps.defjvps(lambda t, out, x: t * np.cos(x))


@gradc.custom_vjp
def by_vjp(x: Any) -> Any:
    """Compute the sine, whose rule uses it, and saves what it is given."""
    return np.sin(x)


by_vjp.defvjp(lambda x: (by_vjp(x), x), lambda x, ct: (ct * np.cos(x),))


@gradc.custom_vjp
def by_saving(x: Any) -> Any:
    """Compute the sine, whose rule saves the slope."""
    return np.sin(x)


by_saving.defvjp(lambda x: (np.sin(x), np.cos(x)), lambda slope, ct: (ct * slope,))

PROGRAMS: dict[str, Callable[[Function], Function]] = {}


def program(make: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """Enter a program: it takes the sine, and gives a function of a vector."""
    PROGRAMS[make.__name__] = make
    return make


@program
def loop(s: Function) -> Function:
    return lambda x: np.sum(gradc.fori_loop(0, 4, lambda i, y: s(y) * x + y, x))


@program
def loop_with_checkpoints(s: Function) -> Function:
    step = lambda i, y: s(y) * x_of(y) + s(y * W)  # noqa: E731
    x_of = lambda y: 0.5 * y + 1.0  # noqa: E731
    return lambda x: np.sum(
        gradc.fori_loop(0, 7, step, gradc.fori_loop(0, 5, step, x, checkpoint="sqrt"), every=2)
    )


@program
def loops_in_each_other(s: Function) -> Function:
    def outer(x: Any) -> Any:
        inner = lambda i, y: gradc.fori_loop(0, i + 1, lambda j, z: s(z * x) + z * j, y)  # noqa: E731
        return np.sum(gradc.fori_loop(0, 3, inner, x))

    return outer


@program
def loop_with_a_condition(s: Function) -> Function:
    condition = lambda y: np.sum(s(y) ** 2) < 2.0  # noqa: E731
    return lambda x: np.sum(gradc.while_loop(condition, lambda y: y * 1.2 + 0.1 * s(y), x * 0.1))


@program
def scanning(s: Function) -> Function:
    def total(x: Any) -> Any:
        last, rows = gradc.scan(lambda c, e: (s(c) * e, s(c + e)), np.sum(x), x)
        return last + np.sum(rows**2)

    return total


@program
def branches(s: Function) -> Function:
    def both(x: Any) -> Any:
        first = gradc.cond(np.sum(x) > 0.0, lambda y: s(y) * y, lambda y: s(s(y)), x)
        return np.sum(gradc.cond(np.sum(x) < 0.0, lambda y: s(y) * y, lambda y: s(s(y)), first))

    return both


@program
def computed_again_in_a_loop(s: Function) -> Function:
    def looped(x: Any) -> Any:
        part = gradc.checkpoint(lambda y: s(y) * x)
        return np.sum(gradc.fori_loop(0, 3, lambda i, y: part(y), x))

    return looped


@program
def stores(s: Function) -> Function:
    def stored(x: Any) -> Any:
        y = np.zeros(3)
        y[1:] = s(x)[1:]
        y *= s(x)
        y[:2] += s(x[1:])
        return np.sum(y * x)

    return stored


@program
def gradients_inside(s: Function) -> Function:
    def descended(x: Any) -> Any:
        slope = func.grad(lambda z: np.sum(s(z) ** 2))
        return np.sum(gradc.fori_loop(0, 3, lambda i, y: y - 0.1 * slope(y), x))

    return descended


def weighted_gradient(function: Function) -> Function:
    return lambda x: np.sum(func.grad(function)(x) * W)


MODES: dict[str, Callable[[Function], Any]] = {
    "value": lambda f: gradc.compile_grad(f)(X),
    "grad": lambda f: func.grad(f)(X),
    "vjp": lambda f: func.vjp(f, X)[1](2.5)[0],
    "jvp": lambda f: func.jvp(f, (X,), (W,))[1],
    "linearize": lambda f: func.linearize(f, X)[1](W),
    "hvp": lambda f: func.hvp(f, (X,), (W,))[0],
    "hessian": lambda f: func.hessian(f)(X),
    "reverse over reverse": lambda f: func.grad(weighted_gradient(f))(X),
    "reverse over forward": lambda f: func.grad(lambda x: func.jvp(f, (x,), (W,))[1])(X),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("sine", [by_jvp, by_jvps, by_vjp, by_saving], ids=lambda one: one.__name__)
def test_rule_is_as_good_as_none(name: str, sine: Function) -> None:
    make = PROGRAMS[name]
    for mode, run in MODES.items():
        found, expected = run(make(sine)), run(make(np.sin))
        # The same sums in another order; the values are of size 1 to 100.
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10, err_msg=mode)
