"""The adjoint of every primitive, first and second order, against differences and itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.primitive import Adjoint, Linear, Scatter
from gradc.compiler.types import type_of

from .cases import (
    DIFFERENTIABLE,
    FAITHFUL,
    LAYOUTS,
    Case,
    Executor,
    every_executor,
    joint_of,
    laid_out,
    over,
    random_like,
    second_of,
)

# Fourth-order central differences in float64: with a step h the truncation is h^4/30 times the
# fifth derivative, which in the domains is at most 1e5 times the first; the rounding is 1e-16/h.
STEP = 5e-4
ROUGH = {"rtol": 2e-8, "atol": 1e-10}
# The same sums in another order: a few roundings.
EXACT = {"rtol": 1e-12, "atol": 1e-13}
# A rule in float32 beside the same rule in float64: roundings of 6e-8, some cancellation.
SINGLE = 2e-5


def slope(fn: Callable[[float], Any], step: float) -> Any:
    """Return the derivative of ``fn`` at 0 by central differences of fourth order."""
    near = (fn(step) - fn(-step)) / (2 * step)
    far = (fn(2 * step) - fn(-2 * step)) / (4 * step)
    return (4 * near - far) / 3


def moved(arrays: Any, position: int, by: Any) -> list[Any]:
    """Return the arrays with something added to one of them."""
    return [array + by if i == position else array for i, array in enumerate(arrays)]


def precision(case: Case, arrays: Any) -> tuple[float, dict[str, float]]:
    """Return the step and the tolerance of differences.

    A cast to float32 is linear, so a large step is exact but for its roundings.
    """
    result = case.primitive.evaluate(*arrays, **case.attrs)
    single = np.asarray(result).dtype == np.float32
    return (2.0**-4, {"rtol": 1e-5, "atol": 1e-5}) if single else (STEP, ROUGH)


@every_executor
@over(FAITHFUL)
def test_gradient_is_what_differences_give(case: Case, executor: Executor) -> None:
    """First order, element by element, for a random cotangent."""
    arrays = case.arrays()
    step, tolerance = precision(case, arrays)
    joint = joint_of(case.graph(), case.wanted())
    (ct,) = random_like(evaluate(case.graph(), *arrays))
    out, *gradients = executor(joint)(*arrays, ct)
    assert type_of(out) == joint.outputs[0].type
    for position, gradient in zip(case.wanted(), gradients, strict=True):
        expected = np.zeros(arrays[position].shape)
        for place in np.ndindex(expected.shape):
            unit = np.zeros(expected.shape)
            unit[place] = 1.0
            expected[place] = slope(
                lambda t, unit=unit, position=position: np.sum(
                    ct * case.primitive.evaluate(*moved(arrays, position, t * unit), **case.attrs)
                ),
                step,
            )
        assert type_of(gradient) == type_of(arrays[position])
        np.testing.assert_allclose(gradient, expected, **tolerance)


@over(FAITHFUL)
def test_transposed_adjoint_is_the_forward_mode(case: Case) -> None:
    """Dot-product test: <ct, J v> = <pull(ct), v>, where J v comes of transposing pull itself.

    J v must also be the slope of the primitive along v.
    """
    arrays = case.arrays()
    step, tolerance = precision(case, arrays)
    wanted = case.wanted()
    joint = joint_of(case.graph(), wanted)
    (ct,) = random_like(evaluate(case.graph(), *arrays))
    directions = random_like([arrays[i] for i in wanted], seed=2)
    gradients = evaluate(joint, *arrays, ct)[1:]
    pushed = evaluate(second_of(joint, wanted), *arrays, ct, *directions)[-1]
    there = sum(np.sum(g * v) for g, v in zip(gradients, directions, strict=True))
    scale = sum(np.sum(np.abs(g * v)) for g, v in zip(gradients, directions, strict=True))
    single = np.asarray(pushed).dtype == np.float32
    assert np.sum(ct * pushed) == pytest.approx(there, abs=(1e-5 if single else 1e-12) * scale)

    def along(t: float) -> Any:
        changed = list(arrays)
        for position, direction in zip(wanted, directions, strict=True):
            changed[position] = arrays[position] + t * direction
        return case.primitive.evaluate(*changed, **case.attrs)

    np.testing.assert_allclose(pushed, slope(along, step), **tolerance)


@every_executor
@over(FAITHFUL)
def test_second_order_is_what_differences_give(case: Case, executor: Executor) -> None:
    """The joint graph differentiated again: slopes of weight x gradient, operand by operand."""
    arrays = case.arrays()
    step, tolerance = precision(case, arrays)
    wanted = case.wanted()
    joint = joint_of(case.graph(), wanted)
    second = second_of(joint, wanted)
    (ct,) = random_like(evaluate(case.graph(), *arrays))
    weights = random_like([arrays[i] for i in wanted], seed=3)
    results = executor(second)(*arrays, ct, *weights)[len(joint.outputs) :]

    def weighted(*operands: Any) -> Any:
        gradients = evaluate(joint, *operands)[1:]
        return sum(np.sum(w * g) for w, g in zip(weights, gradients, strict=True))

    inputs = [*arrays, ct]
    for position, result in zip([*wanted, len(arrays)], results, strict=True):
        assert type_of(result) == type_of(inputs[position])
        (direction,) = random_like([inputs[position]], seed=4 + position)
        expected = slope(
            lambda t, position=position, direction=direction: weighted(
                *moved(inputs, position, t * direction)
            ),
            step,
        )
        scale = max(1.0, float(np.sum(np.abs(result))))
        np.testing.assert_allclose(
            np.sum(result * direction),
            expected,
            rtol=tolerance["rtol"],
            atol=tolerance["rtol"] * scale,
        )


@over(DIFFERENTIABLE)
def test_linear_in_the_cotangent(case: Case) -> None:
    """pull(a u + b v) = a pull(u) + b pull(v), and pull(0) = 0: what forward mode relies on."""
    arrays = case.arrays()
    joint = joint_of(case.graph(), case.wanted())
    outs = evaluate(case.graph(), *arrays)
    (first,), (other,) = random_like(outs), random_like(outs, seed=2)
    both = evaluate(joint, *arrays, 2 * first - 3 * other)[1:]
    apart = [evaluate(joint, *arrays, ct)[1:] for ct in (first, other)]
    single = first.dtype == np.float32
    for sum_, one, another in zip(both, *apart, strict=True):
        tolerance = {"rtol": 1e-5, "atol": 1e-5} if single else EXACT
        np.testing.assert_allclose(sum_, 2 * one - 3 * another, **tolerance)
    for gradient in evaluate(joint, *arrays, 0 * first)[1:]:
        assert not np.any(gradient)


@every_executor
@over(DIFFERENTIABLE)
def test_float32_stays_float32(case: Case, executor: Executor) -> None:
    """No number in a rule may lift it to float64, and both orders say the same as in float64."""
    singles, wanted = case.arrays(np.float32), case.wanted()
    doubles = [a.astype(np.float64) if i in wanted else a for i, a in enumerate(singles)]
    found = []
    for dtype, arrays in ((np.float32, singles), (np.float64, doubles)):
        second = second_of(joint_of(case.graph(dtype), wanted), wanted)
        (ct,) = random_like(evaluate(case.graph(dtype), *arrays))
        weights = random_like([arrays[i] for i in wanted], seed=3)
        found.append(executor(second)(*arrays, ct, *weights))
        dtypes = {node.out.dtype for node in second.nodes}
        assert dtype == np.float64 or np.float64 not in dtypes or case.primitive.name == "cast"
        assert [type_of(one) for one in found[-1]] == [one.type for one in second.outputs]
    for single, double in zip(*found, strict=True):
        scale = max(1.0, float(np.max(np.abs(double), initial=0.0)))
        np.testing.assert_allclose(single, double, rtol=SINGLE, atol=SINGLE * scale / 10)


@every_executor
@over(DIFFERENTIABLE)
def test_layout_does_not_change_the_gradient(case: Case, executor: Executor) -> None:
    """Strided, reversed, repeated and Fortran-ordered operands and cotangents."""
    joint = joint_of(case.graph(), case.wanted())
    run = executor(joint)
    for layout in LAYOUTS:
        arrays = case.arrays(layout=layout)
        (ct,) = random_like(evaluate(case.graph(), *arrays))
        ct = laid_out(ct, layout)
        plain = [laid_out(array, "contiguous") for array in (*arrays, ct)]
        results = zip(run(*arrays, ct), evaluate(joint, *plain), strict=True)
        for position, (result, expected) in enumerate(results):
            assert type_of(result) == joint.outputs[position].type
            np.testing.assert_allclose(result, expected, **EXACT)


@over(DIFFERENTIABLE)
def test_rule_computes_on_arrays(case: Case) -> None:
    """A rule builds graph on values and computes on arrays, and both say the same."""
    for dtype in (np.float32, np.float64):
        arrays = case.arrays(dtype)
        joint = joint_of(case.graph(dtype), case.wanted())
        out = evaluate(case.graph(dtype), *arrays)[0]
        (ct,) = random_like([out])
        pulled = _pull(case, ct, out, arrays)
        expected = dict(zip(case.wanted(), evaluate(joint, *arrays, ct)[1:], strict=True))
        for position, gradient in enumerate(pulled):
            if isinstance(gradient, Scatter):
                gradient = gradient.into(np.zeros_like(arrays[position]))
            if gradient is not None and position in expected:
                assert type_of(gradient) == type_of(arrays[position])
                np.testing.assert_allclose(gradient, expected[position], rtol=1e-6)


def _pull(case: Case, ct: Any, out: Any, arrays: Any) -> Any:
    derivative = case.primitive.derivative
    if isinstance(derivative, Linear):
        return derivative.transpose(ct, *arrays, **case.attrs)
    if isinstance(derivative, Adjoint):
        return derivative.rule(ct, out, *arrays, **case.attrs)
    partials = derivative.rule(out, *arrays)
    return [partial if partial is None else ct * partial for partial in partials]


def test_each_operand_is_excited() -> None:
    """A rule tried only where its gradient is 0 is not tried: every operand has one that is not.

    Excepted are operands that only say which of several constants holds, and where; and what takes
    the maxima of an image beside it, which are not drawn: the second derivatives of ``max_pool``
    try these, and tests/nn.
    """
    silent: dict[tuple[str, int], bool] = {}
    for case in DIFFERENTIABLE:
        arrays = case.arrays()
        joint = joint_of(case.graph(), case.wanted())
        (ct,) = random_like(evaluate(case.graph(), *arrays))
        gradients = evaluate(joint, *arrays, ct)[1:]
        for position, gradient in zip(case.wanted(), gradients, strict=True):
            key = (case.primitive.name, position)
            if np.size(gradient):
                silent[key] = silent.get(key, True) and not np.any(gradient)
    constant = [("copysign", 1), ("heaviside", 0), ("heaviside", 1), ("nextafter", 1)]
    drawn = [(name, i) for name in ("max_pool_gradient", "max_pool_choice") for i in range(3)]
    expected = {("with_value", 1), *constant, *drawn}
    assert {key for key, quiet in silent.items() if quiet} == expected
