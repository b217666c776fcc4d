"""Functions with derivative rules, written once for gradc and for JAX.

Each takes the library (``gradc`` or ``jax``) and its NumPy, and returns a function of arrays. What
the two say of value and derivatives must be the same; the arguments are in ``ARGUMENTS``.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

Make = Callable[[Any, Any], Callable[..., Any]]
PROGRAMS: dict[str, Make] = {}
ARGUMENTS: dict[str, tuple[Any, ...]] = {}
# Of these only reverse mode is defined in JAX.
REVERSE_ONLY: set[str] = set()

VECTOR = np.array([0.3, -1.2, 2.5])


def program(*arguments: Any, reverse_only: bool = False) -> Callable[[Make], Make]:
    """Enter a program with its arguments."""

    def enter(make: Make) -> Make:
        PROGRAMS[make.__name__] = make
        ARGUMENTS[make.__name__] = arguments
        if reverse_only:
            REVERSE_ONLY.add(make.__name__)
        return make

    return enter


@program(VECTOR, reverse_only=True)
def sine_scaled(lib: Any, np: Any) -> Any:
    """The rule uses the function itself, so that each order uses the rule again."""

    @lib.custom_vjp
    def f(x):
        return np.sin(x)

    f.defvjp(lambda x: (f(x), x), lambda x, ct: (3.0 * np.cos(x) * ct,))
    return lambda x: np.sum(f(x) ** 2)


@program(VECTOR, reverse_only=True)
def gradient_clipping(lib: Any, np: Any) -> Any:
    """A backward rule that is not linear in the cotangent."""

    @lib.custom_vjp
    def clipped(x, low, high):
        return x

    def forward(x, low, high):
        return x, (low, high)

    def backward(residuals, ct):
        low, high = residuals
        return np.clip(ct, low, high), None, None

    clipped.defvjp(forward, backward)
    return lambda x: np.sum(clipped(x, -1.0, 1.0) ** 3 * x)


@program(VECTOR)
def log_one_plus_exp(lib: Any, np: Any) -> Any:
    """A tangent that stays finite where the slope of the formula is inf / inf."""

    @lib.custom_jvp
    def softplus(x):
        return np.log(1.0 + np.exp(x))

    @softplus.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        return softplus(x), (1.0 - 1.0 / (1.0 + np.exp(x))) * t

    return lambda x: np.sum(softplus(x * 30.0) * x)


@program(np.array([0.0, 4.0, 2.25]))
def safe_root(lib: Any, np: Any) -> Any:
    """A root with slope 0 at 0."""

    @lib.custom_jvp
    def root(x):
        return np.sqrt(x)

    @root.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        divisor = np.where(x > 0.0, x, 1.0)
        return root(x), np.where(x > 0.0, t / (2.0 * np.sqrt(divisor)), 0.0)

    return lambda x: np.sum(root(x) * x)


@program(VECTOR)
def straight_through(lib: Any, np: Any) -> Any:
    """Rounding whose derivative is said to be that of the identity: nothing in it has one."""

    @lib.custom_jvp
    def rounded(x):
        return np.round(x)

    rounded.defjvps(lambda t, out, x: t)
    return lambda x: np.sum(rounded(x * 2.0) * x)


@program(VECTOR, np.array([1.5, 0.5, -1.0]))
def one_rule_for_each(lib: Any, np: Any) -> Any:
    """Defjvps with None for an argument on which the result is said not to depend."""

    @lib.custom_jvp
    def f(x, y):
        return x * np.sin(y)

    f.defjvps(lambda t, out, x, y: 2.0 * t * out, None)
    return lambda x, y: np.sum(f(x, y) * y * x)


@program(VECTOR, np.array([1.5, 0.5, -1.0]), reverse_only=True)
def structures(lib: Any, np: Any) -> Any:
    """Dicts and tuples in, dicts out, None for a whole argument."""

    @lib.custom_vjp
    def layer(p, xs):
        return {"y": p["w"] * xs[0] + p["b"], "n": xs[1] * 2.0}

    def forward(p, xs):
        return layer(p, xs), (p, xs[0])

    def backward(residuals, ct):
        p, x = residuals
        return {"w": 5.0 * ct["y"] * x, "b": np.sum(ct["y"])}, (ct["y"] * p["w"], 0.5 * ct["n"])

    layer.defvjp(forward, backward)

    def loss(w, x):
        out = layer({"w": w, "b": np.sum(x)}, (x, w))
        return np.sum(out["y"] ** 2 * out["n"])

    return loss


@program(VECTOR, reverse_only=True)
def static_function(lib: Any, np: Any) -> Any:
    """A function and a number that are no arrays; the backward rule takes them first."""

    @lib.partial(lib.custom_vjp, nondiff_argnums=(0, 2))
    def repeat(function, x, count):
        for _ in range(count):
            x = function(x)
        return x

    def forward(function, x, count):
        return repeat(function, x, count), x

    def backward(function, count, x, ct):
        return (ct * count * function(x),)

    repeat.defvjp(forward, backward)
    return lambda x: np.sum(repeat(np.sin, x, 3) * x)


@program(VECTOR)
def static_power(lib: Any, np: Any) -> Any:
    """The same for a tangent rule."""

    @lib.partial(lib.custom_jvp, nondiff_argnums=(1,))
    def power(x, n):
        return x**n

    @power.defjvp
    def rule(n, primals, tangents):
        (x,), (t,) = primals, tangents
        return power(x, n), n * x ** (n - 1) * t

    return lambda x: np.sum(power(x, 4) * x)


@program(np.array(3.0), np.array(0.7), reverse_only=True)
def implicit_fixed_point(lib: Any, np: Any) -> Any:
    """A fixed point, found by a loop that is not differentiated.

    Its gradient solves a linear fixed point, by a loop again.
    """

    def step(a, b, z):
        return np.cos(z * b) + 0.1 * np.sin(a)

    def iterate(update, start):
        def is_far(carry):
            z, before = carry
            return np.abs(z - before) > 1e-12

        return lib.while_loop(is_far, lambda c: (update(c[0]), c[0]), (update(start), start))[0]

    @lib.custom_vjp
    def fixed_point(a, b):
        return iterate(lambda z: step(a, b, z), a * 0.0)

    def forward(a, b):
        z = fixed_point(a, b)
        return z, (a, b, z)

    def backward(residuals, ct):
        a, b, z = residuals
        pull_z = lib.vjp(lambda z: step(a, b, z), z)[1]
        adjoint = iterate(lambda u: ct + pull_z(u)[0], ct * 0.0)
        pull_ab = lib.vjp(lambda a, b: step(a, b, z), a, b)[1]
        return pull_ab(adjoint)

    fixed_point.defvjp(forward, backward)
    return lambda a, b: fixed_point(a, b) * a


@program(VECTOR)
def in_a_loop(lib: Any, np: Any) -> Any:
    """In the body of a loop, and in a branch in it."""

    @lib.custom_jvp
    def f(x):
        return np.sin(x)

    f.defjvps(lambda t, out, x: 2.0 * np.cos(x) * t * out)

    def body(i, y):
        return lib.cond(np.sum(y) > 0.0, lambda y: f(y) * y, lambda y: 0.5 * y - f(y), y)

    return lambda x: np.sum(lib.fori_loop(0, 4, body, x))


@program(VECTOR, reverse_only=True)
def recomputed(lib: Any, np: Any) -> Any:
    """In a part of the program that backward computes again."""

    @lib.custom_vjp
    def f(x):
        return np.tanh(x)

    f.defvjp(lambda x: (f(x), x), lambda x, ct: (ct * x**2,))
    inner = lib.checkpoint(lambda x: f(f(x) * x) + x)
    return lambda x: np.sum(inner(inner(x)))


def library_of_gradc(gradc: Any) -> Any:
    """Return gradc under the names that the programs use."""
    return SimpleNamespace(
        custom_vjp=gradc.custom_vjp,
        custom_jvp=gradc.custom_jvp,
        partial=partial,
        while_loop=gradc.while_loop,
        fori_loop=gradc.fori_loop,
        cond=gradc.cond,
        checkpoint=gradc.checkpoint,
        vjp=gradc.func.vjp,
    )


def library_of_jax(jax: Any) -> Any:
    """Return JAX under these names."""
    return SimpleNamespace(
        custom_vjp=jax.custom_vjp,
        custom_jvp=jax.custom_jvp,
        partial=partial,
        while_loop=jax.lax.while_loop,
        fori_loop=jax.lax.fori_loop,
        cond=jax.lax.cond,
        checkpoint=jax.checkpoint,
        vjp=jax.vjp,
    )
