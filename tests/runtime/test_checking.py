"""`extend.check` finds each kind of mistake in an entry, and lets right ones pass."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gradc.compiler.primitive import REGISTRY

from gradc import GradcError, extend

from ..own_primitives import inverse, own_registry, softclip, turned


@pytest.fixture(autouse=True)
def _own() -> Iterator[None]:
    with own_registry():
        yield


@pytest.mark.parametrize("make", [softclip, inverse, turned])
def test_right_entries_pass(make: Any) -> None:
    extend.check(make(), seed=3)


# Some of gradc's own, of each kind of derivative. What of them differs would be a false alarm.
@pytest.mark.parametrize("name", ["exp", "add", "matmul", "cumprod", "sum", "cast", "greater"])
def test_entries_of_gradc_pass(name: str) -> None:
    extend.check(REGISTRY[name])


def squared_ct(ct: Any, out: Any, a: Any) -> Any:
    return (extend.operations.square(ct),)


MISTAKES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "wrong slope": (
        softclip,
        {"partials": lambda out, x, width: (1.0 - extend.operations.square(out / width), None)},
        r"the gradient by operand 1 \(against differences\) differs",
    ),
    "too many slopes": (
        softclip,
        {"partials": lambda out, x, width: (out, out * 0.0)},
        r"the gradient by operand 0 \(against differences\) differs",
    ),
    "wrong type": (
        inverse,
        {"type": lambda a: a.with_shape(a.shape[:1])},
        r"not what its type rule says",
    ),
    "wrong dtype": (
        inverse,
        {"numpy": extend.NumPy("np.linalg.inv({0}).astype(float)")},
        r"not what its type rule says",
    ),
    "not linear": (
        inverse,
        {"derivative": extend.Adjoint(squared_ct)},
        r"linear in the cotangent\) differs",
    ),
    "transpose": (
        turned,
        {"derivative": extend.Linear(lambda ct, x, factor: (ct * factor,))},
        r"the gradient by operand 0 \(against differences\) differs",
    ),
    "batch": (
        turned,
        {"batch": lambda primitive, operands, flags, attrs: primitive(*operands, **attrs)},
        r"a batch of operand 0 differs",
    ),
    "not the same in generated code": (
        turned,
        {"numpy": extend.NumPy(lambda types, attrs: f"np.flip({{0}}) * {next(NUMBERS)}")},
        r"generated code",
    ),
}
NUMBERS = iter(range(1, 1000))


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_found(name: str) -> None:
    make, changes, message = MISTAKES[name]
    with pytest.raises(GradcError, match=message) as caught:
        extend.check(make(**changes))
    assert "float" in str(caught.value)


def test_derivative_of_another_function_is_found_at_second_order() -> None:
    """A gradient that is right in value, whose own derivative is not."""

    def adjoint(ct: Any, out: Any, a: Any) -> Any:
        still = extend.operations.stop_gradient(extend.operations.transpose(out, axes=(1, 0)))
        return (-extend.operations.matmul(extend.operations.matmul(still, ct), still),)

    with pytest.raises(GradcError, match="own_inverse: the second derivative differs"):
        extend.check(inverse(derivative=extend.Adjoint(adjoint)))


def test_float64_in_a_rule_is_found() -> None:
    """A constant of float64 in a rule would make single precision slow, and its own no longer."""

    def partials(out: Any, x: Any) -> Any:
        double = extend.operations.cast(x, dtype=np.dtype(np.float64))
        return (extend.operations.cast(extend.operations.cos(double), dtype=x.dtype),)

    entry = extend.elementwise("own_sine", partials=partials, expression="np.sin({0})")
    with pytest.raises(GradcError, match="a rule makes float64 of float32"):
        extend.check(entry)


def test_there_must_be_something_to_try() -> None:
    entry = inverse(examples=())
    with pytest.raises(GradcError, match="nothing on which to try own_inverse"):
        extend.check(entry)
    extend.check(
        entry, examples=[extend.Example((np.eye(2) * 3.0 + 0.5,)), extend.Example(((2, 2),))]
    )
    with pytest.raises(GradcError, match="takes a primitive"):
        extend.check(np.sin)  # type: ignore[arg-type]


def test_integers_and_bools_are_tried() -> None:
    """Without derivative there are values and types of all dtypes to check."""
    entry = extend.Primitive(
        "own_is_odd",
        type=lambda x: x.with_dtype(np.dtype(bool)),
        derivative=extend.NoGradient(),
        numpy=extend.NumPy("{0} % 2 == 1"),
        elementwise=True,
        dtypes="i",
        domain=((0.0, 1.0),),
    )
    extend.check(entry)
    with own_registry():
        REGISTRY.pop("own_is_odd")
        wrong = extend.Primitive(
            "own_is_odd",
            type=lambda x: x,
            derivative=extend.NoGradient(),
            numpy=extend.NumPy("{0} % 2 == 1"),
            elementwise=True,
            dtypes="i",
            domain=((0.0, 1.0),),
        )
        with pytest.raises(GradcError, match="own_is_odd: what it computes is not"):
            extend.check(wrong)
