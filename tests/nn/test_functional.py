"""Functions of networks: PyTorch's values, gradients and double gradients, whatever the options."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradc import CaptureError, TypeRuleError, compile_grad, fori_loop, func
from gradc.nn import functional as F  # noqa: N812 - its name in every program of torch

from .parity import CLOSE, assert_parity, draw, every_backend, torch_functional


@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "sigmoid"])
def test_activation(name: str) -> None:
    """Values, slopes, and slopes of these; far out too, where exp overflows."""
    x = np.array([[-800.0, -2.1, -0.3], [0.4, 1.7, 800.0]])
    assert_parity(name, [x[:, 1:2]])
    assert_parity(name, [x])


def test_gelu_by_tanh() -> None:
    assert_parity("gelu", [np.linspace(-4, 4, 7)], approximate="tanh")


@every_backend
def test_relu_at_zero_and_of_nan(backend: str) -> None:
    """The slope at 0 is 0, as in torch, where that of np.maximum is 1/2; NaN is no 0."""
    relu = compile_grad(lambda x: np.sum(F.relu(x)), backend=backend)
    np.testing.assert_array_equal(relu.grad(np.array([0.0, -1.0, 2.0])), [0, 0, 1])
    assert np.isnan(relu(np.array([np.nan, 1.0])))
    np.testing.assert_array_equal(F.relu(np.array([-3, 4])), [0, 4])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name: str) -> None:
    x = draw(np.random.default_rng(4), 3, 4, 2)
    for dim in (0, -1):
        assert_parity(name, [x], dim=dim)


def test_linear() -> None:
    """Of a batch, of one, of a batch of batches; a weight without outputs."""
    rng = np.random.default_rng(5)
    weight, bias = draw(rng, 4, 3), draw(rng, 4)
    for shape in ((2, 3), (3,), (2, 5, 3)):
        assert_parity("linear", [draw(rng, *shape), weight, bias])
    assert_parity("linear", [draw(rng, 2, 3), weight])
    assert_parity("linear", [draw(rng, 2, 3), draw(rng, 3)])


def test_layer_norm() -> None:
    """Over one axis, or several; with weight and bias, one of them, or none."""
    rng = np.random.default_rng(6)
    x = draw(rng, 3, 4, 2)
    assert_parity("layer_norm", [x], (2,))
    assert_parity("layer_norm", [x], (4, 2), eps=0.1)
    torch = pytest.importorskip("torch")
    weight, bias = draw(rng, 4, 2), draw(rng, 4, 2)
    expected = torch_functional().layer_norm(
        torch.tensor(x), (4, 2), torch.tensor(weight), torch.tensor(bias)
    )
    np.testing.assert_allclose(F.layer_norm(x, (4, 2), weight, bias), expected, **CLOSE)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_mse_loss(reduction: str) -> None:
    rng = np.random.default_rng(7)
    assert_parity("mse_loss", [draw(rng, 3, 2), draw(rng, 3, 2)], reduction=reduction)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(reduction: str, smoothing: float, weighted: bool) -> None:
    """Of classes, some of which do not count, of probabilities, of images of classes, of one."""
    rng = np.random.default_rng(8)
    weight = {"weight": np.array([0.5, 2.0, 1.5])} if weighted else {}
    options = {"reduction": reduction, "label_smoothing": smoothing, **weight}
    scores = draw(rng, 4, 3)
    assert_parity("cross_entropy", [scores], np.array([2, 0, -100, 1]), **options)
    options["backends"] = ["numpy"]
    assert_parity("cross_entropy", [scores], np.abs(draw(rng, 4, 3)), **options)
    images = draw(rng, 2, 3, 2, 2)
    classes = rng.integers(0, 3, size=(2, 2, 2))
    assert_parity("cross_entropy", [images], classes, ignore_index=1, **options)
    assert_parity("cross_entropy", [scores[0]], np.array(2), **options)
    assert_parity("cross_entropy", [scores[0]], np.abs(scores[1]), **options)


@every_backend
@pytest.mark.parametrize("target", [-1, 3])
def test_target_that_is_no_class(target: int, backend: str) -> None:
    """An IndexError, and no class counted from the end."""
    scores = np.zeros((2, 3))
    for call in (F.cross_entropy, compile_grad(F.cross_entropy, backend=backend)):
        with pytest.raises(IndexError):
            call(scores, np.array([0, target]))


# What surrounds them


def net(images: Any, w1: Any, w2: Any, labels: Any) -> Any:
    """Return the loss of a small network."""
    hidden = F.max_pool2d(F.relu(F.conv2d(images, w1, padding="same")), 2)
    return F.cross_entropy(F.linear(hidden.reshape(len(images), -1), w2), labels)


def net_args(dtype: Any = np.float64) -> tuple[Any, ...]:
    rng = np.random.default_rng(11)
    arrays = [draw(rng, 3, 2, 4, 4), draw(rng, 2, 2, 3, 3), draw(rng, 3, 8)]
    return (*(one.astype(dtype) for one in arrays), np.array([0, 2, 1]))


@every_backend
def test_float32_stays(backend: str) -> None:
    """Value and gradients; and they are near those of float64."""
    compiled = compile_grad(net, wrt=(0, 1, 2), backend=backend)
    value, gradients = compiled.value_and_grad(*net_args(np.float32))
    expected, exact = compiled.value_and_grad(*net_args())
    assert value.dtype == np.float32
    assert value == pytest.approx(expected, rel=1e-5)
    for one, other in zip(gradients, exact, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@every_backend
def test_training_in_a_loop(backend: str) -> None:
    """Steps of gradient descent in fori_loop, with the gradient inside: the same as one by one."""
    images, w1, w2, labels = net_args()
    gradient = func.grad(net, wrt=(1, 2))

    def step(_: Any, weights: Any) -> Any:
        by_w1, by_w2 = gradient(images, *weights, labels)
        return weights[0] - 0.1 * by_w1, weights[1] - 0.1 * by_w2

    def trained(w1: Any, w2: Any) -> Any:
        w1, w2 = fori_loop(0, 3, step, (w1, w2))
        return net(images, w1, w2, labels)

    weights = w1, w2
    for i in range(3):
        weights = step(i, weights)
    value, slopes = compile_grad(trained, wrt=(0, 1), backend=backend).value_and_grad(w1, w2)
    assert value == pytest.approx(net(images, *weights, labels), rel=1e-12)
    direction = np.ones_like(w1)
    ends = [trained(w1 + h * direction, w2) for h in (1e-5, -1e-5)]
    assert np.sum(slopes[0]) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6)


@every_backend
def test_hessian(backend: str) -> None:
    """Slopes of the gradient in all directions at once: batches of all of its operations."""
    torch = pytest.importorskip("torch")
    images, w1, w2, labels = net_args()

    def sharp(w1: Any) -> Any:
        hidden = F.max_pool2d(F.silu(F.conv2d(images, w1, padding=1)), 2)
        return F.cross_entropy(F.linear(F.avg_pool2d(hidden, 1).reshape(3, -1), w2), labels)

    def in_torch(w1: Any) -> Any:
        theirs = torch_functional()
        hidden = theirs.max_pool2d(theirs.silu(theirs.conv2d(given[0], w1, padding=1)), 2)
        return theirs.cross_entropy(theirs.linear(hidden.flatten(1), given[1]), given[2])

    given = [torch.tensor(one) for one in (images, w2, labels)]
    expected = torch.autograd.functional.hessian(in_torch, torch.tensor(w1))
    found = compile_grad(sharp, backend=backend).hessian(w1)
    np.testing.assert_allclose(found, expected, **CLOSE)


@every_backend
def test_forward_mode(backend: str) -> None:
    """Tangents pass a pooling by the choices that it made."""
    images, w1, w2, labels = net_args()
    compiled = compile_grad(net, wrt=(0, 1, 2), backend=backend)
    gradients = compiled.grad(images, w1, w2, labels)
    rng = np.random.default_rng(12)
    tangents = tuple(rng.normal(size=one.shape) for one in (images, w1, w2))
    _, slope = compiled.jvp((images, w1, w2, labels), tangents)
    expected = sum(np.sum(one * way) for one, way in zip(gradients, tangents, strict=True))
    assert slope == pytest.approx(expected, rel=1e-12)


@every_backend
def test_batch_of_nothing(backend: str) -> None:
    """No images: an empty result, and kernels without a slope."""
    layer = compile_grad(
        lambda x, w: np.sum(F.avg_pool2d(F.conv2d(x, w), 2)), wrt=(0, 1), backend=backend
    )
    value, (by_x, by_w) = layer.value_and_grad(np.zeros((0, 2, 4, 4)), np.ones((3, 2, 3, 3)))
    assert value == 0
    assert by_x.shape == (0, 2, 4, 4)
    np.testing.assert_array_equal(by_w, np.zeros((3, 2, 3, 3)))


X, W = np.ones((1, 2, 4, 4)), np.ones((3, 2, 3, 3))
REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: F.conv2d(x, W[:, :1]), "channels of the image"),
    (lambda x: F.conv2d(x, W, groups=2), "multiple of that of groups"),
    (lambda x: F.conv2d(x, W, groups=0), "at least 1"),
    (lambda x: F.conv2d(x, np.ones((1, 2, 5, 5))), "larger than the padded image"),
    (lambda x: F.conv2d(x, W, stride=0), "stride must be at least 1"),
    (lambda x: F.conv2d(x, W, padding=-1), "padding must be at least 0"),
    (lambda x: F.conv2d(x, W, stride=(1, 2, 3)), "one integer or 2"),
    (lambda x: F.conv2d(x, W, padding="same", stride=2), "strided"),
    (lambda x: F.conv2d(x, W, padding="reflect"), "'valid' or 'same'"),
    (lambda x: F.conv2d(x, W, np.ones(2)), "bias"),
    (lambda x: F.conv1d(x, W), "axes"),
    (lambda x: F.conv3d(x, W), "axes"),
    (lambda x: F.conv_transpose2d(x, np.ones((2, 1, 2, 2)), output_padding=1), "smaller than"),
    (lambda x: F.max_pool2d(x, 2, padding=2), "more than half"),
    (lambda x: F.avg_pool2d(x, 5), "larger than the padded image"),
    (lambda x: F.avg_pool2d(x, 2, divisor_override=0), "zero"),
    (lambda x: F.gelu(x, approximate="exact"), "approximate"),
    (lambda x: F.linear(x, np.ones((1, 3))), "inner|size"),
    (lambda x: F.layer_norm(x, 3), "normalized_shape"),
    (lambda x: F.mse_loss(x, x, reduction="max"), "reduction"),
    (lambda x: F.cross_entropy(x, np.zeros((1, 4), int)), "targets"),
    (lambda x: F.cross_entropy(x, np.zeros((1, 4, 4), int), np.ones(3)), "weight"),
    (lambda x: F.softmax(x, 4), "axis 4"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_does_not_fit_is_refused(call: Any, message: str) -> None:
    """With the reason, in a compiled function with the line too, and of plain arrays the same."""
    with pytest.raises(TypeRuleError, match=message) as caught:
        compile_grad(lambda x: np.sum(call(x)))(X)
    assert "test_functional.py" in str(caught.value)
    with pytest.raises((TypeRuleError, ValueError), match=message):
        call(X)


@pytest.mark.parametrize("call", [F.gelu, lambda x: F.conv2d(x, x), lambda x: F.max_pool2d(x, 2)])
@pytest.mark.parametrize("dtype", [np.int64, np.float16])
def test_other_dtypes_are_refused(call: Any, dtype: Any) -> None:
    """They are no images; relu alone takes all that NumPy compares."""
    with pytest.raises(TypeError, match="float32 or float64"):
        call(np.ones((1, 1, 4, 4), dtype))
    with pytest.raises((TypeRuleError, CaptureError), match=np.dtype(dtype).name):
        compile_grad(lambda x: np.sum(call(x.astype(dtype))))(np.ones((1, 1, 4, 4)))
