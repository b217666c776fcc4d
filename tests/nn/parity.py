"""Comparison of functions of networks with PyTorch's."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gradc import compile_grad, func
from gradc.nn import functional as F  # noqa: N812 - its name in every program of torch

BACKENDS = ("numpy", "llvm")
# The same sums in another order: a few hundred roundings of float64.
CLOSE = {"rtol": 1e-11, "atol": 1e-11}

every_backend = pytest.mark.parametrize("backend", BACKENDS)


def torch_functional() -> Any:
    return pytest.importorskip("torch.nn.functional")


def assert_parity(
    name: str,
    arrays: Sequence[Any],
    *others: Any,
    backends: Sequence[str] = BACKENDS,
    **options: Any,
) -> None:
    """Assert that a function is torch's: plain, compiled, its gradient, and the gradient of that.

    Args:
        name: Of the function.
        arrays: The operands to differentiate by, the first ones.
        *others: Operands behind them.
        backends: Those to try.
        **options: Its options.
    """
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(F, name), getattr(torch_functional(), name)
    rng = np.random.default_rng(9)
    tensors = [torch.tensor(one, requires_grad=True) for one in arrays]
    behind = [torch.tensor(one) if isinstance(one, np.ndarray) else one for one in others]
    given = {
        key: torch.tensor(one) if isinstance(one, np.ndarray) else one
        for key, one in options.items()
    }
    out = theirs(*tensors, *behind, **given)
    plain = ours(*arrays, *others, **options)
    assert np.shape(plain) == tuple(out.shape)
    assert plain.dtype == out.detach().numpy().dtype
    np.testing.assert_allclose(plain, out.detach(), **CLOSE)

    slopes = rng.normal(size=np.shape(plain))
    weights = [rng.normal(size=one.shape) for one in arrays]
    total = (torch.tensor(slopes) * out * out).sum()
    gradients = torch.autograd.grad(total, tensors, create_graph=True)
    pairs = zip(weights, gradients, strict=True)
    slope = sum((torch.tensor(weight) * one).sum() for weight, one in pairs)
    seconds = torch.autograd.grad(slope, tensors, allow_unused=True)

    def loss(operands: Any) -> Any:
        result = ours(*operands, *others, **options)
        return np.sum(slopes * result * result)

    def sloped(operands: Any) -> Any:
        found = func.grad(loss)(operands)
        return sum(np.sum(weight * one) for weight, one in zip(weights, found, strict=True))

    for backend in backends:
        value, found = compile_grad(loss, backend=backend).value_and_grad(tuple(arrays))
        np.testing.assert_allclose(value, total.item(), **CLOSE)
        for one, expected in zip(found, gradients, strict=True):
            np.testing.assert_allclose(one, expected.detach(), **CLOSE)
        for one, expected in zip(
            compile_grad(sloped, backend=backend).grad(tuple(arrays)), seconds, strict=True
        ):
            np.testing.assert_allclose(one, 0 if expected is None else expected, **CLOSE)


def draw(rng: np.random.Generator, *shape: int) -> Any:
    """Return numbers no two of which are near each other: no maximum is nearly a tie."""
    size = int(np.prod(shape))
    return ((rng.permutation(size) + 0.5) / max(size, 1) * 4 - 2).reshape(shape)
