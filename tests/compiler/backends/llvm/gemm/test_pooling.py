"""Emitted pooling agrees with a search through each window."""

import ctypes
import itertools

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.gemm import (
    Pool,
    emit_pool,
    emit_pool_gradient,
    pool_workspace_bytes,
)

from .native import HOST, Fenced, exported, workspace

CASES = {
    "halves": Pool("float32", 4, (8, 6), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    "overlapping": Pool("float64", 3, (9, 20), (3, 3), (2, 1), ((1, 1), (1, 1)), (1, 1)),
    "dilated": Pool("float32", 2, (11, 40), (2, 3), (1, 2), ((0, 1), (1, 0)), (2, 3)),
    "line": Pool("float64", 5, (37,), (4,), (3,), ((2, 1),), (1,)),
    "volume": Pool("float64", 2, (5, 6, 7), (2, 3, 2), (2, 1, 2), ((1, 0), (1, 1), (0, 1)),
                   (1, 1, 1)),
    "no output": Pool("float64", 2, (2, 3), (3, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)),
}  # fmt: skip


def windows(pool):
    """Yield the place of each result and the places of its window's elements."""
    for place in itertools.product(*map(range, pool.out)):
        axes = [
            [i for i in (at * step + tap * gap - low for tap in range(taps)) if 0 <= i < extent]
            for at, step, taps, gap, (low, _), extent in zip(
                place, pool.stride, pool.window, pool.dilation, pool.padding, pool.size, strict=True
            )
        ]
        yield place, list(itertools.product(*axes))


def references(pool, x, slope):
    out, gradient = np.zeros((pool.planes, *pool.out)), np.zeros(x.shape)
    for plane in range(pool.planes):
        for place, found in windows(pool):
            values = [x[(plane, *one)] for one in found]
            if pool.kind == "max":
                best = int(np.argmax(values))  # the first NaN, or the first of the largest
                out[(plane, *place)] = values[best]
                gradient[(plane, *found[best])] += slope[(plane, *place)]
            else:
                count = np.prod(pool.window) if pool.counts_padding else len(found)
                out[(plane, *place)] = sum(values) / count
                for one in found:
                    gradient[(plane, *one)] += slope[(plane, *place)] / count
    return out, gradient


def run(pool, x, slope):
    """Return the result and the gradient, the planes done in two calls."""
    module = ir.Module()
    kinds = [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 2
    forward = ctypes.CFUNCTYPE(None, *kinds)(exported(module, emit_pool(module, pool), HOST))
    module = ir.Module()
    kinds = [ctypes.c_void_p] * 5 + [ctypes.c_int64] * 2
    address = exported(module, emit_pool_gradient(module, pool), HOST)
    backward = ctypes.CFUNCTYPE(None, *kinds)(address)
    given = [Fenced(one.nbytes, at_end=True).hold(one) for one in (x, slope)]
    blank = [np.full(one.shape, np.nan, pool.dtype) for one in (slope, x)]
    out, gradient = (Fenced(one.nbytes, at_end=True).hold(one) for one in blank)
    space = workspace(pool_workspace_bytes(pool))
    for start, stop in ((1, pool.planes), (0, 1)):
        forward(given[0].ctypes.data, out.ctypes.data, start, stop)
        arrays = (given[0], out, given[1], gradient, space)
        backward(*(one.ctypes.data for one in arrays), start, stop)
    return out, gradient


@pytest.mark.parametrize("how", ["max", "mean", "mean without padding"])
@pytest.mark.parametrize("case", CASES)
def test_result_and_gradient(case, how):
    """With many equal elements: the first maximum has the whole gradient."""
    fields = vars(CASES[case]) | {
        "kind": "max" if how == "max" else "mean",
        "counts_padding": how == "mean",
    }
    pool = Pool(**fields)
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, (pool.planes, *pool.size)).astype(pool.dtype)
    slope = rng.standard_normal((pool.planes, *pool.out)).astype(pool.dtype)
    # A dozen additions of numbers around 1 for each element.
    atol = 30 * np.finfo(pool.dtype).eps
    for found, expected in zip(run(pool, x, slope), references(pool, x, slope), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def test_maximum_of_nan_and_infinities():
    """NaN wins wherever it stands in a window; a window may hold nothing above -inf."""
    pool = CASES["overlapping"]
    x = np.random.default_rng(1).standard_normal((3, 9, 20))
    x[0, 4, 7], x[1, 2, 3] = np.nan, np.inf
    x[2] = -np.inf
    slope = np.ones((3, *pool.out))
    for found, expected in zip(run(pool, x, slope), references(pool, x, slope), strict=True):
        np.testing.assert_array_equal(found, expected)
