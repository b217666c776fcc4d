"""Where the nest of a part is divided."""

import numpy as np
import pytest

from gradc import compile_grad

X = np.random.default_rng(2).normal(size=(6, 17))


@pytest.mark.parametrize("step", [-1, 2, -3])
def test_axes_may_run_backwards_or_skip(step):
    """What is read so is computed where it is read."""

    def function(x):
        return (x > 0.1)[::-1, ::step] * 0.5, np.flip(x * x + 1)[:, ::step] * x[:, ::step]

    native, reference = (compile_grad(function, backend=one) for one in ("llvm", "numpy"))
    for found, expected in zip(native(X), reference(X), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
