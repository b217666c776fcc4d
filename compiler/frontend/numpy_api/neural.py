"""Activations, norms and losses, of traced arrays and of plain ones, as PyTorch has them."""

from __future__ import annotations

from math import pi, sqrt
from operator import index as integer
from typing import Any

import numpy as np

from ...primitives.special import error
from ..tracer import Tracer
from .images import apply, floats
from .operands import nested
from .special import SPECIAL


def _array(x: Any) -> Any:
    x = nested(x)
    return x if isinstance(x, Tracer) else np.asarray(x)


def relu(x: Any) -> Any:
    """Return x where it is positive, else 0; the slope at 0 is 0, and NaN stays."""
    x = _array(x)
    return np.where(x <= 0, 0, x)


def gelu(x: Any, approximate: str) -> Any:
    """Return x times the probability that a standard normal variable is below x."""
    (x,) = floats("gelu", x)
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
    if approximate != "none":
        raise ValueError(f"approximate must be 'none' or 'tanh' (got {approximate!r})")
    return 0.5 * x * (1 + apply(error.erf, x * sqrt(0.5)))


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return SPECIAL["expit"](*floats("sigmoid", x))


def silu(x: Any) -> Any:
    """Return x times its sigmoid."""
    (x,) = floats("silu", x)
    return x * SPECIAL["expit"](x)


def softmax(x: Any, dim: Any) -> Any:
    """Return exp(x) / sum(exp(x)) along an axis."""
    return SPECIAL["softmax"](*floats("softmax", x), integer(dim))


def log_softmax(x: Any, dim: Any) -> Any:
    """Return log(softmax(x))."""
    return SPECIAL["log_softmax"](*floats("log_softmax", x), integer(dim))


def linear(x: Any, weight: Any, bias: Any) -> Any:
    """Return x weight' + bias."""
    x, weight, bias = floats("linear", x, weight, bias)
    if weight.ndim not in (1, 2):
        raise ValueError(f"linear takes a weight (out, in) or (in,), not {weight.shape}")
    result = np.matmul(x, weight.T)
    if bias is None:
        return result
    if bias.shape not in ((), weight.shape[:-1]):
        raise ValueError(f"linear takes a bias {weight.shape[:-1]}, not {bias.shape}")
    return result + bias


def layer_norm(x: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    """Return x with mean 0 and variance 1 over its last axes, scaled and shifted."""
    x, weight, bias = floats("layer_norm", x, weight, bias)
    given = normalized_shape if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    shape = tuple(given)
    if not shape or x.shape[x.ndim - len(shape) :] != shape:
        raise ValueError(f"the last axes must be normalized_shape {shape}; x has shape {x.shape}")
    for name, one in (("weight", weight), ("bias", bias)):
        if one is not None and one.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, not {one.shape}")
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    centred = x - np.mean(x, axis=axes, keepdims=True)
    spread = np.mean(centred * centred, axis=axes, keepdims=True)
    result = centred / np.sqrt(spread + eps)
    if weight is not None:
        result = result * weight
    return result if bias is None else result + bias


def _reduced(losses: Any, reduction: str, count: Any = None) -> Any:
    """Return losses, their sum, or this over their number."""
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum' (got {reduction!r})")
    if reduction == "mean" and count is None:
        return np.mean(losses)
    total = np.sum(losses)
    return total / count if reduction == "mean" else total


def mse_loss(x: Any, target: Any, reduction: str) -> Any:
    """Return the squares of differences."""
    x, target = floats("mse_loss", x, target)
    difference = x - target
    return _reduced(difference * difference, reduction)


def cross_entropy(
    x: Any, target: Any, weight: Any, ignore_index: Any, reduction: str, label_smoothing: float
) -> Any:
    """Return minus the log-probability of targets: classes, or a probability of each class."""
    x, weight = floats("cross_entropy", x, weight)
    target, axis = _array(target), min(1, x.ndim - 1)
    if axis < 0:
        raise ValueError("cross_entropy takes scores (n, classes, ...) or (classes,)")
    classes = x.shape[axis]
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing must be between 0 and 1 (got {label_smoothing})")
    if weight is not None and weight.shape != (classes,):
        raise ValueError(f"weight must be a number for each of {classes} classes")
    log_p = SPECIAL["log_softmax"](x, axis)
    if target.dtype.kind == "f":
        return _of_probabilities(log_p, target, axis, weight, reduction, label_smoothing)
    wanted = (*x.shape[:axis], *x.shape[axis + 1 :])
    if target.dtype.kind not in "iu" or target.shape != wanted:
        raise ValueError(
            f"targets of scores {x.shape} are integers {wanted}, or floats of the shape of the "
            f"scores; these are {target.dtype.name} {target.shape}"
        )
    counts = np.expand_dims(target != integer(ignore_index), axis)
    # A class below 0 would be counted from the end: it becomes one that does not exist.
    known = np.expand_dims(np.where(target < 0, classes, target).astype(np.int64), axis)
    chosen = np.where(counts, known, 0)
    losses = np.take_along_axis(log_p, chosen, axis)
    shares = np.ones_like(losses)
    if weight is not None:
        shares = np.take(weight, chosen)
        losses = losses * shares
    if label_smoothing:
        spread = np.sum(log_p * _along(weight, x, axis), axis=axis, keepdims=True)
        losses = (1 - label_smoothing) * losses + label_smoothing / classes * spread
    losses = np.squeeze(np.where(counts, -losses, 0), axis)
    return _reduced(losses, reduction, np.sum(np.where(counts, shares, 0)))


def _along(weight: Any, x: Any, axis: int) -> Any:
    """Return the weights of classes so that they broadcast with scores."""
    return 1.0 if weight is None else np.reshape(weight, (-1, *(1,) * (x.ndim - axis - 1)))


def _of_probabilities(
    log_p: Any, target: Any, axis: int, weight: Any, reduction: str, label_smoothing: float
) -> Any:
    log_p, target = floats("cross_entropy", log_p, target)
    if target.shape != log_p.shape:
        raise ValueError(f"probabilities have the shape of the scores, not {target.shape}")
    classes = log_p.shape[axis]
    if label_smoothing:
        target = (1 - label_smoothing) * target + label_smoothing / classes
    losses = -np.sum(log_p * target * _along(weight, log_p, axis), axis=axis)
    return _reduced(losses, reduction, losses.size)
