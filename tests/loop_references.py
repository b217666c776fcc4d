"""What a program with structured control flow should give: by unrolling, by JAX, by differences."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradc
from gradc import compile_grad

from .programs.structured import LoopProgram
from .programs.unrolled import gradc_with, jax_control_flow, replayed, with_control
from .references import (
    in_double,
    output_weights,
    tree_leaves,
    tree_map,
    wanted_leaves,
    wanted_positions,
    weighted_value,
    with_wanted,
)

Args = tuple[Any, ...]


@functools.cache
def compiled_once(program: LoopProgram) -> Any:
    """Return the compiled program; all tests of a process share what it has generated."""
    return compile_grad(program.fn, **program.options)


@functools.cache
def unrolled_once(program: LoopProgram) -> LoopProgram:
    """Return the program as straight code for its own arguments."""
    return dataclasses.replace(program, fn=replayed(program.fn, program.args()))


def with_trips(program: LoopProgram, args: Args, steps: int, static: bool = True) -> LoopProgram:
    """Return the program with another trip count, which is part of its arguments."""
    count: Any = steps if static else np.array(steps)
    return dataclasses.replace(
        program,
        make_args=lambda rng: (*program.make_args(rng), count),
        static_argnames=program.static_argnames if static else (),
    )


def with_options(program: LoopProgram, **options: Any) -> LoopProgram:
    """Return the program with options given to each of its loops that takes them."""
    loops = {}
    for name in ("fori_loop", "while_loop", "scan"):
        function = getattr(gradc, name)
        if inspect.signature(function).parameters.keys() >= options.keys():
            loops[name] = functools.partial(function, **options)
    return dataclasses.replace(program, fn=with_control(program.fn, gradc=gradc_with(**loops)))


def jax_gradient(program: LoopProgram, args: Args) -> list[Any]:
    """Return the gradient by JAX in float64, forward: so that while loops have one, too."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    weights = output_weights(program, args)
    args = tree_map(jax.numpy.asarray, in_double(args))
    if callable(program.jax):
        fn = functools.partial(program.jax, jax)
    else:
        fn = with_control(program.fn, np=jax.numpy, gradc=jax_control_flow(jax))

    def value(leaves: list[Any]) -> Any:
        return weighted_value(program, fn(*with_wanted(program, args, leaves)), weights)

    return [np.asarray(g) for g in jax.jacfwd(value)(wanted_leaves(program, args))]


def slope_along(program: LoopProgram, args: Args, seed: int) -> Callable[..., Any]:
    """Return the function of the program's arguments that gives its slope along a direction."""
    weights = output_weights(program, args)
    rng = np.random.default_rng(seed)
    direction = [rng.normal(size=np.shape(leaf)) for leaf in wanted_leaves(program, args)]
    options: dict[str, Any] = {
        "wrt": tuple(wanted_positions(program)),
        "static_argnames": program.static_argnames,
    }

    @functools.wraps(program.fn)
    def value(*args: Any) -> Any:
        outputs = program.fn(*args)
        return weighted_value(program, outputs, weights)

    @functools.wraps(program.fn)
    def slope(*args: Any) -> Any:
        leaves = tree_leaves(gradc.func.grad(value, **options)(*args))
        return sum(np.sum(leaf * way) for leaf, way in zip(leaves, direction, strict=True))

    return slope


def second_derivative(program: LoopProgram, args: Args, seed: int) -> list[Any]:
    """Return the gradient of the slope along a direction: a row of the Hessian."""
    wanted = tuple(wanted_positions(program))
    slope = slope_along(program, args, seed)
    compiled = compile_grad(slope, wrt=wanted, static_argnames=program.static_argnames)
    return tree_leaves(compiled.grad(*args))
