"""The other ways to a gradient, over the zoo: `grad`, `vjp`, and gradients of gradients."""

from typing import Any

import numpy as np
import pytest

from gradc import compile_grad, func

from .programs import PROGRAMS, Program
from .references import tree_leaves, wanted_leaves, wanted_positions, with_wanted

SCALAR = [program for program in PROGRAMS if program.scalar]
# Differences need a gradient that is smooth and not rounded to float32; opaque hooks refuse.
TWICE = [
    program
    for program in SCALAR
    if program.smooth and program.tolerance < 1e-7 and not program.static_argnames
    if program.name not in ("recording_hook", "printing_hook")
]


@pytest.mark.parametrize("program", SCALAR, ids=repr)
def test_grad_and_pullback_equal_value_and_grad(program):
    """Three programs are generated for one function; the pullback may be called again and again."""
    args = program.args()
    compiled = compile_grad(program.fn, **program.options)
    value, gradient = compiled.value_and_grad(*args)
    alone, expected = compiled.grad(*args), tree_leaves(gradient)
    for got, wanted in zip(
        tree_leaves(alone[0] if program.has_aux else alone), expected, strict=True
    ):
        np.testing.assert_array_equal(got, wanted)

    out, pullback = compiled.vjp(*args)[:2]
    one = np.ones_like(out)
    # The split program may sum in another order than the joint one.
    rtol = max(program.tolerance, 1e-10)
    atol = rtol * max((float(np.max(np.abs(leaf), initial=0)) for leaf in expected), default=0)
    for _ in range(2):
        for got, wanted in zip(tree_leaves(pullback(one)), expected, strict=True):
            assert np.asarray(got).dtype == np.asarray(wanted).dtype
            np.testing.assert_allclose(got, wanted, rtol=rtol, atol=atol)


@pytest.mark.parametrize("program", TWICE, ids=repr)
def test_gradient_of_the_gradient_equals_differences_of_the_gradient(program):
    """Along two random directions: the slope, along one, of the gradient's part along the other."""
    args = program.args()
    start, positions = wanted_leaves(program, args), wanted_positions(program)
    rng = np.random.default_rng(13)
    along, across = ([rng.normal(size=np.shape(leaf)) for leaf in start] for _ in range(2))
    gradient = func.grad(program.fn, wrt=program.wrt, has_aux=program.has_aux)

    def part(*values: Any) -> Any:
        found = gradient(*values)
        leaves = tree_leaves(found[0] if program.has_aux else found)
        return sum((leaf * way).sum() for leaf, way in zip(leaves, along, strict=True))

    def part_at(step: float) -> float:
        moved = [leaf + step * way for leaf, way in zip(start, across, strict=True)]
        return float(part(*with_wanted(program, args, moved)))

    second = tree_leaves(func.grad(_with_arity(part, program), wrt=tuple(positions))(*args))
    terms = [float(np.sum(leaf * way)) for leaf, way in zip(second, across, strict=True)]
    step = 1e-4
    near, far = (part_at(k * step) - part_at(-k * step) for k in (1, 2))
    slope = (8 * near - far) / (12 * step)
    # Fourth-order differences of gradients that are themselves exact to about 1e-15.
    assert abs(sum(terms) - slope) <= 1e-6 * sum(map(abs, terms)) + 1e-8


def _with_arity(fn: Any, program: Program) -> Any:
    """Return `fn` with as many named parameters as the program has: `wrt` counts these."""
    count = len(program.args())
    scope = {"fn": fn}
    names = ", ".join(f"p{i}" for i in range(count))
    return eval(f"lambda {names}: fn({names})", scope)
