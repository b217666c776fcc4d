"""Random programs with structured control flow, against themselves as straight code.

`GRADC_LOOP_EXAMPLES` says how many are drawn.
"""

import os

import hypothesis
import numpy as np
from hypothesis import HealthCheck, given, settings

from gradc import compile_grad
from gradc.func import grad

from .programs.unrolled import own, recorded, replayed
from .random_loops import PARAMETERS, load, loop_arguments, loop_programs

WANTED = tuple(PARAMETERS)

EXAMPLES = int(os.environ.get("GRADC_LOOP_EXAMPLES", "80"))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
many_programs = settings(max_examples=EXAMPLES, suppress_health_check=SLOW)
fewer_programs = settings(max_examples=max(20, EXAMPLES // 4), suppress_health_check=SLOW)


def derivatives(program, args, seed, backend=None):
    """Return the value, the gradient, and the gradient of its slope along a direction."""
    options = {"wrt": WANTED, "backend": backend}
    rng = np.random.default_rng(seed)
    direction = [rng.normal(size=shape) for shape in PARAMETERS.values()]

    def slope(a, b, m, w, s, n, flag):
        gradient = grad(program, wrt=WANTED)(a, b, m, w, s, n, flag)
        return sum(np.sum(g * way) for g, way in zip(gradient, direction, strict=True))

    value, gradient = compile_grad(program, **options).value_and_grad(*args)
    return value, gradient, compile_grad(slope, **options).grad(*args)


def check(source, seed):
    """Compare values with plain NumPy, and derivatives with those of the straight code."""
    hypothesis.note(f"\n{source}\nprogram(*loop_arguments({seed}))")
    program, args = load(source), loop_arguments(seed)
    plain = recorded(program)[0](*own(args))
    np.testing.assert_allclose(program(*args), plain, rtol=1e-12, atol=1e-12)
    actual = derivatives(program, args, seed)
    np.testing.assert_allclose(actual[0], plain, rtol=1e-10, atol=1e-10)
    assert_alike(actual, derivatives(replayed(program, args), args, seed))


def assert_alike(actual, expected):
    """Sums may be reordered: some roundings, which later trips magnify."""
    for got, wanted in zip(actual[1:], expected[1:], strict=True):
        scale = 1e-9 * (1 + max(float(np.max(np.abs(one))) for one in wanted))
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=scale)


@many_programs
@given(loop_programs())
def test_random_loops(drawn):
    check(*drawn)


@fewer_programs
@given(loop_programs())
def test_random_loops_as_native_code(drawn):
    """Native code of loops, against the generated NumPy code, which the others vouch for."""
    source, seed = drawn
    hypothesis.note(f"\n{source}\nprogram(*loop_arguments({seed}))")
    program, args = load(source), loop_arguments(seed)
    actual, expected = (derivatives(program, args, seed, one) for one in ("llvm", "numpy"))
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-10, atol=1e-10)
    assert_alike(actual, expected)
