"""Emitted products are right for every shape, layout and machine, and touch nothing else."""

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.gemm import Gemm, emit, workspace_bytes
from gradc.compiler.backends.llvm.target import Target, compile_text

from .native import (
    HOST,
    NAMES,
    TARGETS,
    Fenced,
    bound,
    compiled,
    difference,
    product,
    strides,
    workspace,
)

# Every way a product is done has its edges here: few rows, lines along k, packed blocks.
SHAPES = [
    (1, 1, 1), (1, 1, 70), (1, 67, 33), (61, 1, 40), (2, 3, 5), (3, 70, 129), (7, 5, 1),
    (13, 31, 17), (14, 32, 16), (15, 33, 64), (17, 48, 70), (29, 65, 31), (70, 69, 67),
    (5, 300, 600), (300, 3, 600), (211, 230, 521),
]  # fmt: skip

LAYOUTS = ["rows", "columns", "apart"]


def laid_out(values, layout, *, at_end=True):
    """Return a copy with dense rows, dense columns or neither, up to a page not to be touched."""
    if layout == "apart":
        wide = np.zeros((values.shape[0] * 2, values.shape[1] * 3), values.dtype)
        held = Fenced(wide.nbytes, at_end=at_end).hold(wide)[::2, ::3]
    elif layout == "columns":
        held = Fenced(values.nbytes, at_end=at_end).hold(np.ascontiguousarray(values.T)).T
    else:
        held = Fenced(values.nbytes, at_end=at_end).hold(np.ascontiguousarray(values))
    held[...] = values
    return held


def matrices(shape, dtype, seed=0):
    m, n, k = shape
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(size).astype(dtype) for size in ((m, k), (k, n), (m, n)))


@pytest.mark.parametrize("target", TARGETS, ids=NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes(shape, target, dtype):
    """The matrices end where memory ends: a read or a write behind them is a crash."""
    a, b, _ = matrices(shape, dtype)
    out = laid_out(np.full((shape[0], shape[1]), np.nan, dtype), "rows")
    product(laid_out(a, "rows"), laid_out(b, "rows"), out, target)
    assert (difference(out, a, b) <= bound(a, b)).all()


@pytest.mark.parametrize("shape", [(3, 40, 37), (15, 33, 64), (121, 130, 500)], ids=str)
@pytest.mark.parametrize("layouts", [(i, j, k) for i in LAYOUTS for j in LAYOUTS for k in LAYOUTS])
def test_layouts(layouts, shape):
    """Any strides, for a result that is added to; nothing before the matrices is touched either."""
    a, b, c = matrices(shape, "float32", 1)
    held = [laid_out(one, how, at_end=False) for one, how in zip((a, b, c), layouts, strict=True)]
    product(*held, accumulate=True)
    ends = np.hstack([a, c]), np.vstack([b, np.eye(shape[1], dtype=a.dtype)])
    exact = a.astype("f8") @ b + c
    # One more rounding than the product: that of the addition.
    assert (np.abs(held[2] - exact) <= bound(*ends)).all()


@pytest.mark.parametrize("target", TARGETS, ids=NAMES)
def test_result_between_others(target):
    """What lies between the elements of the result keeps its value."""
    a, b, _ = matrices((33, 47, 21), "float64", 2)
    around = np.full((33 + 2, 47 + 9), 7.0)
    product(a, b, around[1:-1, 4:-5], target)
    np.testing.assert_allclose(around[1:-1, 4:-5], a @ b, rtol=0, atol=bound(a, b).max())
    around[1:-1, 4:-5] = 7.0
    assert (around == 7.0).all()


def test_negative_and_zero_strides():
    """Reversed and broadcast operands are read as they lie."""
    a, b, _ = matrices((20, 30, 40), "float64", 3)
    reverse = a[::-1, ::-1]
    one = np.broadcast_to(b[:1], (40, 30))
    np.testing.assert_allclose(
        product(reverse, one, np.empty((20, 30))), reverse @ one, rtol=0,
        atol=2 * bound(reverse, one).max(),  # NumPy errs as much
    )  # fmt: skip


@pytest.mark.parametrize("accumulate", [False, True])
def test_empty_sum(accumulate):
    """Over an empty axis the product is zero."""
    c = np.full((5, 9), 3.0, np.float32)
    product(np.empty((5, 0), "f4"), np.empty((0, 9), "f4"), c, accumulate=accumulate)
    assert (c == (3.0 if accumulate else 0.0)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_accurate_as_numpy(dtype):
    """Over long sums of numbers of one sign, where errors add up."""
    rng = np.random.default_rng(6)
    for shape in ((64, 64, 4000), (1, 8, 20000)):
        a = rng.random((shape[0], shape[2])).astype(dtype)
        b = rng.random((shape[2], shape[1])).astype(dtype)
        ours = difference(product(a, b, np.empty(shape[:2], dtype)), a, b).max()
        theirs = difference(a @ b, a, b).max()
        # Which of two orders errs less is chance; a chain over all of k would be 5 times worse.
        assert ours <= 2 * theirs + np.finfo(dtype).eps * shape[2] / 8


def test_infinities_and_nans_stay_where_they_are():
    """Zeros that fill up panels meet no other elements."""
    a, b, _ = matrices((31, 300, 45), "float32", 7)
    a[30, 44], b[44, 299] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        expected = a @ b
    found = product(a, b, np.empty((31, 300), "f4"))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))


def test_products_share_code():
    """One micro-kernel for products of many shapes, one function for equal products."""
    module = ir.Module()
    spec = Gemm("float32", 300, 400, 500, (500, 1), (400, 1), (400, 1))
    first, second = emit(module, spec, HOST), emit(module, spec, HOST)
    assert first is second
    before = {function.name for function in module.functions}
    emit(module, Gemm("float32", 600, 800, 500, (1, 600), (1, 500), (800, 1)), HOST)
    added = {function.name for function in module.functions} - before
    assert not any("_blocked_" in name for name in added)


def test_text_is_the_same_each_time():
    """Nothing in it depends on the process."""
    texts = set()
    for _ in range(2):
        module = ir.Module()
        emit(module, Gemm("float64", 70, 300, 1000, (1000, 1), (1, 1000), (300, 1)), HOST)
        texts.add(str(module))
    assert len(texts) == 1


def test_other_machines_compile():
    """The code is emitted for what the target has, not for this machine."""
    arm = Target("aarch64-unknown-linux-gnu", "generic")
    module = ir.Module()
    spec = Gemm("float32", 300, 301, 600, (600, 1), (301, 1), (301, 1))
    function = emit(module, spec, arm)
    function.linkage = "external"
    assert workspace_bytes(spec, arm) > 0
    assert "fmla" in compile_text(str(module), arm).assembly


def test_workspace_is_enough():
    """A page behind it is not touched, and the result does not depend on what was in it."""
    a, b, _ = matrices((211, 230, 521), "float64", 8)
    spec = Gemm("float64", 211, 230, 521, strides(a), strides(b), (230, 1))
    space = workspace(workspace_bytes(spec, HOST))
    run = compiled(spec)
    results = []
    for fill in (0, 255):
        space[...] = fill
        out = np.empty((211, 230))
        run(*(one.ctypes.data for one in (a, b, out, space)))
        results.append(out)
    np.testing.assert_array_equal(*results)
