"""Functions with derivative rules give what JAX gives for the same program, in all modes."""

from typing import Any

import numpy as np
import pytest

import gradc
from gradc import func

from .custom_programs import (
    ARGUMENTS,
    PROGRAMS,
    REVERSE_ONLY,
    library_of_gradc,
    library_of_jax,
)

# Both compute in float64, with the same formulas in another order; the fixed points are found to
# 1e-12 by as many iterations, and differ by their roundings.
CLOSE = {"rtol": 1e-9, "atol": 1e-10}

every_program = pytest.mark.parametrize("name", PROGRAMS)


@pytest.fixture(scope="module")
def jax() -> Any:
    found = pytest.importorskip("jax")
    before = found.config.jax_enable_x64
    found.config.update("jax_enable_x64", True)
    yield found
    found.config.update("jax_enable_x64", before)


def ours(name: str) -> Any:
    return PROGRAMS[name](library_of_gradc(gradc), np)


def theirs(name: str, jax: Any) -> Any:
    return PROGRAMS[name](library_of_jax(jax), jax.numpy)


def positions(name: str) -> tuple[int, ...]:
    return tuple(range(len(ARGUMENTS[name])))


@every_program
def test_value_and_gradient(name: str, jax: Any) -> None:
    """Reverse mode, by all arguments; the value alone, and run as plain NumPy, are the same."""
    function, arguments, wrt = ours(name), ARGUMENTS[name], positions(name)
    value, gradients = func.value_and_grad(function, wrt=wrt)(*arguments)
    expected, wanted = jax.value_and_grad(theirs(name, jax), argnums=wrt)(*arguments)
    np.testing.assert_allclose(value, expected, **CLOSE)
    np.testing.assert_allclose(gradc.compile_grad(function)(*arguments), expected, **CLOSE)
    np.testing.assert_allclose(function(*arguments), expected, **CLOSE)
    for one, other in zip(gradients, wanted, strict=True):
        assert np.any(other)
        np.testing.assert_allclose(one, other, **CLOSE)


@every_program
def test_split_mode(name: str, jax: Any) -> None:
    """The pullback of a vjp, for a cotangent that is not 1."""
    arguments = ARGUMENTS[name]
    out, pullback = func.vjp(ours(name), *arguments)
    expected, pull = jax.vjp(theirs(name, jax), *arguments)
    np.testing.assert_allclose(out, expected, **CLOSE)
    for one, other in zip(pullback(-0.5), pull(-0.5), strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)


@pytest.mark.parametrize("name", [one for one in PROGRAMS if one not in REVERSE_ONLY])
def test_forward_mode(name: str, jax: Any) -> None:
    arguments = ARGUMENTS[name]
    rng = np.random.default_rng(3)
    tangents = tuple(rng.normal(size=np.shape(one)) for one in arguments)
    found = func.jvp(ours(name), arguments, tangents)
    expected = jax.jvp(theirs(name, jax), arguments, tangents)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)


@pytest.mark.parametrize(
    "name", [one for one in PROGRAMS if one not in ("implicit_fixed_point", "recomputed")]
)
def test_second_derivatives(name: str, jax: Any) -> None:
    """Rules are captured code: differentiated again, as JAX does it.

    Left out is what JAX refuses: reverse mode through a while_loop, and forward mode of a
    custom_vjp, by which it differentiates a checkpoint again.
    """
    function, arguments, wrt = ours(name), ARGUMENTS[name], positions(name)
    weights = np.random.default_rng(4).normal(size=3)

    def second(gradient: Any, np: Any) -> Any:
        return lambda arguments: sum(np.sum(weights * one) for one in gradient(*arguments))

    found = func.grad(second(func.grad(function, wrt=wrt), np))(arguments)
    theirs_first = jax.grad(theirs(name, jax), argnums=wrt)
    expected = jax.grad(second(theirs_first, jax.numpy))(arguments)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)


@pytest.mark.parametrize(
    "name", [one for one in PROGRAMS if len(ARGUMENTS[one]) == 1 and one != "recomputed"]
)
def test_hessian(name: str, jax: Any) -> None:
    """Forward over reverse, and reverse over reverse, in blocks of basis vectors."""
    (argument,) = ARGUMENTS[name]
    expected = jax.jacrev(jax.jacrev(theirs(name, jax)))(argument)  # a custom_vjp has no jvp
    np.testing.assert_allclose(func.hessian(ours(name))(argument), expected, **CLOSE)
    product = func.hvp(ours(name), (argument,), (np.ones(3),))
    np.testing.assert_allclose(product[0], expected @ np.ones(3), **CLOSE)


def test_second_derivative_of_fixed_point() -> None:
    """Where JAX stops, gradc goes on: the loop of the backward rule is differentiated too."""
    function, (a, b) = ours("implicit_fixed_point"), ARGUMENTS["implicit_fixed_point"]
    gradient = func.grad(function)
    step = 1e-4  # the truncation is 1e-8, the rounding 1e-12 / 1e-4
    expected = (gradient(a + step, b) - gradient(a - step, b)) / (2 * step)
    np.testing.assert_allclose(func.grad(gradient)(a, b), expected, rtol=1e-6)
