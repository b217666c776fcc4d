"""What works its way along an axis."""

import numpy as np
import pytest

from gradc import TypeRuleError, compile_grad, func

from .agreement import assert_agrees, table
from .test_reductions import SMALL, B, E, M, N, S, T, V, W, calls

RUNNING = [
    case
    for function in (np.cumsum, np.cumprod)
    for case in calls(
        function,
        (V, {}),
        (M, {}),
        (M, {"axis": 0}),
        (T, {"axis": -2}),
        (S, {}),
        (E, {"axis": 0}),
        (E, {"axis": 1}),
        (W, {}),
        (W, {"dtype": np.float64}),
        (N, {"axis": 1}),
        (SMALL, {}),
        (SMALL, {"dtype": np.int8, "axis": 0}),
        (B, {"axis": 1}),
        (B, {"dtype": bool, "axis": 1}),
        (np.array([2.0, 0.0, 3.0, 0.0, 5.0]), {}),
    )
]
ARRAY_API = [
    (lambda x, **o: np.cumulative_sum(x, **o), V, {"include_initial": True}),
    (lambda x, **o: np.cumulative_sum(x, **o), N, {"axis": -1, "include_initial": True}),
    (lambda x, **o: np.cumulative_prod(x, **o), M, {"axis": 0, "include_initial": True}),
    (lambda x, **o: np.cumulative_prod(x, **o), W, {"dtype": np.float64}),
]
EXTREMA = [
    (lambda x, u=ufunc, **o: u.accumulate(x, **o), array, options)
    for ufunc in (np.maximum, np.minimum, np.logaddexp, np.add, np.multiply)
    for array, options in [(V, {}), (T, {"axis": 1}), (T, {"axis": -1}), (W, {}), (E, {})]
]


@table(RUNNING + ARRAY_API + EXTREMA)
def test_agrees(function, args):
    array, options = args
    assert_agrees(lambda x: function(x, **options), array)


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum, np.add, np.multiply])
@pytest.mark.parametrize("array", [N, SMALL], ids=["int64", "int8"])
def test_accumulate_of_integers(ufunc, array):
    assert_agrees(ufunc.accumulate, array)


def test_methods():
    assert_agrees(lambda x: x.cumsum(axis=1), M)
    assert_agrees(lambda x: x.cumprod(0), M)


@pytest.mark.parametrize("zeros", [(), (1,), (0, 2), (0, 1, 2, 3)])
def test_second_derivative_of_a_cumulative_product_with_zeros(zeros):
    """Against JAX, which works them out another way."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = np.array([2.0, -1.5, 3.0, 0.5])
    x[list(zeros)] = 0.0
    weight = np.array([1.0, 2.0, -1.0, 0.5])

    def products(numpy):
        # The product itself, by ordinary multiplications.
        return lambda x: sum(weight[i] * numpy.prod(x[: i + 1]) for i in range(4))

    expected = jax.hessian(products(jax.numpy))(x)
    gradient = func.grad(lambda x: np.sum(weight * np.cumprod(x)))
    ours = [func.grad(lambda x, i=i: gradient(x)[i])(x) for i in range(4)]
    np.testing.assert_allclose(ours, expected, atol=1e-13)


def test_the_last_of_equal_extrema_gets_the_gradient():
    """As in PyTorch."""
    torch = pytest.importorskip("torch")
    start = np.array([1.0, 3.0, 3.0, 2.0, 3.0])
    weight = np.array([1.0, 10.0, 100.0, 1000.0, 10000.0])
    x = torch.tensor(start, requires_grad=True)
    (torch.cummax(x, 0).values * torch.tensor(weight)).sum().backward()
    found = compile_grad(lambda x: np.sum(weight * np.maximum.accumulate(x))).grad(start)
    np.testing.assert_array_equal(found, x.grad.numpy())


def test_logaddexp_does_not_overflow():
    assert_agrees(np.logaddexp.accumulate, np.array([800.0, -800.0, 801.0, 5.0]))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.cumsum(x, axis=2), "axis 2"),
        (lambda x: np.cumulative_sum(x), "axis"),
    ],
)
def test_what_numpy_refuses_is_refused(function, words):
    with pytest.raises(TypeRuleError, match=words):
        compile_grad(function)(M)
