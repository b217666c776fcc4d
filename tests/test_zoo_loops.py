"""Every program with structured control flow: values, derivatives, and what becomes of its loops.

The strongest oracle is the program itself with its loops run by Python while it is captured: the
same operations as straight code, whose derivatives of any order the rest of the zoo vouches for.
Plain NumPy, JAX and central differences stand beside it, as independent of the compiler.
"""

import re

import numpy as np
import pytest

import gradc
from gradc import compile_grad, explain

from . import references
from .loop_references import (
    compiled_once,
    jax_gradient,
    second_derivative,
    slope_along,
    unrolled_once,
    with_options,
    with_trips,
)
from .programs import (  # noqa: F401
    branches,
    carries,
    integrators,
    loop_effects,
    recurrences,
    series,
    solvers,
    stencils,
)
from .programs.effects import RECORDED
from .programs.structured import LOOP_PROGRAMS
from .programs.unrolled import replayed
from .references import tree_leaves, tree_map, wanted_leaves, with_wanted
from .test_zoo import assert_close, assert_same_values, value_and_gradient
from .test_zoo_layouts import LAYOUTS, in_single, laid_out

every_program = pytest.mark.parametrize("program", LOOP_PROGRAMS, ids=repr)


def those(kind):
    """Parametrize over the programs of which this holds."""
    chosen = [program for program in LOOP_PROGRAMS if kind(program)]
    return pytest.mark.parametrize("program", chosen, ids=repr)


@every_program
def test_value_equals_plain_loops(program):
    """Compiled, and run by Python on plain arrays as any function."""
    expected = program.plain(*program.args())
    # Other forms of the same sums stand in some references: some hundred roundings more.
    for outputs in (program.fn(*program.args()), compiled_once(program)(*program.args())):
        leaves, wanted = tree_leaves(outputs), tree_leaves(expected)
        assert [np.asarray(one).dtype for one in leaves] == [np.asarray(w).dtype for w in wanted]
        assert_close(leaves, wanted, 1e-10)
    assert_same_values(
        value_and_gradient(program, compiled_once(program), program.args())[0],
        program.fn(*program.args()),
    )


@every_program
def test_gradient_equals_that_of_straight_code(program):
    """Both sum the same terms, perhaps in another order."""
    args, straight = program.args(), unrolled_once(program)
    _, gradient = value_and_gradient(program, compiled_once(program), args)
    _, expected = value_and_gradient(straight, compiled_once(straight), args)
    assert_close(gradient, expected, max(1e-3 * program.tolerance, 1e-12))
    dtypes = [np.asarray(leaf).dtype for leaf in gradient]
    assert dtypes == [np.asarray(leaf).dtype for leaf in wanted_leaves(program, args)]


@those(lambda program: program.smooth)
def test_gradient_equals_finite_differences(program):
    args = program.args()
    weights = references.output_weights(program, args)
    _, gradient = value_and_gradient(program, compiled_once(program), args)
    rng = np.random.default_rng(11)
    for _ in range(2):
        direction = [rng.normal(size=np.shape(leaf)) for leaf in wanted_leaves(program, args)]
        slope = references.directional_slope(program, args, direction, weights)
        terms = [np.multiply(g, way) for g, way in zip(gradient, direction, strict=True)]
        # Fourth-order differences themselves are good to about 1e-9 of the terms that they sum.
        scale = sum(float(np.sum(np.abs(term))) for term in terms)
        error = abs(sum(float(np.sum(term)) for term in terms) - slope)
        assert error <= max(program.tolerance, 1e-7) * scale + 1e-9


@those(lambda program: program.jax)
def test_gradient_equals_jax(program):
    args = program.args()
    _, gradient = value_and_gradient(program, compiled_once(program), args)
    assert_close(gradient, jax_gradient(program, args), program.tolerance)


@those(lambda program: program.twice)
def test_second_derivative_equals_that_of_straight_code(program):
    args = program.args()
    actual = second_derivative(program, args, seed=3)
    expected = second_derivative(unrolled_once(program), args, seed=3)
    assert_close(actual, expected, max(1e-2 * program.tolerance, 1e-11))


