"""Products in chunks give the same bits whoever computes which chunk."""

import ctypes
import threading

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.gemm import Gemm, emit_task

from .native import HOST, bound, difference, exported, strides, workspace
from .test_product import bias_and_ramp, laid_out, matrices

SHAPES = [(600, 1100, 90), (700, 10, 200), (4, 5000, 300), (1, 2000, 300), (3000, 1, 200),
          (30, 20, 10), (300, 70, 0)]  # fmt: skip


def compiled_task(spec):
    module = ir.Module()
    task = emit_task(module, spec, HOST)
    address = exported(module, task.function, HOST)
    return task, ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address)


def run(task, function, arrays, workers, bias=None):
    """Compute all chunks, each thread those that it gets."""
    space = workspace(max(64, workers * task.worker_bytes))
    given = 0 if bias is None else bias.ctypes.data
    addresses = [array.ctypes.data for array in (*arrays, space)]
    context = np.array([*addresses, given, 2**workers - 1], np.int64)
    chunks = iter(np.random.default_rng(workers).permutation(task.chunks).tolist())
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                chunk = next(chunks, None)
            if chunk is None:
                return
            function(context.ctypes.data, chunk)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert context[5] == 2**workers - 1  # every workspace was given back


@pytest.mark.parametrize("layouts", [("rows", "rows"), ("columns", "rows"), ("rows", "columns")])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_same_bits_for_any_number_of_threads(shape, layouts):
    a, b, c = matrices(shape, "float32")
    a, b = laid_out(a, layouts[0]), laid_out(b, layouts[1])
    spec = Gemm("float32", *shape, strides(a), strides(b), strides(c))
    task, function = compiled_task(spec)
    results = []
    for workers in (1, 2, 3):
        out = laid_out(np.full_like(c, np.nan), "rows")
        run(task, function, (a, b, out), workers)
        results.append(out)
    assert (difference(results[0], a, b) <= bound(a, b)).all()
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_large_products_have_chunks():
    """Otherwise the tests above show nothing."""
    for shape in SHAPES[:5]:
        m, n, k = shape
        spec = Gemm("float32", m, n, k, (k, 1), (n, 1), (n, 1))
        assert emit_task(ir.Module(), spec, HOST).chunks > 1


@pytest.mark.parametrize("shape", [(600, 1100, 90), (5, 4000, 100), (3000, 5, 100)], ids=str)
def test_epilogue_knows_its_place(shape):
    """Rows and columns count from the start of the result, not of the chunk."""
    a, b, c = matrices(shape, "float32", 1)
    bias = np.arange(shape[1], dtype=np.float32)
    expected = 2 * (a.astype("f8") @ b + c) + np.arange(shape[0])[:, None] + bias
    spec = Gemm("float32", *shape, strides(a), strides(b), strides(c), True, bias_and_ramp)
    run(*compiled_task(spec), (a, b, c), 2, bias)
    # The product's own error, doubled, and three roundings of numbers up to the largest.
    atol = 2 * bound(a, b).max() + 4 * np.finfo("f4").eps * np.abs(expected).max()
    np.testing.assert_allclose(c, expected, rtol=0, atol=atol)
