"""Functions made of primitives that are defined outside: operands as NumPy takes them."""

from collections.abc import Iterator

import numpy as np
import pytest

import gradc
from gradc import CaptureError, GradcError, TypeRuleError, extend, func

from ...own_primitives import inverse, own_registry, softclip, turned

X = np.array([0.5, -1.5, 2.0])
A = np.array([[2.0, 0.5], [-0.3, 1.5]])


@pytest.fixture(autouse=True)
def _own() -> Iterator[None]:
    with own_registry():
        yield


def clipped(x, width):
    """Return in NumPy what `softclip` computes."""
    return width * np.tanh(x / width)


def test_plain_operands_are_promoted_and_broadcast():
    """Lists, numbers, integers, float32; scalars for rank 0."""
    f = extend.function(softclip())
    np.testing.assert_array_equal(f(X, 2), clipped(X, 2.0))
    table = f(np.arange(3)[:, None], [1, 2])
    np.testing.assert_array_equal(table, clipped(np.arange(3.0)[:, None], np.array([1.0, 2.0])))
    assert f(X.astype(np.float32), 2.0).dtype == np.float32
    assert f(X.astype(np.float32), np.float64(2.0)).dtype == np.float64
    assert type(f(1.0, 2)) is np.float64
    assert f(np.array([True]), 2.0).dtype == np.float64
    assert f.__name__ == "own_softclip"


def test_captured_operands_are_too():
    """In a compiled function: the same values and dtypes, and the user's names and lines."""
    f = extend.function(softclip())

    @gradc.compile_grad(wrt=(0, 1))
    def loss(x, width):
        clip = f(x[:, None], [width, 2.0])
        return np.sum(clip * clip)

    value, (by_x, by_width) = loss.value_and_grad(X, 0.7)
    table = clipped(X[:, None], np.array([0.7, 2.0]))
    assert value == pytest.approx(np.sum(table**2), rel=1e-14)
    ratio = table / [0.7, 2.0]
    np.testing.assert_allclose(by_x, np.sum(2 * table * (1 - ratio**2), axis=1))
    assert by_x.shape == X.shape
    assert np.ndim(by_width) == 0
    text = loss.inspect(X, 0.7)
    assert text.count("def _own_softclip(x, width):") == 1
    assert "clip = _own_softclip(" in text
    assert "test_extension.py" in text
    singles = loss.value_and_grad(X.astype(np.float32), 0.7)
    assert singles[1][0].dtype == np.float32


def test_all_modes():
    """Reverse, forward, second order: all of one entry."""
    invert = extend.function(inverse())
    loss = lambda a: np.sum(invert(a) ** 2)  # noqa: E731
    inv = np.linalg.inv(A)
    gradient = -2 * inv.T @ inv @ inv.T
    np.testing.assert_allclose(func.grad(loss)(A), gradient)
    _, tangent = func.jvp(loss, (A,), (A,))
    assert tangent == pytest.approx(np.sum(gradient * A), rel=1e-12)
    step = 1e-5  # truncation and rounding of about 1e-10
    moved = [func.grad(loss)(A + sign * step * A) for sign in (1, -1)]
    (product,) = func.hvp(loss, (A,), (A,))
    np.testing.assert_allclose(product, (moved[0] - moved[1]) / (2 * step), rtol=1e-7)
    hessian = func.hessian(loss)(A)
    np.testing.assert_allclose(np.tensordot(hessian, A), product, rtol=1e-10)
    looped = lambda a: np.sum(gradc.fori_loop(0, 2, lambda i, b: invert(b) + a, a))  # noqa: E731
    unrolled = lambda a: np.sum(invert(invert(a) + a) + a)  # noqa: E731
    np.testing.assert_allclose(func.grad(looped)(A), func.grad(unrolled)(A))


def test_attrs_are_keywords():
    f = extend.function(turned())
    np.testing.assert_array_equal(f(X, factor=2.0), X[::-1] * 2.0)
    np.testing.assert_array_equal(func.grad(lambda x: np.sum(f(x, factor=2.0) * X))(X), X[::-1] * 2)
    with pytest.raises(CaptureError, match="own_turned with a keyword that depends"):
        func.grad(lambda x: np.sum(f(x, factor=x)))(X)


def test_operands_that_are_not_promoted():
    """Where operands may be of several dtypes, each keeps its own; or not, as is wished."""
    entry = extend.Primitive(
        "own_scaled",
        type=lambda x, n: x,
        derivative=extend.Linear(lambda ct, x, n: (extend.operations.own_scaled(ct, n), None)),
        numpy=extend.NumPy("({0} * {1}).astype({0}.dtype)"),
        dtypes="fi",
    )
    f = extend.function(entry)
    assert f(X.astype(np.float32), np.arange(3)).dtype == np.float32
    assert extend.function(entry, promote=True)(X.astype(np.float32), np.arange(3)).dtype == float
    np.testing.assert_array_equal(func.grad(lambda x: np.sum(f(x, np.arange(3))))(X), [0, 1, 2])


def test_wrong_operands():
    """The type rule speaks, with the user's line where there is a capture."""
    invert, f = extend.function(inverse()), extend.function(softclip())
    with pytest.raises(TypeRuleError, match="takes a square matrix"):
        invert(X)
    with pytest.raises(TypeRuleError, match=r"own_inverse: takes a square matrix[^$]*here"):
        func.grad(lambda x: np.sum(invert(x)))(X)  # here
    with pytest.raises(TypeError, match="own_softclip takes 2 operands, not 1"):
        f(X)
    with pytest.raises(TypeRuleError, match="own_softclip does not take complex128 arrays"):
        f(X * 1j, 1.0)
    with pytest.raises(GradcError, match="extend.function takes a primitive"):
        extend.function(np.sin)
    with pytest.raises(AttributeError, match="gradc has no primitive 'sine'"):
        extend.operations.sine  # noqa: B018
    assert "sin" in dir(extend.operations)
