"""Random programs: whatever NumPy computes, the compiled program computes, with its gradient."""

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from gradc import compile_grad

from .random_programs import PARAMETERS, arguments, load, programs

# Programs are slow to draw by the standards of Hypothesis, and each one is compiled.
many_programs = settings(
    max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def slope_and_doubt(fn, args, direction):
    """Return the slope along a direction, and how far it can be trusted.

    Central differences at three steps; the finer two are extrapolated to a fourth-order slope. Its
    error is estimated by how much the coarser extrapolation differs, plus the rounding.
    """

    def difference(step):
        def value(signed):
            moved = [arg + signed * way for arg, way in zip(args, direction, strict=True)]
            return float(fn(*moved))

        return (value(step) - value(-step)) / (2 * step)

    step = 1e-4
    coarse, middle, fine = difference(4 * step), difference(2 * step), difference(step)
    slope = (4 * fine - middle) / 3
    rounding = 1e-14 * (1 + abs(float(fn(*args)))) / step
    return slope, abs(slope - (4 * middle - coarse) / 3) + rounding


def check(source, seed):
    """Compare the compiled program with plain NumPy, and its gradient with differences."""
    hypothesis.note(f"\n{source}\nprogram(*arguments({seed}).values())")
    program, args = load(source), list(arguments(seed).values())
    value, gradient = compile_grad(program, wrt=tuple(PARAMETERS)).value_and_grad(*args)
    # Sums may be reordered: some roundings, which later steps of a program magnify.
    assert value == pytest.approx(float(program(*args)), rel=1e-10, abs=1e-10)

    rng = np.random.default_rng(seed + 1)
    direction = [rng.normal(size=arg.shape) for arg in args]
    terms = [float(np.sum(g * way)) for g, way in zip(gradient, direction, strict=True)]
    slope, doubt = slope_and_doubt(program, args, direction)
    scale = sum(abs(term) for term in terms) + 1
    # A program so steep that differences say nothing shows nothing.
    hypothesis.assume(doubt < 1e-3 * scale)
    assert abs(sum(terms) - slope) <= 10 * doubt + 1e-8 * scale


@many_programs
@given(programs(1, 6))
def test_short_programs(drawn):
    """What fails here fails readably."""
    check(*drawn)


@many_programs
@given(programs(30, 45))
def test_deep_programs(drawn):
    """Values live long, are used many times, and buffers are used again."""
    check(*drawn)
