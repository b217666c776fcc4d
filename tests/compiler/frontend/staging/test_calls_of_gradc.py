"""Calls of compiled functions and of gradc's own functions in rewritten code."""

import math

import numpy as np

import gradc
from gradc import compile_grad

from .agreement import assert_agrees

X = np.array([0.5, -1.5, 2.0])


def test_compiled_functions_are_called_as_they_are():
    inner = compile_grad(lambda x: math.sin(x[0]) * x[1])

    def loss(x):
        value, gradient = inner.value_and_grad(x)
        out, pullback = gradc.func.vjp(lambda y: y * math.exp(y[0]), x)
        return value + math.exp(gradient[1]) + np.sum(pullback(out))

    np.testing.assert_allclose(compile_grad(loss)(X), loss_by_hand(X))
    assert_agrees(loss, X)


def loss_by_hand(x):
    """The value of ``loss`` above, without gradc."""
    exponential = np.exp(x[0])
    out = x * exponential
    first = np.concatenate([[np.sum(out * x) * exponential], np.zeros(2)])
    pulled = out * exponential + first
    return np.sin(x[0]) * x[1] + np.exp(np.sin(x[0])) + np.sum(pulled)
