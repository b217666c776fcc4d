"""What is asked of types and shapes is answered while capturing."""

import numpy as np
import pytest

from gradc import GradcError, compile_grad

from .agreement import assert_agrees, table

M = np.arange(6.0).reshape(2, 3)
W = np.array([2.0, 0.25, -1.0], np.float32)
N = np.array([[3, 1, 2], [0, 5, 4]])

CASES = [
    (lambda x, y: x.astype(np.result_type(x, y, np.float32)), W, N),
    (lambda x: x.astype(np.result_type(x, 2.0)), W),
    (lambda x, y: x * np.can_cast(x, y.dtype), W, M),
    (lambda x, y: x * np.can_cast(y, x.dtype, "same_kind"), W, M),
    (lambda x, y: x.astype(np.common_type(x, y)), W, N),
    (lambda x: x if np.isrealobj(x) and not np.iscomplexobj(x) else 0 * x, M),
    (lambda x: np.astype(x, np.float64), W),
    (lambda x: np.einsum("ij,kj->ik", x, x, optimize=np.einsum_path("ij,kj->ik", x, x)[0]), M),
]


@table(CASES)
def test_agrees(function, args):
    assert_agrees(function, *args)


def test_refused():
    with pytest.raises(GradcError, match="einsum_call"):
        compile_grad(lambda x: np.einsum_path("ij", x, einsum_call=True))(M)