@those(lambda program: program.twice and program.smooth)
def test_second_derivative_equals_differences_of_the_first(program):
    args = program.args()
    slope = compile_grad(slope_along(program, args, seed=3), wrt=0)
    rng = np.random.default_rng(5)
    start = wanted_leaves(program, args)
    direction = [rng.normal(size=np.shape(leaf)) for leaf in start]

    def at(step):
        moved = [leaf + step * way for leaf, way in zip(start, direction, strict=True)]
        return float(slope(*with_wanted(program, args, moved)))

    near, far = (at(1e-4) - at(-1e-4)) / 2e-4, (at(2e-4) - at(-2e-4)) / 4e-4
    second = second_derivative(program, args, seed=3)
    terms = [np.multiply(g, way) for g, way in zip(second, direction, strict=True)]
    scale = sum(float(np.sum(np.abs(term))) for term in terms) + 1
    error = abs(sum(float(np.sum(term)) for term in terms) - (4 * near - far) / 3)
    assert error <= 1e-6 * scale


@every_program
def test_pullback_can_be_called_again(program):
    """With other cotangents, and again with the first: what was saved is not used up."""
    args = program.args()
    outputs, pullback = compiled_once(program).vjp(*args)[:2]
    rng = np.random.default_rng(17)

    def drawn():
        return tree_map(
            lambda leaf: np.asarray(rng.normal(size=np.shape(leaf)), leaf.dtype)[()], outputs
        )

    one, other = drawn(), drawn()
    first, second = tree_leaves(pullback(one)), tree_leaves(pullback(other))
    for again, before in zip(tree_leaves(pullback(one)), first, strict=True):
        np.testing.assert_array_equal(again, before)
    straight = unrolled_once(program)
    _, pullback = compiled_once(straight).vjp(*args)[:2]
    for ct, actual in ((one, first), (other, second)):
        expected = tree_leaves(pullback(ct))
        assert_close(actual, expected, max(1e-3 * program.tolerance, 1e-12))


COUNTED = [
    pytest.param(program, steps, id=f"{program}-{steps}")
    for program in LOOP_PROGRAMS
    if program.has_steps
    for steps in program.counts
]


@pytest.mark.parametrize("static", [True, False], ids=["static", "traced"])
@pytest.mark.parametrize(("program", "steps"), COUNTED)
def test_other_trip_counts(program, steps, static):
    """No trip, one, some: with the count known to the compiler, and as an argument."""
    counted = with_trips(program, program.args(), steps, static)
    args = counted.args()
    outputs, gradient = value_and_gradient(
        counted, compile_grad(counted.fn, **counted.options), args
    )
    assert_close(tree_leaves(outputs), tree_leaves(program.plain(*args)), 1e-10)
    known = with_trips(program, program.args(), steps)
    straight = replayed(known.fn, known.args())
    _, expected = value_and_gradient(known, compile_grad(straight, **known.options), known.args())
    assert_close(gradient, expected, max(1e-3 * program.tolerance, 1e-12))


@pytest.mark.parametrize(
    "options",
    [{"checkpoint": "sqrt"}, {"every": 1}, {"every": 3}, {"memory": "4KB"}],
    ids=repr,
)
@every_program
def test_checkpoints_change_no_gradient(program, options):
    """What is computed once more is the same: values equal, gradients but for roundings."""
    args, kept = program.args(), with_options(program, **options)
    compiled = compile_grad(kept.fn, **kept.options)
    if "memory" in options and not program.known:
        with pytest.raises(gradc.GradcError, match="number of iterations is known"):
            value_and_gradient(program, compiled, args)
        return
    outputs, gradient = value_and_gradient(program, compiled, args)
    expected, wanted = value_and_gradient(program, compiled_once(program), args)
    assert_same_values(outputs, expected)
    assert_close(gradient, wanted, 1e-13)


