"""The peers, each where it is installed: NumPy arrays in, NumPy arrays out, as for ours."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from gradc import compile_grad

from .workload import ValueAndGradient, Workload

Timed = Callable[..., ValueAndGradient]


class MissingVersionError(LookupError):
    """A workload that a peer does not have: it cannot do it, or it would be another one."""


def _with_numpy(fn: Callable[..., Any], other: Any) -> Callable[..., Any]:
    """Return `fn`, and the functions of its module, with `np` meaning `other`."""
    assert isinstance(fn, FunctionType)
    scope = {**fn.__globals__, "np": other}
    for name, item in fn.__globals__.items():
        if isinstance(item, FunctionType) and item.__module__ == fn.__module__:
            scope[name] = FunctionType(item.__code__, scope, name, item.__defaults__)
    return scope[fn.__name__]


def in_gradc(workload: Workload) -> Timed:
    """Return the function as `compile_grad` compiles it."""
    return compile_grad(workload.fn, wrt=workload.wrt).value_and_grad


def in_jax(workload: Workload) -> Timed:
    """Return the function as `jax.jit(jax.value_and_grad)` compiles it, on its CPU backend."""
    jax = importlib.import_module("jax")
    # float64 workloads are computed in float64; float32 ones stay as they are.
    jax.config.update("jax_enable_x64", True)
    source = workload.jax(jax) if workload.jax else _with_numpy(workload.fn, jax.numpy)
    compiled = jax.jit(jax.value_and_grad(source, argnums=workload.wrt))

    def call(*args: Any) -> ValueAndGradient:
        value, gradients = compiled(*args)
        return np.asarray(value), tuple(np.asarray(gradient) for gradient in gradients)

    return call


def in_torch(workload: Workload) -> Timed:
    """Return the torch version, run eagerly."""
    torch = importlib.import_module("torch")
    program = workload.torch
    if program is None:
        raise MissingVersionError("torch")

    def call(*args: Any) -> ValueAndGradient:
        tensors = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args]
        wanted = [tensors[position].requires_grad_() for position in workload.wrt]
        value = program(*tensors)
        value.backward()
        return value.detach().numpy(), tuple(tensor.grad.numpy() for tensor in wanted)

    return call


def in_autograd(workload: Workload) -> Timed:
    """Return the function under HIPS autograd."""
    if not workload.autograd:
        raise MissingVersionError("autograd")
    autograd = importlib.import_module("autograd")
    source = _with_numpy(workload.fn, importlib.import_module("autograd.numpy"))
    return autograd.value_and_grad(source, argnum=workload.wrt)


PEERS: dict[str, Callable[[Workload], Timed]] = {
    "jax jit": in_jax,
    "torch eager": in_torch,
    "HIPS autograd": in_autograd,
}


def installed_peers(workload: Workload) -> dict[str, Timed]:
    """Return the peers' versions of a workload; one that is not there is left out."""
    versions = {}
    for name, make in PEERS.items():
        try:
            versions[name] = make(workload)
        except (ImportError, MissingVersionError):
            continue
    return versions
