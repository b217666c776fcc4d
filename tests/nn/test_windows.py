"""Convolution and pooling: PyTorch's values, gradients and double gradients of these."""

from typing import Any

import numpy as np
import pytest

from gradc import compile_grad
from gradc.nn import functional as F  # noqa: N812 - its name in every program of torch

from .parity import assert_parity, draw, every_backend, torch_functional

# Convolution


def convolution(seed: int, axes: int) -> tuple[list[Any], dict[str, Any]]:
    """Draw image, kernels, bias, and options."""
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 1, 2, 3]))
    channels, filters = (groups * int(rng.integers(1, 4)) for _ in range(2))
    kernel = [int(one) for one in rng.integers(1, 4, size=axes)]
    options = {
        "stride": tuple(int(one) for one in rng.integers(1, 4, size=axes)),
        "padding": tuple(int(one) for one in rng.integers(0, 3, size=axes)),
        "dilation": tuple(int(one) for one in rng.integers(1, 3, size=axes)),
    }
    size = [
        gap * (taps - 1) + 1 + int(more)
        for taps, gap, more in zip(
            kernel, options["dilation"], rng.integers(0, 7 - axes, size=axes), strict=True
        )
    ]
    image = draw(rng, int(rng.integers(1, 4)), channels, *size)
    kernels = draw(rng, filters, channels // groups, *kernel)
    return [image, kernels, draw(rng, filters)], {**options, "groups": groups}


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_convolution(seed: int, axes: int) -> None:
    """Any stride, padding, dilation and groups; depthwise too, where a group has one channel."""
    arrays, options = convolution(seed, axes)
    assert_parity(f"conv{axes}d", arrays, **options)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("seed", range(2))
def test_transposed_convolution(seed: int, axes: int) -> None:
    """Its kernels have the channels of the image first; output_padding says which size is meant."""
    (_, kernels, _), options = convolution(seed + 50, axes)
    rng = np.random.default_rng(seed)
    shape = zip(kernels.shape[2:], options["padding"], strict=True)
    image = draw(rng, 2, kernels.shape[0], *(taps + 2 * border for taps, border in shape))
    more = tuple(int(rng.integers(0, step)) for step in options["stride"])
    arrays = [image, kernels, draw(rng, kernels.shape[1] * options["groups"])]
    assert_parity(f"conv_transpose{axes}d", arrays, **options, output_padding=more)


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")  # torch copies then
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_padding_by_name(padding: str) -> None:
    """Of an odd number of zeros "same" puts more behind the image, as torch does."""
    rng = np.random.default_rng(1)
    arrays = [draw(rng, 2, 2, 5, 6), draw(rng, 3, 2, 2, 3)]
    assert_parity("conv2d", arrays, padding=padding, dilation=(1, 2))


def test_one_image_without_a_batch() -> None:
    """(c, ...) in, (f, ...) out."""
    rng = np.random.default_rng(2)
    assert_parity("conv2d", [draw(rng, 2, 4, 5), draw(rng, 3, 2, 2, 2), draw(rng, 3)], padding=1)
    assert_parity("conv_transpose1d", [draw(rng, 2, 4), draw(rng, 2, 3, 2)], stride=2)
    assert_parity("max_pool1d", [draw(rng, 2, 6)], 2)
    assert_parity("avg_pool3d", [draw(rng, 2, 3, 4, 4)], 2)


# Pooling


def window(seed: int, axes: int) -> tuple[Any, dict[str, Any]]:
    """Draw an image, and options."""
    rng = np.random.default_rng(seed)
    size = [int(one) for one in rng.integers(4, 8 - axes // 2, size=axes)]
    kernel = tuple(int(one) for one in rng.integers(1, 4, size=axes))
    options = {
        "kernel_size": kernel,
        "stride": tuple(int(one) for one in rng.integers(1, 4, size=axes)),
        "padding": tuple(int(rng.integers(0, taps // 2 + 1)) for taps in kernel),
    }
    return draw(rng, 2, 2, *size), options


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("seed", range(2))
def test_maximum_of_windows(seed: int, axes: int) -> None:
    """Windows that overlap, leave elements out, or reach into the padding."""
    image, options = window(seed, axes)
    rng = np.random.default_rng(seed)
    assert_parity(f"max_pool{axes}d", [image], **options)
    kernel = options["kernel_size"]
    size = zip(image.shape[2:], options["padding"], kernel, strict=True)
    room = [(extent + 2 * border - 1) // max(taps - 1, 1) for extent, border, taps in size]
    options["dilation"] = tuple(int(rng.integers(1, min(most, 2) + 1)) for most in room)
    assert_parity(f"max_pool{axes}d", [image], **options)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("seed", range(2))
def test_mean_of_windows(seed: int, counts: bool, axes: int) -> None:
    """Padding counts as zeros, or not at all."""
    image, options = window(seed, axes)
    assert_parity(f"avg_pool{axes}d", [image], **options, count_include_pad=counts)


def test_mean_with_a_divisor() -> None:
    """Then it is a sum, whatever counts."""
    image, options = window(3, 2)
    for counts in (True, False):
        assert_parity(
            "avg_pool2d", [image], **options, divisor_override=3, count_include_pad=counts
        )


def test_stride_of_windows_is_their_size_unless_given() -> None:
    """As in torch, where None means that too."""
    image = window(1, 2)[0]
    for name in ("max_pool2d", "avg_pool2d"):
        assert_parity(name, [image], 2, backends=["numpy"])
        assert_parity(name, [image], (2, 3), stride=None, backends=["numpy"])


@every_backend
def test_the_first_of_equal_maxima_gets_the_gradient(backend: str) -> None:
    """In row-major order, in each window."""
    gradient = compile_grad(lambda x: np.sum(F.max_pool2d(x, 2, stride=1)), backend=backend).grad
    np.testing.assert_array_equal(
        gradient(np.ones((1, 1, 3, 3))), [[[[1, 1, 0], [1, 1, 0], [0, 0, 0]]]]
    )


@every_backend
def test_what_is_no_number_is_a_maximum(backend: str) -> None:
    """A window with NaN gives NaN, and the gradient goes there; -inf is a maximum of its like."""
    torch = pytest.importorskip("torch")
    nan, inf = np.nan, np.inf
    x = np.array([[[1.0, nan, 2.0, 3.0, 0.0, -inf, -inf, -inf, -inf]]])
    compiled = compile_grad(lambda x: F.max_pool1d(x, 3, stride=2, padding=1), backend=backend)
    out, pull = compiled.vjp(x)
    tensor = torch.tensor(x, requires_grad=True)
    expected = torch_functional().max_pool1d(tensor, 3, stride=2, padding=1)
    np.testing.assert_array_equal(out, expected.detach())
    ct = np.arange(1.0, 6.0).reshape(1, 1, 5)
    expected.backward(torch.tensor(ct))
    np.testing.assert_array_equal(np.ravel(pull(ct)), np.ravel(tensor.grad))
