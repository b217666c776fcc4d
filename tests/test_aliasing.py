"""Views, stores and reads in any order: the compiled program leaves what NumPy leaves.

Random programs of many steps run in plain NumPy and compiled, on arrays of every layout. Compared
are all arrays of the program, the memory of its arguments and of the globals that it changes, and
the gradients with central differences.
"""

import os

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

from gradc import CaptureError, compile_grad
from gradc.func import grad

from .aliasing_operations import OPERATIONS
from .aliasing_programs import REFUSED_AS_AMBIGUOUS, WANTED, inputs, load, programs
from .test_random_programs import slope_and_doubt

# More programs, for a nightly run: GRADC_ALIASING_EXAMPLES=2000 pytest tests/test_aliasing.py
MANY = int(os.environ.get("GRADC_ALIASING_EXAMPLES", "0"))
ALLOWED_REFUSALS = 0.2  # of all programs: those where NumPy's reshape may be a view or a copy

# Programs are slow to draw by the standards of Hypothesis, and each one is compiled.
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def examples(usual, shrinks=False):
    """So many programs. Long ones take minutes to shrink: that is left to nightly runs."""
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if shrinks or MANY else [])]
    return settings(max_examples=MANY or usual, suppress_health_check=SLOW, phases=phases)


def run_plainly(source, given_inputs):
    """Run a program in NumPy: its number, its arrays, and all memory afterwards."""
    with np.errstate(all="ignore"):
        total, arrays = load(source, given_inputs.outside)(*given_inputs.arguments.values())
    return total, arrays, given_inputs.memory


def assert_same(ours, expected, exact):
    assert len(ours) == len(expected)
    for one, other in zip(ours, expected, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        if exact or one.dtype.kind != "f":
            np.testing.assert_array_equal(one, other)
        else:  # sums may be reordered, which later steps magnify
            rounding = 1e5 * np.finfo(one.dtype).eps
            np.testing.assert_allclose(one, other, rtol=rounding, atol=rounding)


def check_values(source, seed, exact):
    """Compare the compiled program with NumPy: at its own inputs, then at others."""
    hypothesis.note(f"\n{source}\nprogram(*inputs({seed}).arguments.values())")
    first = inputs(seed)
    program = load(source, first.outside)
    compiled = compile_grad(program, wrt=WANTED, has_aux=True)
    (_, arrays), gradient = compiled.value_and_grad(*first.arguments.values())
    _, expected, memory = run_plainly(source, inputs(seed))
    assert_same(arrays, expected, exact)
    assert_same(first.memory, memory, exact)
    again, others = inputs(seed + 1), inputs(seed + 1)
    program.__globals__.update(again.outside)
    _, expected, memory = run_plainly(source, others)
    _, arrays = compiled(*again.arguments.values())
    assert_same(arrays, expected, exact)
    assert_same(again.memory, memory, exact)
    return gradient


def inputs_at(seed, wanted):
    """Return inputs with other numbers in the same memory layouts."""
    fresh = inputs(seed)
    for name, value in zip(WANTED, wanted, strict=True):
        fresh.arguments[name][...] = value
    return fresh


def check_gradient(source, seed, gradient):
    """Compare a gradient with central differences of plain NumPy, all of it in float64."""
    rng = np.random.default_rng(seed)
    arguments = inputs(seed).arguments
    direction = [rng.normal(size=arguments[name].shape) for name in WANTED]

    def moved(*wanted):
        fresh = inputs_at(seed, wanted)
        fresh.arguments["f"] = fresh.arguments["f"].astype(float)
        return run_plainly(source.replace("np.float32", "float"), fresh)[0]

    terms = [float(np.sum(g * way)) for g, way in zip(gradient, direction, strict=True)]
    for name, part in zip(WANTED, gradient, strict=True):
        assert part.shape == arguments[name].shape
    slope, doubt = slope_and_doubt(moved, [arguments[name] for name in WANTED], direction)
    scale = sum(abs(term) for term in terms) + 1
    # A program so steep that differences say nothing, or that meets a jump, shows nothing.
    hypothesis.assume(doubt < 1e-3 * scale)
    assert abs(sum(terms) - slope) <= 10 * doubt + 1e-5 * scale  # 1e-5: some of it is float32


def not_refused(source, run, *args):
    """Run a program, but for one that stores while a reshape of unknown layout is alive."""
    try:
        return run(*args)
    except CaptureError as error:
        if REFUSED_AS_AMBIGUOUS not in str(error):
            raise
        assert "reshape(" in source or "ravel(" in source
        hypothesis.event("refused as ambiguous")
        return None


def check_second_derivative(source, seed):
    """Compare the derivative of the compiled slope along a direction with differences of it."""
    hypothesis.note(f"\n{source}\nprogram(*inputs({seed}).arguments.values())")
    given_inputs = inputs(seed)
    compiled = compile_grad(load(source, given_inputs.outside), wrt=WANTED, has_aux=True)
    *wanted, single, whole = given_inputs.arguments.values()
    rng = np.random.default_rng(seed)
    first, second = ([rng.normal(size=one.shape) for one in wanted] for _ in range(2))

    def slope(*wanted):
        gradient, _ = compiled.grad(*wanted, single, whole)
        return sum(np.sum(g * way) for g, way in zip(gradient, first, strict=True))

    parts = not_refused(source, grad(slope, wrt="wanted"), *wanted)
    if parts is None:
        return

    def moved(*wanted):
        return slope(*[inputs_at(seed, wanted).arguments[name] for name in WANTED])

    terms = [float(np.sum(g * way)) for g, way in zip(parts, second, strict=True)]
    expected, doubt = slope_and_doubt(moved, wanted, second)
    scale = sum(abs(term) for term in terms) + 1
    hypothesis.assume(doubt < 1e-3 * scale)
    assert abs(sum(terms) - expected) <= 10 * doubt + 1e-5 * scale


def check_program(source, seed, exact):
    """Return whether it was refused."""
    gradient = not_refused(source, check_values, source, seed, exact)
    if gradient is not None:
        check_gradient(source, seed, gradient)
    return gradient is None


@examples(60, shrinks=True)
@given(programs(OPERATIONS, 1, 5))
def test_short_programs(drawn):
    """What fails here fails readably."""
    check_program(*drawn, exact=True)


def test_exact_programs():
    """Bit by bit: only exact operations. Few programs are refused."""
    refusals = []

    @examples(60)
    @given(programs(OPERATIONS, 20, 40))
    def run(drawn):
        refusals.append(check_program(*drawn, exact=True))

    run()
    assert sum(refusals) <= ALLOWED_REFUSALS * len(refusals)


@examples(60)
@given(programs(OPERATIONS, 20, 40, exact=False))
def test_smooth_programs(drawn):
    """Gradients of stores that multiply what they store."""
    check_program(*drawn, exact=False)


@examples(30)
@given(programs(OPERATIONS, 8, 20, exact=False, keeps_inputs=True))
def test_second_derivatives(drawn):
    """The programs leave their inputs as they are, so that they may be run at them again."""
    check_second_derivative(*drawn)
