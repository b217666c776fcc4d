"""What a program's value and gradient should be, worked out without gradc.

A gradient is handled as the flat list of its leaves, in the order of `tree_leaves`. Outputs other
than one number are weighted at random and summed, so that the gradient of every program is the
gradient of a scalar; a plain sum would hide errors that cancel.
"""

import dataclasses
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from .programs import Program

Leaves = list[Any]

# Fourth-order differences at this step: the truncation is about 1e-16 times the fifth derivative,
# the rounding about 1e-16 / 1e-4 times the value.
STEP = 1e-4


def tree_leaves(tree: Any) -> Leaves:
    """Return the arrays and floats of a tree in order."""
    if isinstance(tree, dict):
        return tree_leaves(list(tree.values()))
    if isinstance(tree, (tuple, list)):
        return [leaf for item in tree for leaf in tree_leaves(item)]
    if dataclasses.is_dataclass(tree):
        fields = dataclasses.fields(tree)
        return [leaf for field in fields for leaf in tree_leaves(getattr(tree, field.name))]
    return [] if tree is None or isinstance(tree, (str, bool, int)) else [tree]


def tree_map(fn: Callable[[Any], Any], tree: Any) -> Any:
    """Return the tree with `fn` applied to every leaf that `tree_leaves` returns."""
    if isinstance(tree, dict):
        return {key: tree_map(fn, item) for key, item in tree.items()}
    if isinstance(tree, (tuple, list)):
        items = [tree_map(fn, item) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        fields = dataclasses.fields(tree)
        return dataclasses.replace(
            tree, **{field.name: tree_map(fn, getattr(tree, field.name)) for field in fields}
        )
    return tree if tree is None or isinstance(tree, (str, bool, int)) else fn(tree)


def is_float(leaf: Any) -> bool:
    """Whether a leaf carries a gradient."""
    return np.asarray(leaf).dtype.kind == "f"


def in_double(tree: Any) -> Any:
    """Return a copy of the tree with every float leaf in float64."""
    return tree_map(lambda leaf: np.array(leaf, float) if is_float(leaf) else leaf, tree)


def wanted_positions(program: Program) -> list[int]:
    """Return the positions of the arguments that `wrt` names."""
    names = list(inspect.signature(program.fn).parameters)
    wrt = program.wrt if isinstance(program.wrt, tuple) else (program.wrt,)
    return [names.index(item) if isinstance(item, str) else item for item in wrt]


def wanted_leaves(program: Program, args: tuple[Any, ...]) -> Leaves:
    """Return the leaves of the arguments that are differentiated, in the order of `wrt`."""
    return tree_leaves([args[position] for position in wanted_positions(program)])


def with_wanted(program: Program, args: tuple[Any, ...], leaves: Leaves) -> tuple[Any, ...]:
    """Return the arguments with the differentiated leaves replaced."""
    remaining, changed = iter(leaves), list(args)
    for position in wanted_positions(program):
        changed[position] = tree_map(lambda _: next(remaining), args[position])
    return tuple(changed)


def output_weights(program: Program, args: tuple[Any, ...]) -> Leaves | None:
    """Return one random array for each output leaf, or None for a program with a scalar value."""
    if program.scalar:
        return None
    rng = np.random.default_rng(7)
    outputs = tree_leaves(program.fn(*args))
    # Same dtype as the output: they serve as the cotangents for `vjp` too.
    return [rng.normal(size=np.shape(out)).astype(np.asarray(out).dtype) for out in outputs]


def weighted_value(program: Program, outputs: Any, weights: Leaves | None) -> Any:
    """Return the scalar whose gradient is compared."""
    if weights is None:
        return outputs[0] if program.has_aux else outputs
    leaves = tree_leaves(outputs)
    return sum((w * out).sum() for w, out in zip(weights, leaves, strict=True))


def directional_slope(
    program: Program, args: tuple[Any, ...], direction: Leaves, weights: Leaves | None
) -> float:
    """Return the slope of the value along `direction`, by fourth-order central differences."""
    args = in_double(args)
    start = wanted_leaves(program, args)

    def value(step: float) -> float:
        moved = [leaf + step * way for leaf, way in zip(start, direction, strict=True)]
        outputs = program.fn(*with_wanted(program, args, moved))
        return float(weighted_value(program, outputs, weights))

    near = (value(STEP) - value(-STEP)) / (2 * STEP)
    far = (value(2 * STEP) - value(-2 * STEP)) / (4 * STEP)
    return (4 * near - far) / 3


def with_other_numpy(fn: Callable[..., Any], other: Any) -> Callable[..., Any]:
    """Return `fn`, and the functions of its module that it calls, with `np` meaning `other`."""
    scope = dict(fn.__globals__)
    for name, item in fn.__globals__.items():
        if isinstance(item, FunctionType) and item.__module__ == fn.__module__:
            scope[name] = _in_scope(item, scope)
    scope["np"] = other
    return _in_scope(fn, scope)


def _in_scope(fn: FunctionType, scope: dict[str, Any]) -> FunctionType:
    moved = FunctionType(fn.__code__, scope, fn.__name__, fn.__defaults__, fn.__closure__)
    moved.__kwdefaults__ = fn.__kwdefaults__
    return moved


def jax_gradient(program: Program, args: tuple[Any, ...], weights: Leaves | None) -> Leaves:
    """Return the gradient of the same source by JAX, in float64."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    args = tree_map(jax.numpy.asarray, in_double(args))
    fn = with_other_numpy(program.fn, jax.numpy)

    def value(leaves: Leaves) -> Any:
        return weighted_value(program, fn(*with_wanted(program, args, leaves)), weights)

    return [np.asarray(g) for g in jax.grad(value)(wanted_leaves(program, args))]


def autograd_gradient(program: Program, args: tuple[Any, ...], weights: Leaves | None) -> Leaves:
    """Return the gradient of the same source by HIPS autograd, in float64."""
    autograd = pytest.importorskip("autograd")
    args = in_double(args)
    fn = with_other_numpy(program.fn, pytest.importorskip("autograd.numpy"))

    def value(leaves: Leaves) -> Any:
        return weighted_value(program, fn(*with_wanted(program, args, leaves)), weights)

    return list(autograd.grad(value)(wanted_leaves(program, args)))


def torch_gradient(program: Program, args: tuple[Any, ...]) -> Leaves:
    """Return the gradient of the program's torch version, in float64."""
    torch = pytest.importorskip("torch")
    assert program.torch is not None
    tensors = tree_map(lambda leaf: torch.from_numpy(np.array(leaf)), in_double(args))
    wanted = [leaf.requires_grad_() for leaf in wanted_leaves(program, tensors)]
    fn = program.torch
    with pytest.MonkeyPatch.context() as patched:
        if fn is True:
            patched.setattr(torch.Tensor, "copy", torch.Tensor.clone, raising=False)
            fn = with_other_numpy(program.fn, TorchAsNumPy(torch))
        fn(*tensors).backward()
    return [leaf.grad.numpy() for leaf in wanted]


TORCH_NAMES = {
    "copy": "clone",
    "ascontiguousarray": "clone",
    "concatenate": "cat",
    "array": "tensor",
    "float64": "double",
}


class TorchAsNumPy:
    """The torch module under NumPy's names, as far as the programs of the zoo use them."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def __getattr__(self, name: str) -> Any:
        if name == "cross":  # torch.cross takes another axis
            return self.torch.linalg.cross
        found = getattr(self.torch, TORCH_NAMES.get(name, name))
        if name in ("zeros", "ones", "empty", "full", "eye", "arange", "linspace"):
            return lambda *args: found(*args, dtype=self.torch.double)
        return found


def hand_gradient(program: Program, args: tuple[Any, ...]) -> Leaves:
    """Return the gradient that the program states itself."""
    assert program.gradient is not None
    return tree_leaves(program.gradient(*args))
