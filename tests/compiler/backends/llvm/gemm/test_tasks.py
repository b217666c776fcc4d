"""Products in chunks give the same bits whoever computes which chunk."""

import ctypes
import threading

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.gemm import Gemm, emit_task

from .native import HOST, bound, difference, exported, strides, workspace
from .test_product import laid_out, matrices

SHAPES = [(600, 1100, 90), (700, 10, 200), (4, 5000, 300), (1, 2000, 300), (3000, 1, 200),
          (30, 20, 10), (300, 70, 0)]  # fmt: skip


def compiled_task(spec):
    module = ir.Module()
    task = emit_task(module, spec, HOST)
    address = exported(module, task.function, HOST)
    return task, ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address)


def run(task, function, arrays, workers):
    """Compute all chunks, each thread those that it gets."""
    space = workspace(max(64, workers * task.worker_bytes))
    addresses = [array.ctypes.data for array in (*arrays, space)]
    context = np.array([*addresses, 2**workers - 1], np.int64)
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
    assert context[4] == 2**workers - 1  # every workspace was given back


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


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("shape", [(600, 1100, 90), (5, 4000, 100), (3000, 1, 300)], ids=str)
def test_a_chunk_says_which_part_of_the_result_it_makes(shape, columns):
    """It writes all of that, and nothing else: what follows is done for this part."""
    a, b, c = matrices(shape, "float32", 1)
    out = laid_out(np.full_like(c, np.nan), "columns" if columns else "rows")
    spec = Gemm("float32", *shape, strides(a), strides(b), strides(out))
    module = ir.Module()
    task = emit_task(module, spec, HOST)
    kinds = [*task.function.function_type.args, ir.PointerType()]
    both = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "both")
    builder = ir.IRBuilder(both.append_basic_block())
    builder.call(task.function, both.args[:2])
    spans = task.spans(builder, both.args[1])
    for i, end in enumerate(end for span in spans for end in span):
        place = builder.gep(both.args[2], [ir.IntType(64)(i)], source_etype=ir.IntType(64))
        builder.store(end, place)
    builder.ret_void()
    kinds = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    function = ctypes.CFUNCTYPE(None, *kinds)(exported(module, both, HOST))
    space, ends = workspace(max(64, task.worker_bytes)), np.zeros(4, np.int64)
    context = np.array([*(array.ctypes.data for array in (a, b, out, space)), 1], np.int64)
    done = np.zeros(shape[:2], bool)
    parts = set()
    for chunk in range(task.chunks):
        function(context.ctypes.data, chunk, ends.ctypes.data)
        low, high, left, right = ends
        assert not done[low:high, left:right].any()
        done[low:high, left:right] = True
        np.testing.assert_array_equal(np.isnan(out), ~done)
        parts.add(tuple(ends))
    assert done.all()
    assert task.shares == tuple(len({part[i] for part in parts}) for i in (0, 2))
