"""What the control-flow functions mean, as plain Python loops, and the same with JAX.

A program of the zoo says `gradc.fori_loop`; `with_control` gives it another module in the place of
`gradc`. With `recorded` it runs as plain NumPy and its decisions are noted: bounds, outcomes of
conditions. With `replayed` gradc captures it as straight code that takes the same decisions: an
exact oracle for values and derivatives of any order.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from queue import SimpleQueue
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

import gradc

Tree = Any


def mapped(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """Return the tree with its leaves replaced by `function(leaf, *leaves of the others)`."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: mapped(function, tree[key], *(one[key] for one in others)) for key in tree}
    if isinstance(tree, (tuple, list)):
        items = [mapped(function, *items) for items in zip(tree, *others, strict=True)]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if dataclasses.is_dataclass(tree):
        changed = {}
        for field in dataclasses.fields(tree):
            parts = [getattr(one, field.name) for one in (tree, *others)]
            changed[field.name] = mapped(function, *parts)
        return dataclasses.replace(tree, **changed)
    return function(tree, *others)


def first_leaf(tree: Tree) -> Any:
    """Return the first array of a tree."""
    while isinstance(tree, (tuple, list, dict)):
        tree = next(iter(tree.values())) if isinstance(tree, dict) else tree[0]
    return tree


def _copied(leaf: Any) -> Any:
    return np.array(leaf) if isinstance(leaf, np.ndarray) else leaf


def own(tree: Tree) -> Tree:
    """Return the tree with arrays of its own: what a body gets shares memory with nothing."""
    return mapped(_copied, tree)


def control_flow(decide: Callable[[Any], Any]) -> ModuleType:
    """Return gradc with the control-flow functions as Python loops.

    Args:
        decide: Gets every bound and every outcome of a condition, and says what is taken for it.
    """

    def fori_loop(start, stop, body, init, *, step=1, **_):
        carry = init
        for i in range(decide(start), decide(stop), decide(step)):
            given = own(carry)
            result = body(i, given)
            carry = given if result is None else result
        return own(carry)

    def while_loop(condition, body, init, **_):
        carry = own(init)
        while decide(condition(carry)):
            given = own(carry)
            result = body(given)
            carry = given if result is None else result
        return own(carry)

    def cond(predicate, true_function, false_function, *operands):
        return (true_function if decide(predicate) else false_function)(*own(operands))

    def scan(body, init, xs=None, length=None, *, reverse=False, **_):
        carry, rows = init, []
        count = len(first_leaf(xs)) if length is None else length
        order = range(count - 1, -1, -1) if reverse else range(count)
        for k in order:
            row = mapped(lambda leaf, at=k: leaf[at], xs)
            carry, y = body(own(carry), own(row))
            rows.append(own(y))
        if reverse:
            rows = rows[::-1]
        return own(carry), mapped(lambda *leaves: np.stack(leaves), *rows)

    return gradc_with(
        fori_loop=fori_loop, while_loop=while_loop, cond=cond, scan=scan, checkpoint=lambda f: f
    )


def gradc_with(**functions: Any) -> ModuleType:
    """Return a module like gradc with other functions under these names."""
    module = ModuleType("gradc")
    vars(module).update({name: item for name, item in vars(gradc).items() if name[0] != "_"})
    vars(module).update(functions)
    return module


def with_control(fn: Callable[..., Any], **scope: Any) -> Callable[..., Any]:
    """Return `fn` with other globals, and so the functions of its module that it calls."""
    changed = dict(fn.__globals__)
    for name, item in fn.__globals__.items():
        if isinstance(item, FunctionType) and item.__module__ == fn.__module__:
            changed[name] = _in_scope(item, changed)
    changed.update(scope)
    return _in_scope(fn, changed)


def _in_scope(fn: FunctionType, scope: dict[str, Any]) -> FunctionType:
    moved = FunctionType(fn.__code__, scope, fn.__name__, fn.__defaults__, fn.__closure__)
    moved.__kwdefaults__ = fn.__kwdefaults__
    moved.__qualname__ = fn.__qualname__
    return moved


def recorded(fn: Callable[..., Any]) -> tuple[Callable[..., Any], SimpleQueue[Any]]:
    """Return the program on plain arrays, and the queue that gets its decisions.

    Capture, which may happen within the program, does not look into such a queue.
    """
    decisions: SimpleQueue[Any] = SimpleQueue()

    def decide(outcome: Any) -> Any:
        outcome = np.asarray(outcome).item()
        decisions.put(outcome)
        return outcome

    return with_control(fn, gradc=control_flow(decide)), decisions


def replayed(fn: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """Return the program as straight code, deciding as it does for these arguments.

    However often it is captured: each run takes as many decisions as there are.
    """
    plain, decisions = recorded(fn)
    plain(*own(args))
    taken = [decisions.get() for _ in range(decisions.qsize())]
    advance = itertools.cycle(taken).__next__

    def decide(_: Any) -> Any:
        return advance()

    return with_control(fn, gradc=control_flow(decide))


def jax_control_flow(jax: Any) -> ModuleType:
    """Return the control-flow functions by `jax.lax`, under gradc's names."""
    lax = jax.lax

    def fori_loop(start, stop, body, init, *, step=1, **_):
        trips = -((start - stop) // step)  # rounded up

        def at(count, carry):
            return body(start + count * step, carry)

        return lax.fori_loop(0, trips, at, mapped(jax.numpy.asarray, init))

    def while_loop(condition, body, init, **_):
        return lax.while_loop(condition, body, mapped(jax.numpy.asarray, init))

    def scan(body, init, xs=None, length=None, *, reverse=False, **_):
        return lax.scan(body, mapped(jax.numpy.asarray, init), xs, length, reverse)

    def grad(function, *, wrt=0):
        return jax.grad(function, argnums=wrt)

    return gradc_with(
        fori_loop=fori_loop,
        while_loop=while_loop,
        cond=lax.cond,
        scan=scan,
        checkpoint=jax.checkpoint,
        stop_gradient=lax.stop_gradient,
        func=_functions(grad),
        special=jax.scipy.special,
    )


@functools.cache
def _functions(grad: Callable[..., Any]) -> ModuleType:
    module = ModuleType("gradc.func")
    vars(module)["grad"] = grad
    return module
