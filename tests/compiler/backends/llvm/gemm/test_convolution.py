"""Emitted convolutions and their gradients agree with sums over taps, and touch nothing else."""

import ctypes
import dataclasses
import itertools
from math import prod

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.gemm import (
    Conv,
    emit_convolution,
    emit_image_gradient,
    emit_kernel_gradient,
)

from .native import HOST, NAMES, TARGETS, Fenced, exported, workspace

CASES = {
    "plain": Conv("float64", 2, 3, 5, (9, 11), (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    "padded": Conv("float32", 3, 4, 20, (7, 7), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "one": Conv("float32", 2, 17, 6, (8, 5), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    "strided": Conv("float64", 2, 3, 7, (11, 14), (3, 4), (2, 3), ((1, 0), (2, 3)), (1, 1)),
    "gaps": Conv("float64", 1, 2, 3, (3, 7), (2, 1), (3, 4), ((2, 2), (3, 1)), (1, 1)),
    "dilated": Conv("float32", 2, 3, 4, (12, 10), (3, 2), (1, 2), ((2, 1), (0, 3)), (2, 3)),
    "groups": Conv("float64", 2, 6, 9, (6, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 3),
    "depthwise": Conv("float32", 2, 5, 5, (9, 9), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1), 5),
    "line": Conv("float32", 5, 2, 6, (50,), (5,), (3,), ((2, 2),), (2,)),
    "volume": Conv("float64", 2, 3, 4, (5, 6, 7), (2, 3, 2), (1, 2, 1), ((1, 0),) * 3, (2, 1, 1)),
    "wide padding": Conv("float64", 2, 2, 3, (2, 3), (2, 2), (1, 1), ((5, 4), (3, 6)), (1, 1)),
    "many": Conv("float32", 1, 40, 70, (24, 24), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "batch": Conv("float32", 23, 3, 4, (4, 4), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "no batch": Conv("float32", 0, 3, 4, (4, 4), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "no output": Conv("float32", 2, 3, 4, (2, 4), (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1)),
}  # fmt: skip


def arrays(conv, seed=0):
    """Return image, kernels and result of a convolution, filled with numbers."""
    rng = np.random.default_rng(seed)
    shapes = (
        (conv.batch, conv.channels, *conv.size),
        (conv.filters, conv.group_channels, *conv.kernel),
        (conv.batch, conv.filters, *conv.out),
    )
    return [rng.standard_normal(shape).astype(conv.dtype) for shape in shapes]


def references(conv, image, kernels, slope):
    """Return the result and both gradients in float64: a product of matrices for each tap."""
    around = [(0, 0), (0, 0), *conv.padding]
    padded = np.pad(image.astype("f8"), around)
    axes = zip(conv.size, conv.padding, strict=True)
    inner = (..., *(slice(low, low + extent) for extent, (low, _) in axes))
    result, back = np.zeros(slope.shape), np.zeros_like(padded)
    weighed = np.zeros(kernels.shape)
    for tap in itertools.product(*map(range, conv.kernel)):
        places = tuple(
            slice(k * gap, k * gap + step * (count - 1) + 1, step) if count else slice(0)
            for k, gap, step, count in zip(tap, conv.dilation, conv.stride, conv.out, strict=True)
        )
        for group in range(conv.groups):
            c = slice(group * conv.group_channels, (group + 1) * conv.group_channels)
            o = slice(group * conv.group_filters, (group + 1) * conv.group_filters)
            seen, weights = padded[(slice(None), c, *places)], kernels[(o, slice(None), *tap)]
            result[:, o] += np.einsum("oc,nc...->no...", weights.astype("f8"), seen)
            back[(slice(None), c, *places)] += np.einsum("oc,no...->nc...", weights, slope[:, o])
            flat = [one.reshape(*one.shape[:2], prod(one.shape[2:])) for one in (slope[:, o], seen)]
            weighed[(o, slice(None), *tap)] = np.einsum("nop,ncp->oc", *flat)
    return result, back[inner], weighed


def run(emitter, conv, first, second, out, target=HOST, order=1, chunks=None):
    """Compute into ``out``, in memory that ends where all arrays end; return it."""
    module = ir.Module()
    emitted = emitter(module, conv, target)
    kinds = [ctypes.c_void_p] * 4 + [ctypes.c_int64]
    function = ctypes.CFUNCTYPE(None, *kinds)(exported(module, emitted.function, target))
    held = [Fenced(one.nbytes, at_end=True).hold(one) for one in (first, second, out)]
    space = workspace(emitted.workspace_bytes)
    for chunk in range(emitted.chunks)[:chunks:order]:
        function(*(one.ctypes.data for one in (*held, space)), chunk)
    return held[2]


def compare(found, expected, conv):
    """Of up to some hundreds of products of numbers around 1 the sums err by less than so many."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1000 * np.finfo(conv.dtype).eps)


FEW = ("padded", "strided", "groups", "line")  # on machines other than this one


@pytest.mark.parametrize(
    ("case", "target"),
    [
        pytest.param(case, target, id=f"{case}-{name}")
        for target, name in zip(TARGETS, NAMES, strict=True)
        for case in (CASES if target is HOST else FEW)
    ],
)
def test_result_and_gradients(case, target):
    conv = CASES[case]
    image, kernels, slope = arrays(conv)
    result, back, weighed = references(conv, image, kernels, slope)
    nothing = [np.full_like(one, np.nan) for one in (slope, image, kernels)]
    compare(run(emit_convolution, conv, image, kernels, nothing[0], target), result, conv)
    compare(run(emit_image_gradient, conv, slope, kernels, nothing[1], target), back, conv)
    compare(run(emit_kernel_gradient, conv, image, slope, nothing[2], target), weighed, conv)


@pytest.mark.parametrize("case", ["padded", "strided", "gaps", "groups", "no batch", "no output"])
def test_accumulate(case):
    """Each adds to what is there, where a phase has no taps too."""
    conv = dataclasses.replace(CASES[case], accumulate=True)
    image, kernels, slope = arrays(conv, 1)
    result, back, weighed = references(conv, image, kernels, slope)
    before = arrays(conv, 2)
    compare(run(emit_convolution, conv, image, kernels, before[2]), before[2] + result, conv)
    compare(run(emit_image_gradient, conv, slope, kernels, before[0]), before[0] + back, conv)
    compare(run(emit_kernel_gradient, conv, image, slope, before[1]), before[1] + weighed, conv)


@pytest.mark.parametrize("emitter", [emit_convolution, emit_image_gradient])
@pytest.mark.parametrize("case", ["strided", "groups", "batch", "padded"])
def test_a_chunk_makes_whole_images(case, emitter):
    """As many as it says; of groups it makes some channels of them, and says none."""
    conv = CASES[case]
    emitted = emitter(ir.Module(), conv, HOST)
    assert (emitted.images is None) == (conv.groups > 1)
    if emitted.images is None:
        return
    assert emitted.chunks == -(-conv.batch // emitted.images)
    image, kernels, slope = arrays(conv)
    given, out = (image, slope) if emitter is emit_convolution else (slope, image)
    found = run(emitter, conv, given, kernels, np.full_like(out, np.nan), chunks=1)
    expected = np.zeros(out.shape, bool)
    expected[: emitted.images] = True
    np.testing.assert_array_equal(~np.isnan(found), expected)


def test_chunks_do_not_depend_on_each_other():
    """In another order they give the same bits; there are several of them."""
    conv = CASES["batch"]
    image, kernels, slope = arrays(conv)
    assert emit_convolution(ir.Module(), conv, HOST).chunks > 1
    for emitter, first, second, like in (
        (emit_convolution, image, kernels, slope),
        (emit_image_gradient, slope, kernels, image),
        (emit_kernel_gradient, image, slope, kernels),
    ):
        empty = np.full_like(like, np.nan)
        one, other = (run(emitter, conv, first, second, empty, order=step) for step in (1, -1))
        np.testing.assert_array_equal(one, other)


def test_infinities_in_an_image_reach_only_their_outputs():
    """Columns of the product that mean nothing are dropped."""
    conv = CASES["padded"]
    image, kernels, _ = arrays(conv)
    image[1, 2, 3, 6] = np.inf
    found = run(emit_convolution, conv, image, kernels, np.empty((3, 20, 7, 7), "f4"))
    reached = np.zeros((3, 7, 7), bool)
    reached[1, 2:5, 5:7] = True
    np.testing.assert_array_equal(~np.isfinite(found), np.repeat(reached[:, None], 20, 1))


@pytest.mark.parametrize("name", sorted(set(CASES) - {"no batch", "no output"}))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_reaches_only_the_weights_that_meet_it(name, value):
    """Between two rows of outputs lie zeros, which meet elements of the image: 0 * nan is nan."""
    conv = CASES[name]
    image, kernels, slope = arrays(conv)
    reached = []
    for place in range(0, image.size, -(-image.size // 7)):
        image.flat[place], kept = value, image.flat[place]
        found = run(emit_kernel_gradient, conv, image, slope, np.full_like(kernels, np.nan))
        clean = np.where(np.isfinite(image), image, 0)
        expected = references(conv, clean, kernels, slope)[2]
        marked = np.where(np.isfinite(image), 0.0, 1.0)
        meets = references(conv, marked, kernels, np.ones_like(slope))[2] > 0
        np.testing.assert_array_equal(~np.isfinite(found), meets)
        tolerance = 1e-4 if conv.dtype == "float32" else 1e-11
        np.testing.assert_allclose(found[~meets], expected[~meets], tolerance, 10 * tolerance)
        reached.append(meets.any())
        image.flat[place] = kept
    assert any(reached)