def without_numbers(text):
    """Return a text without numbers, line ends, and `del`, which large arrays get."""
    text = re.sub(r"(?m)^ *del .*$", "", text)
    return re.sub(r"[\d\s_.]+", " ", text)


@pytest.mark.parametrize("what", ["numpy", "pullback"])
@those(lambda program: program.has_steps)
def test_code_does_not_grow_with_the_trips(program, what):
    texts = []
    for steps in (10, 1000):
        counted = with_trips(program, program.args(), steps)
        text = compile_grad(counted.fn, **counted.options).inspect(*counted.args(), what=what)
        texts.append(without_numbers(text))
    assert texts[0] == texts[1]


@those(lambda program: program.single)
def test_single_precision(program):
    args = tree_map(in_single, program.args())
    compiled = compiled_once(program)
    outputs, gradient = value_and_gradient(program, compiled, args)
    outputs, expected = tree_leaves(outputs), tree_leaves(program.fn(*args))
    assert [np.asarray(one).dtype for one in outputs] == [np.asarray(e).dtype for e in expected]
    assert_close(outputs, expected, program.single)
    dtypes = [np.asarray(g).dtype for g in gradient]
    assert dtypes == [np.asarray(w).dtype for w in wanted_leaves(program, args)]
    if program.scalar and program.smooth:
        exact = value_and_gradient(program, compiled, references.in_double(args))[1]
        assert_close(gradient, exact, program.single)


@pytest.mark.parametrize("layout", LAYOUTS)
@every_program
def test_any_layout_of_the_arguments_serves(program, layout):
    args = program.args()
    other = laid_out(args, layout)
    compiled = compiled_once(program)
    expected, gradient = value_and_gradient(program, compiled, args)
    outputs, other_gradient = value_and_gradient(program, compiled, other)
    assert_close(tree_leaves(outputs), tree_leaves(expected), 1e-12)
    # BLAS may sum strided operands in another order.
    assert_close(other_gradient, gradient, max(1e-3 * program.tolerance, 1e-12))
    for leaf, untouched in zip(tree_leaves(other), tree_leaves(args), strict=True):
        np.testing.assert_array_equal(leaf, untouched)


@every_program
def test_arguments_and_results_are_left_as_they_are(program):
    """Loops store into copies; a second call stores into no result of the first."""
    args, untouched = program.args(), program.args()
    compiled = compiled_once(program)
    first = value_and_gradient(program, compiled, args)
    copies = tree_map(np.array, tree_leaves(first))
    account = explain(compiled)
    program.fn(*args)
    value_and_gradient(program, compiled, args)
    assert explain(compiled) == account
    for leaf, before in zip(tree_leaves(args), tree_leaves(untouched), strict=True):
        np.testing.assert_array_equal(leaf, before)
    for leaf, before in zip(tree_leaves(first), copies, strict=True):
        np.testing.assert_array_equal(leaf, before)


@those(lambda program: program.family == "loop_effects")
def test_callbacks_run_as_in_straight_code(program):
    """As often, in the same order, with the same values; hooks from the last trip to the first."""
    seen = []
    for one in (program, unrolled_once(program)):
        compiled = compiled_once(one)
        value_and_gradient(program, compiled, program.args())
        RECORDED.clear()
        value_and_gradient(program, compiled, program.args())
        seen.append(list(RECORDED))
    actual, expected = seen
    assert [label for label, _ in actual] == [label for label, _ in expected]
    for (_, got), (_, wanted) in zip(actual, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)


def test_scan_over_no_rows():
    """The shapes of what is stacked come from the body; the carry comes back."""

    @compile_grad(wrt=("start", "rows"))
    def f(start, rows):
        return gradc.scan(lambda c, row: (c + np.sum(row), row * c), start, rows)

    outputs, pullback = f.vjp(np.array(2.0), np.zeros((0, 3)))
    assert outputs[0] == 2.0
    assert outputs[1].shape == (0, 3)
    start, rows = pullback((1.5, np.zeros((0, 3))))
    assert start == 1.5
    assert rows.shape == (0, 3)
