"""Random programs: forward and reverse mode are transposes, and Hessian products symmetric."""

import hypothesis
import numpy as np
from hypothesis import HealthCheck, given, settings

from gradc import compile_grad

from .random_programs import PARAMETERS, arguments, load, programs

many_programs = settings(
    max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def inner(some, others):
    """Return the inner product of two lists of arrays, and the sum of its absolute terms."""
    terms = [np.multiply(a, b) for a, b in zip(some, others, strict=True)]
    return sum(float(np.sum(t)) for t in terms), sum(float(np.sum(np.abs(t))) for t in terms)


def check(source, seed):
    """<g, v> = J v; linearize says the same; <u, H v> = <v, H u>."""
    hypothesis.note(f"\n{source}\nprogram(*arguments({seed}).values())")
    args = tuple(arguments(seed).values())
    compiled = compile_grad(load(source), wrt=tuple(PARAMETERS))
    rng = np.random.default_rng(seed + 1)
    first, other = (tuple(rng.normal(size=arg.shape) for arg in args) for _ in range(2))
    value, gradient = compiled.value_and_grad(*args)
    again, tangent = compiled.jvp(args, first)
    # Sums in another order: some roundings, which later steps of a program magnify.
    np.testing.assert_allclose(again, value, rtol=1e-10, atol=1e-10)
    expected, scale = inner(gradient, first)
    hypothesis.assume(np.isfinite(scale) and scale < 1e12)
    assert abs(float(tangent) - expected) <= 1e-8 * (scale + 1)
    assert abs(float(compiled.linearize(*args)[1](first)) - expected) <= 1e-8 * (scale + 1)
    left, one = inner(other, compiled.hvp(args, first))
    right, two = inner(first, compiled.hvp(args, other))
    assert not abs(left - right) > 1e-7 * (one + two + 1)


@many_programs
@given(programs(1, 6))
def test_short_programs(drawn):
    """What fails here fails readably."""
    check(*drawn)


@settings(many_programs, max_examples=8)
@given(programs(20, 30))
def test_deep_programs(drawn):
    """Values live long, are used many times, and buffers are used again."""
    check(*drawn)
