"""The functions of networks, by the names and conventions of torch.nn.functional, with gradients.

In a captured function they take traced arrays, elsewhere plain arrays. Images are (n, c, ...) or,
without a batch, (c, ...). Arrays are float32 or float64, and of both it is float64 that counts.
What is not among the arguments is not there: there is no option that is taken and ignored.

    >>> import numpy as np
    >>> import gradc
    >>> from gradc.nn import functional as F
    >>> total = gradc.compile_grad(lambda w, x: np.sum(F.relu(F.conv2d(x, w, padding=1))))
    >>> total.grad(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))).shape
    (1, 1, 3, 3)
"""

from __future__ import annotations

from typing import Any, Literal

from ..compiler.frontend.numpy_api import neural
from .windows import (
    Extents,
    applied,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cross_entropy",
    "gelu",
    "layer_norm",
    "linear",
    "log_softmax",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "mse_loss",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
]

Reduction = Literal["none", "mean", "sum"]


def relu(input: Any) -> Any:
    """Return max(x, 0); its slope at 0 is 0. Shapes: (...) -> (...), of any real dtype.

    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return applied(neural.relu, input)


def gelu(input: Any, approximate: Literal["none", "tanh"] = "none") -> Any:
    """Return x times the normal distribution's function, or its usual approximation by tanh.

    Shapes: (...) -> (...).

    >>> gelu([0.0, 1.0]).round(4).tolist()
    [0.0, 0.8413]
    """
    return applied(neural.gelu, input, approximate)


def silu(input: Any) -> Any:
    """Return x times its sigmoid. Shapes: (...) -> (...).

    >>> silu([0.0, 1.0]).round(4).tolist()
    [0.0, 0.7311]
    """
    return applied(neural.silu, input)


def sigmoid(input: Any) -> Any:
    """Return 1 / (1 + exp(-x)), without overflow. Shapes: (...) -> (...).

    >>> sigmoid([0.0, -1000.0]).tolist()
    [0.5, 0.0]
    """
    return applied(neural.sigmoid, input)


def softmax(input: Any, dim: int) -> Any:
    """Return exp(x) / sum(exp(x)) along an axis. Shapes: (...) -> (...).

    >>> softmax([0.0, 0.0], dim=0).tolist()
    [0.5, 0.5]
    """
    return applied(neural.softmax, input, dim)


def log_softmax(input: Any, dim: int) -> Any:
    """Return log(softmax(x)) along an axis, without underflow. Shapes: (...) -> (...).

    >>> log_softmax([1000.0, 0.0], dim=0).tolist()
    [0.0, -1000.0]
    """
    return applied(neural.log_softmax, input, dim)


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """Return x weight' + bias.

    Shapes: (..., in), (out, in), bias (out,) -> (..., out); a weight (in,) gives (...).

    >>> linear([[1.0, 2.0]], [[3.0, 4.0]], [0.5]).tolist()
    [[11.5]]
    """
    return applied(neural.linear, input, weight, bias)


def layer_norm(
    input: Any, normalized_shape: Extents, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Return x less its mean, over the root of its variance + eps; both over the last axes.

    Shapes: (..., *normalized_shape), weight and bias (*normalized_shape) -> (...).

    >>> layer_norm([1.0, 3.0], 2).round(4).tolist()
    [-1.0, 1.0]
    """
    return applied(neural.layer_norm, input, normalized_shape, weight, bias, eps)


def mse_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Return the mean of the squares of differences, or their sum, or all of them ("none").

    Shapes: (...), (...) -> (), or (...) for "none"; broadcast.

    >>> float(mse_loss([1.0, 2.0], [1.0, 4.0]))
    2.0
    """
    return applied(neural.mse_loss, input, target, reduction)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Return minus the log-probability of targets, given scores.

    Targets are classes (integers; those equal to ``ignore_index`` do not count), or probabilities
    of each class. The mean is taken over the weights of the targets' classes.

    Shapes: scores (n, classes, ...) or (classes,), targets (n, ...) or (), or those of the scores,
    weight (classes,) -> (), or (n, ...) for "none".

    Raises:
        IndexError: A target is no class.

    >>> round(float(cross_entropy([[0.0, 0.0]], [1])), 4)
    0.6931
    """
    return applied(
        neural.cross_entropy, input, target, weight, ignore_index, reduction, label_smoothing
    )
