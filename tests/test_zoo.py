"""Every program of the zoo, through the whole compiler, against NumPy and against its references.

A new program is tested by all of these without a further line.
"""

import functools
from typing import Any

import numpy as np
import pytest

from gradc import compile_grad, explain

from . import references
from .programs import PROGRAMS, Program
from .references import tree_leaves, tree_map, wanted_leaves

every_program = pytest.mark.parametrize("program", PROGRAMS, ids=repr)


def with_reference(kind: str) -> pytest.MarkDecorator:
    """Parametrize over the programs that have this reference."""
    chosen = [program for program in PROGRAMS if getattr(program, kind)]
    return pytest.mark.parametrize("program", chosen, ids=repr)


@functools.cache
def compiled_once(program: Program) -> Any:
    """Return the compiled program; all tests of a process share what it has generated."""
    return compile_grad(program.fn, **program.options)


def value_and_gradient(program: Program, compiled: Any, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the outputs, as the plain function returns them, and the gradient's leaves."""
    if program.scalar:
        outputs, gradient = compiled.value_and_grad(*args)
    else:
        outputs, pullback = compiled.vjp(*args)
        weights = iter(references.output_weights(program, args))
        gradient = pullback(tree_map(lambda _: next(weights), outputs))
    return outputs, tree_leaves(gradient)


def largest(leaves: list[Any]) -> float:
    return max((float(np.max(np.abs(leaf), initial=0)) for leaf in leaves), default=0.0)


def assert_close(actual: list[Any], expected: list[Any], tolerance: float) -> None:
    """Compare leaf by leaf, relative to the largest entry of all."""
    assert [np.shape(leaf) for leaf in actual] == [np.shape(leaf) for leaf in expected]
    atol = tolerance * max(largest(expected), 1e-3)
    for got, wanted in zip(actual, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=atol)


def assert_same_values(actual: Any, expected: Any) -> None:
    """Compare outputs: same tree, same shapes and dtypes, scalars for scalars.

    Results are in the machine's byte order, also where an argument that comes out is not.

    The compiler may reorder sums and use stabler forms, so that the last digits may differ:
    1e-12 in float64 and 1e-5 in float32 stand for some hundred roundings.
    """
    actual, expected = tree_leaves(actual), tree_leaves(expected)
    assert len(actual) == len(expected)
    for got, wanted in zip(actual, expected, strict=True):
        dtypes = [np.asarray(one).dtype.newbyteorder("=") for one in (got, wanted)]
        assert dtypes[0] == dtypes[1]
        assert np.shape(got) == np.shape(wanted)
        assert isinstance(got, np.ndarray) == isinstance(wanted, np.ndarray)
        rtol = 1e-5 if np.asarray(got).dtype == np.float32 else 1e-12
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol * largest([wanted]))


@every_program
def test_value_equals_plain_numpy(program):
    args = program.args()
    compiled = compiled_once(program)
    expected = program.fn(*program.args())
    assert_same_values(compiled(*args), expected)
    assert_same_values(value_and_gradient(program, compiled, args)[0], expected)


@every_program
def test_gradient_has_the_types_of_its_arguments(program):
    args = program.args()
    compiled = compiled_once(program)
    _, gradient = value_and_gradient(program, compiled, args)
    wanted = wanted_leaves(program, args)
    assert [np.shape(leaf) for leaf in gradient] == [np.shape(leaf) for leaf in wanted]
    dtypes = [np.asarray(leaf).dtype for leaf in gradient]
    assert dtypes == [np.asarray(leaf).dtype for leaf in wanted]


@with_reference("smooth")
def test_gradient_equals_finite_differences(program):
    """In three random directions, so that each entry of the gradient counts."""
    args = program.args()
    weights = references.output_weights(program, args)
    compiled = compiled_once(program)
    _, gradient = value_and_gradient(program, compiled, args)
    rng = np.random.default_rng(11)
    for _ in range(3):
        direction = [rng.normal(size=np.shape(leaf)) for leaf in wanted_leaves(program, args)]
        slope = references.directional_slope(program, args, direction, weights)
        terms = [np.multiply(g, way) for g, way in zip(gradient, direction, strict=True)]
        # Fourth-order differences themselves are good to about 1e-9 of the terms that they sum.
        scale = sum(float(np.sum(np.abs(term))) for term in terms)
        error = abs(sum(float(np.sum(term)) for term in terms) - slope)
        assert error <= max(program.tolerance, 1e-8) * scale + 1e-10


@with_reference("jax")
def test_gradient_equals_jax(program):
    args = program.args()
    _, gradient = value_and_gradient(program, compiled_once(program), args)
    weights = references.output_weights(program, args)
    assert_close(gradient, references.jax_gradient(program, args, weights), program.tolerance)


@with_reference("autograd")
def test_gradient_equals_autograd(program):
    args = program.args()
    _, gradient = value_and_gradient(program, compiled_once(program), args)
    weights = references.output_weights(program, args)
    assert_close(gradient, references.autograd_gradient(program, args, weights), program.tolerance)


@with_reference("torch")
def test_gradient_equals_torch(program):
    args = program.args()
    _, gradient = value_and_gradient(program, compiled_once(program), args)
    assert_close(gradient, references.torch_gradient(program, args), program.tolerance)


@with_reference("gradient")
def test_gradient_equals_the_one_by_hand(program):
    args = program.args()
    _, gradient = value_and_gradient(program, compiled_once(program), args)
    assert_close(gradient, references.hand_gradient(program, args), program.tolerance)


@every_program
def test_second_call_comes_from_the_cache(program):
    """The account of what was compiled, with its times, stays as it was."""
    compiled = compiled_once(program)
    value_and_gradient(program, compiled, program.args())
    account = explain(compiled)
    value_and_gradient(program, compiled, program.args())
    assert explain(compiled) == account


@every_program
def test_arguments_are_left_as_they_are(program):
    """Buffers are reused inside; those of the caller never are, also not as results."""
    args, untouched = program.args(), program.args()
    compiled = compiled_once(program)
    first = value_and_gradient(program, compiled, args)
    copies = tree_map(np.array, tree_leaves(first))
    value_and_gradient(program, compiled, args)
    for leaf, before in zip(tree_leaves(args), tree_leaves(untouched), strict=True):
        np.testing.assert_array_equal(leaf, before)
    # A second call must not write into the results of the first.
    for leaf, before in zip(tree_leaves(first), copies, strict=True):
        np.testing.assert_array_equal(leaf, before)
