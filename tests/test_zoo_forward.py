"""Forward mode of every program of the zoo, against NumPy, differences and reverse mode."""

import functools
import inspect
from typing import Any

import numpy as np
import pytest

from gradc import compile_grad

from . import references
from .programs import PROGRAMS, Program
from .references import tree_leaves, tree_map, wanted_leaves
from .test_zoo import assert_same_values, value_and_gradient

STEP = 1e-4  # fourth-order differences of gradients: good to about 1e-9 of their terms
# Their hooks replace gradients, which is no business of forward mode.
HOOKED = [one for one in PROGRAMS if "register_hook" in inspect.getsource(one.fn)]
FAITHFUL = [one for one in PROGRAMS if one not in HOOKED]
every_program = pytest.mark.parametrize("program", FAITHFUL, ids=repr)
SMOOTH = [one for one in FAITHFUL if one.smooth]
CURVED = [one for one in SMOOTH if one.scalar]


@functools.cache
def compiled_once(program: Program) -> Any:
    """Return the compiled program; all tests of a process share what it has generated."""
    return compile_grad(program.fn, **program.options)


def direction_of(program: Program, args: tuple[Any, ...], seed: int = 11) -> list[Any]:
    """Return a random direction, leaf by leaf, in the dtypes of the arguments."""
    rng = np.random.default_rng(seed)
    leaves = wanted_leaves(program, args)
    return [rng.normal(size=np.shape(one)).astype(np.asarray(one).dtype) for one in leaves]


def in_structure(program: Program, args: tuple[Any, ...], direction: list[Any]) -> Any:
    """Return a direction as ``jvp`` takes it: in the structure of the gradient."""
    ways = iter(direction)
    places = references.wanted_positions(program)
    trees = tuple(tree_map(lambda _: next(ways), args[position]) for position in places)
    return trees if isinstance(program.wrt, tuple) else trees[0]


def pushed(program: Program, direction: list[Any]) -> tuple[Any, list[Any]]:
    """Return the outputs, as the plain function returns them, and the leaves of the tangent."""
    args = program.args()
    results = compiled_once(program).jvp(args, in_structure(program, args, direction))
    if program.has_aux:
        out, tangent, aux = results
        return (out, aux), tree_leaves(tangent)
    return results[0], tree_leaves(results[1])


def weighted(leaves: list[Any], weights: list[Any]) -> tuple[float, float]:
    """Return the sum of weight x leaf, and that of its absolute terms."""
    terms = [np.multiply(one, w) for one, w in zip(leaves, weights, strict=True)]
    return sum(float(np.sum(t)) for t in terms), sum(float(np.sum(np.abs(t))) for t in terms)


@every_program
def test_values_and_transposition(program: Program) -> None:
    """Values are NumPy's; <w, J v> is <pull(w), v>, for two directions."""
    args = program.args()
    _, gradient = value_and_gradient(program, compiled_once(program), args)
    weights = references.output_weights(program, args)
    for seed in (11, 12):
        direction = direction_of(program, args, seed)
        outputs, tangent = pushed(program, direction)
        assert_same_values(outputs, program.fn(*program.args()))
        there, spread = weighted(tangent, [1.0] if weights is None else weights)
        back, scale = weighted(gradient, direction)
        dtypes = {np.asarray(one).dtype for one in (*tangent, *gradient)}
        rough = 1e-4 if np.dtype(np.float32) in dtypes else 1e-10
        assert abs(there - back) <= max(rough, program.tolerance) * (scale + spread)


@pytest.mark.parametrize("program", SMOOTH, ids=repr)
def test_tangent_equals_finite_differences(program: Program) -> None:
    args = program.args()
    weights = references.output_weights(program, args)
    direction = direction_of(program, args)
    slope = references.directional_slope(program, args, direction, weights)
    _, tangent = pushed(program, direction)
    found, scale = weighted(tangent, [1.0] if weights is None else weights)
    assert abs(found - slope) <= max(program.tolerance, 1e-7) * max(scale, 1e-3)


@pytest.mark.parametrize("program", CURVED, ids=repr)
def test_hessian_product_equals_differences_of_gradients(program: Program) -> None:
    """Weighted at random, and relative to the largest entry of what is compared."""
    args = references.in_double(program.args())
    compiled = compiled_once(program)
    direction = direction_of(program, args)
    start = wanted_leaves(program, args)

    def gradient(by: float) -> list[Any]:
        moved = [leaf + by * way for leaf, way in zip(start, direction, strict=True)]
        found = compiled.grad(*references.with_wanted(program, args, moved))
        return tree_leaves(found[0] if program.has_aux else found)

    found = compiled.hvp(args, in_structure(program, args, direction))
    product = tree_leaves(found[0] if program.has_aux else found)
    near, far = (zip(gradient(h), gradient(-h), strict=True) for h in (STEP, 2 * STEP))
    largest = max((float(np.max(np.abs(one), initial=0)) for one in gradient(0.0)), default=0.0)
    for one, (a, b), (c, d) in zip(product, near, far, strict=True):
        slope = (8 * (a - b) - (c - d)) / (12 * STEP)
        assert np.shape(one) == np.shape(slope)
        atol = 1e-6 * max(largest, float(np.max(np.abs(slope), initial=0)), 1e-3)
        np.testing.assert_allclose(one, slope, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("program", HOOKED, ids=repr)
def test_hooks_do_not_touch_tangents(program: Program) -> None:
    """They are those of the function without its hooks."""
    args = program.args()
    weights = references.output_weights(program, args)
    direction = direction_of(program, args)
    outputs, tangent = pushed(program, direction)
    assert_same_values(outputs, program.fn(*program.args()))
    slope = references.directional_slope(program, args, direction, weights)
    found, scale = weighted(tangent, [1.0] if weights is None else weights)
    assert abs(found - slope) <= 1e-7 * max(scale, 1e-3)


def test_programs_with_and_without_hooks_are_there() -> None:
    """No test above runs over nothing."""
    assert HOOKED
    assert len(CURVED) > 20
