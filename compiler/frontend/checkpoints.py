"""Parts of a program that backward computes again."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from ..errors import CaptureError
from ..ir import Value
from ..primitives.regions import block
from .active import current_trace
from .bodies import Body, Slot, capture_body, entering, invariants_of, leaving
from .carrying import fields, parameter_names
from .fence import changed_argument, stored_and_shared
from .source import user_line
from .staging import call
from .trace import Trace
from .tracer import Tracer
from .tree import unflatten

P = ParamSpec("P")
R = TypeVar("R")


def checkpoint(function: Callable[P, R]) -> Callable[P, R]:
    """Let backward compute a function again, rather than save what it needs of it.

    Only the arguments are kept, and the outer values that the function uses.

    Args:
        function: Takes and returns arrays, numbers, and structures of these. Call-backs in it run
            once, forward. Numbers that depend on no argument stay plain numbers in it.

    Raises:
        CaptureError: What is given is no function.

    Example:
        >>> import numpy as np
        >>> import gradc
        >>> layer = gradc.checkpoint(lambda x: np.tanh(np.sin(x)))
        >>> f = gradc.compile_grad(lambda x: np.sum(layer(layer(x))))
        >>> f.grad(np.zeros(2))
        array([1., 1.])
    """
    if not callable(function):
        raise CaptureError(
            "checkpoint takes a function",
            got=type(function).__name__,
            where=user_line(),
            fix="write gradc.checkpoint(function)(*arguments)",
        )

    @functools.wraps(function)
    def recomputed(*args: P.args, **kwargs: P.kwargs) -> R:
        trace = current_trace()
        if trace is None:
            return function(*args, **kwargs)
        found: R = _captured(trace, function, args, kwargs)
        return found

    return recomputed


def _captured(
    trace: Trace, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    tree, every, _ = fields((args, kwargs), "operand", bools=False)
    names = _names(function, args, kwargs)
    arrays = [i for i, leaf in enumerate(every) if type(leaf) not in (int, float)]
    leaves = [every[i] for i in arrays]
    slots = [Slot.of(every[i], names[i]) for i in arrays]
    name = getattr(function, "__name__", "block")
    count = 0

    def with_arrays(*params: Any) -> Any:
        for i, param in zip(arrays, params, strict=True):
            every[i] = param
        own_args, own_kwargs = unflatten(tree, every)
        given = list(every)
        returned = call(function, *own_args, **own_kwargs)
        kept, left, _ = fields((own_args, own_kwargs), "operand", bools=False)
        if kept != tree or any(a is not b for a, b in zip(left, given, strict=True)):
            raise changed_argument(name)
        return returned

    def with_stores(returned: Any, params: list[Tracer]) -> Any:
        nonlocal count
        count = len(fields(returned, "result", bools=False)[1])
        return returned, [one for one in params if one.storage.version]

    body = capture_body(with_arrays, slots, lambda params: tuple(params), with_stores, is_once=True)
    rest = invariants_of([body])
    _refuse_shared_stores(trace, body, leaves, rest)
    given = [entering(trace, leaf, slot) for leaf, slot in zip(leaves, slots, strict=True)]
    attrs = {
        "body": body.graph(rest),
        "name": name if name.isidentifier() else "block",
    }
    outs = trace.structured(block, [*given, *rest], attrs)
    results = [leaving(trace, out, slot) for out, slot in zip(outs, body.slots, strict=True)]
    changed = iter(results[count:])
    results[:count] = _sharing(trace, body, leaves, results[:count])
    for leaf, is_changed in zip(leaves, body.changed, strict=True):
        if is_changed:
            trace.store(trace.array_of(leaf), next(changed).value)
    return unflatten(body.tree, results)[0]


def _refuse_shared_stores(
    trace: Trace, body: Body, operands: Sequence[Any], outer: Sequence[Tracer]
) -> None:
    """Refuse stores to an array that the function has under another name too: it reads two."""
    if not any(body.changed):
        return
    roots = {node.out: node.operands[0] for node in trace.builder.nodes if node.is_view}

    def root(one: Tracer) -> Value:
        value = one.storage.value_in(trace)
        while value in roots:
            value = roots[value]
        return value

    found = [root(trace.array_of(one)) for one in operands]
    others = [root(one) for one in outer]
    for i, is_changed in enumerate(body.changed):
        if is_changed and found[i] in (*found[:i], *found[i + 1 :], *others):
            raise stored_and_shared(body.params[i].value.name)


def _sharing(
    trace: Trace, body: Body, operands: Sequence[Any], results: Sequence[Tracer]
) -> list[Tracer]:
    """Return the results with what they share in NumPy: memory of operands, or of each other.

    What is an operand itself, or an outer array, is that; what is a view must not be stored to.
    """
    given = {
        id(param.storage): operand for param, operand in zip(body.params, operands, strict=True)
    }
    first: dict[int, Tracer] = {}
    found: list[Tracer] = []
    for leaf, result in zip(body.leaves, results, strict=False):
        if not isinstance(leaf, Tracer) or leaf.scalar or leaf.weak:
            found.append(result)
            continue
        if leaf.tracing is not body.trace:
            result = leaf if leaf.tracing is trace else result
        elif id(leaf.storage) in given:
            operand = trace.array_of(given[id(leaf.storage)])
            if leaf.views:
                _link(result, operand)
            else:
                result = operand
        elif id(leaf.storage) in first:
            _link(result, first[id(leaf.storage)])
        first.setdefault(id(leaf.storage), result)
        found.append(result)
    return found


def _link(one: Tracer, other: Tracer) -> None:
    """Say that two arrays may share memory: neither can be stored to while both are alive."""
    one.storage.siblings.append(weakref.ref(other.storage))
    other.storage.siblings.append(weakref.ref(one.storage))


def _names(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[str]:
    """Return a name for each leaf of the arguments: that of its parameter."""
    known = parameter_names(function)[: len(args)]
    labels = [*known, *("operand" for _ in args[len(known) :]), *kwargs]
    pairs = zip(labels, (*args, *kwargs.values()), strict=True)
    return [name for label, value in pairs for name in fields(value, label, bools=False)[2]]
