"""The peers, each where it is installed: NumPy arrays in, NumPy arrays out, as for ours."""

from __future__ import annotations

import importlib
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import FunctionType
from typing import Any

import numpy as np

from .version import Version
from .workload import ValueAndGradient, Workload

LONGEST_COMPILATION = 60  # seconds; who needs more is left out

Timed = Callable[..., ValueAndGradient]


class MissingVersionError(LookupError):
    """A workload that a peer does not have: it cannot do it, or it would be another one."""


def _with_modules(fn: Callable[..., Any], numpy: str, special: str) -> Callable[..., Any]:
    """Return `fn`, and the functions of its module, with `np` and `special` as a peer has them."""
    assert isinstance(fn, FunctionType)
    scope = {**fn.__globals__, "np": importlib.import_module(numpy)}
    if "special" in scope:
        scope["special"] = importlib.import_module(special)
    for name, item in fn.__globals__.items():
        if isinstance(item, FunctionType) and item.__module__ == fn.__module__:
            scope[name] = FunctionType(item.__code__, scope, name, item.__defaults__)
    return scope[fn.__name__]


def in_jax(workload: Workload) -> Timed:
    """Return the function as `jax.jit(jax.value_and_grad)` compiles it, on its CPU backend."""
    jax = importlib.import_module("jax")
    # float64 workloads are computed in float64; float32 ones stay as they are.
    jax.config.update("jax_enable_x64", True)
    if workload.jax:
        source = workload.jax(jax)
    else:
        source = _with_modules(workload.fn, "jax.numpy", "jax.scipy.special")
    compiled = jax.jit(jax.value_and_grad(source, argnums=workload.wrt))

    def call(*args: Any) -> ValueAndGradient:
        value, gradients = compiled(*args)
        return np.asarray(value), tuple(np.asarray(gradient) for gradient in gradients)

    return call


def _on_tensors(torch: Any, program: Callable[..., Any], wrt: tuple[int, ...]) -> Timed:
    def call(*args: Any) -> ValueAndGradient:
        tensors = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args]
        wanted = [tensors[position].requires_grad_() for position in wrt]
        value = program(*tensors)
        value.backward()
        return value.detach().numpy(), tuple(tensor.grad.numpy() for tensor in wanted)

    return call


def in_torch(workload: Workload) -> Timed:
    """Return the torch version, run eagerly."""
    torch = importlib.import_module("torch")
    if workload.torch is None:
        raise MissingVersionError("torch")
    return _on_tensors(torch, workload.torch(torch), workload.wrt)


def in_compiled_torch(workload: Workload) -> Timed:
    """Return the torch version as `torch.compile` compiles it, which takes a compiler of C++."""
    torch = importlib.import_module("torch")
    if workload.torch is None:
        raise MissingVersionError("torch.compile")
    # In this process: idle workers would stay beside what is timed.
    importlib.import_module("torch._inductor.config").compile_threads = 1
    torch.compiler.reset()
    compiled = torch.compile(workload.torch(torch), dynamic=False)
    return _on_tensors(torch, compiled, workload.wrt)


def in_autograd(workload: Workload) -> Timed:
    """Return the function under HIPS autograd."""
    if not workload.autograd:
        raise MissingVersionError("autograd")
    autograd = importlib.import_module("autograd")
    source = _with_modules(workload.fn, "autograd.numpy", "autograd.scipy.special")
    return autograd.value_and_grad(source, argnum=workload.wrt)


PEERS: dict[str, Callable[[Workload], Timed]] = {
    "JAX jit": in_jax,
    "torch eager": in_torch,
    "torch.compile": in_compiled_torch,
    "HIPS autograd": in_autograd,
}


def installed_peers(workload: Workload, args: tuple[Any, ...]) -> dict[str, Version]:
    """Return the peers' versions of a workload, compiled; one that is not there is left out."""
    versions = {}
    for name, make in PEERS.items():
        try:
            version = Version(make(workload))
        except (ImportError, MissingVersionError):
            continue
        start = perf_counter()
        try:
            with _at_most(LONGEST_COMPILATION):
                version(*args)
        except Exception as error:  # whatever a peer makes of the alarm
            is_late = perf_counter() - start >= LONGEST_COMPILATION
            reason = f"over {LONGEST_COMPILATION} s" if is_late else type(error).__name__
            print(f"{workload.name} without {name}: {reason}", flush=True)
            continue
        versions[name] = version
    return versions


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """Let a block end with a TimeoutError once it takes longer, where the system can."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"more than {seconds} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
