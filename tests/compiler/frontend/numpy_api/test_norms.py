"""Norms."""

import numpy as np
import pytest

from gradc import CaptureError, TypeRuleError, compile_grad

from .agreement import assert_agrees, table
from .test_reductions import B, M, N, S, T, V, W

inf = np.inf
ORDERS = (None, inf, -inf, 0, 1, -1, 2, -2, 3, 2.5, 0.5, -0.5)
CASES = [
    *((np.linalg.norm, V, order) for order in ORDERS),
    *((lambda x, o=order: np.linalg.norm(x, o, 1), T) for order in ORDERS),
    *((lambda x, o=order: np.linalg.norm(x, o, 0, True), M) for order in ORDERS),
    *((np.linalg.norm, T[0], order) for order in ("fro", 1, -1, inf, -inf)),
    *((lambda x, o=o: np.linalg.norm(x, o, (2, 0)), T) for o in (None, "fro", 1, -1, inf, -inf)),
    *((lambda x, o=o: np.linalg.norm(x, o, (0, -1), True), T) for o in ("fro", 1, inf)),
    (np.linalg.norm, M),
    (np.linalg.norm, T),
    (np.linalg.norm, S),
    (np.linalg.norm, W),
    (np.linalg.norm, W, 3),
    (np.linalg.norm, W, 0.5),
    (np.linalg.norm, N),
    (np.linalg.norm, B),
    (lambda x: np.linalg.norm(x, keepdims=True), T),
    (np.linalg.norm, np.zeros(0)),
    (np.linalg.norm, np.zeros(0), inf),
    (np.linalg.vector_norm, T),
    *((lambda x, o=o: np.linalg.vector_norm(x, axis=(0, 2), ord=o), T) for o in (0, 1, 2, 3, inf)),
    (lambda x: np.linalg.vector_norm(x, axis=-1, keepdims=True), M),
    *((lambda x, o=o: np.linalg.matrix_norm(x, ord=o), T) for o in ("fro", 1, inf)),
    (lambda x: np.linalg.matrix_norm(x, keepdims=True), T),
]


@table(CASES)
def test_agrees(function, args):
    assert_agrees(function, *args)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 0.5, inf])
def test_at_zero_the_gradient_is_zero(order):
    gradient = compile_grad(lambda x: np.linalg.norm(x, order)).grad
    np.testing.assert_array_equal(gradient(np.zeros(3)), np.zeros(3))


@pytest.mark.parametrize("order", [1, 2, 3, 1.5, 0.5, inf])
def test_gradient_beside_a_zero_is_that_of_torch(order):
    torch = pytest.importorskip("torch")
    x = torch.tensor([0.0, -3.0, 4.0], dtype=torch.float64, requires_grad=True)
    torch.linalg.vector_norm(x, order).backward()
    gradient = compile_grad(lambda x: np.linalg.norm(x, order)).grad
    np.testing.assert_allclose(gradient(x.detach().numpy()), x.grad.numpy(), rtol=1e-13)


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_singular_values_are_refused(order):
    with pytest.raises(CaptureError, match="singular values"):
        compile_grad(lambda x: np.linalg.norm(x, order))(M)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.linalg.norm(x, 1), "Improper number"),
        (lambda x: np.linalg.norm(x, "fro", 0), "for vectors"),
        (lambda x: np.linalg.norm(x, 3, (0, 1)), "for matrices"),
        (lambda x: np.linalg.norm(x, axis=(0, 0)), "Duplicate"),
    ],
)
def test_what_numpy_refuses_is_refused(function, words):
    with pytest.raises(TypeRuleError, match=words):
        compile_grad(function)(T)
