"""Loops and branches that stay loops and branches in the program."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ..errors import CaptureError
from ..primitives import regions
from ..primitives.elementwise import cast
from ..primitives.elementwise.casting import extent
from ..primitives.regions import INDEX, Checkpoint
from ..types import BOOL, INDEX_DTYPE, ArrayType, Sym, format_shape
from .active import current_trace
from .bodies import Body, Slot, capture_body, carry, entering, invariants_of, leaving
from .carrying import (
    Carry,
    Function,
    capture_at_work,
    check_function,
    checkpoint_of,
    copied,
    fields,
    parameter_names,
    structure,
)
from .fence import unlike_branches
from .source import user_line
from .trace import Trace
from .tracer import Tracer
from .tree import unflatten


def _bound(trace: Trace, number: Any, what: str) -> Any:
    """Return a bound of a loop as an integer value."""
    if isinstance(number, Sym):
        return trace.add(extent, (), {"dim": number, "dtype": INDEX_DTYPE})
    if isinstance(number, Tracer) and not number.ndim and number.dtype.kind in "iu":
        value = trace.value_of(number)
        if value.dtype == INDEX_DTYPE:
            return value
        return trace.add(cast, (value,), {"dtype": INDEX_DTYPE})
    is_plain = not isinstance(number, Tracer | bool) and isinstance(number, int | np.integer)
    if is_plain and (number or what != "step") and -(2**63) <= number < 2**63:
        return trace.value_of(np.int64(number))
    raise CaptureError(
        f"the {what} of a loop is an integer" + (", and not 0" if what == "step" else ""),
        got=repr(number),
        where=user_line(),
        fix="convert it: int(...), or .astype(np.int64) where it is traced",
    )


def fori_loop(
    start: Any,
    stop: Any,
    body: Callable[[Any, Any], Any],
    init: Any,
    *,
    step: Any = 1,
    checkpoint: Literal["sqrt"] | None = None,
    every: int | None = None,
    memory: str | int | None = None,
) -> Any:
    """Run ``carry = body(i, carry)`` for ``i`` in ``range(start, stop, step)``.

    In a compiled function the loop stays a loop: the program does not grow with the number of
    iterations, which may depend on the arguments. Its gradient is a loop that runs the other way.

    Args:
        start: The first index, an integer.
        stop: Where it ends.
        body: Takes the index and the carry, returns the next carry, of the same structure, shapes
            and dtypes. Arrays of the carry may be stored to; a body that returns None hands on what
            it stored. All else that it names is the same in each iteration.
        init: The first carry: an array or number, or a structure of these. It is not changed.
        step: The step of the range, not 0.
        checkpoint: "sqrt" saves, for the gradient, the carry at about the square root of the number
            of iterations, and computes the others again.
        every: Save the carry every so many iterations, and compute the others again.
        memory: Save no more than this: "512MB", or bytes.

    Returns:
        The last carry.

    Raises:
        CaptureError: The body changes shapes or structure, or stores to what lies outside of it.

    Example:
        >>> import numpy as np
        >>> import gradc
        >>> @gradc.compile_grad
        ... def f(x):
        ...     return gradc.fori_loop(0, 3, lambda i, y: y * x, x)
        >>> float(f(2.0)), float(f.grad(2.0))
        (16.0, 32.0)
    """
    saved = checkpoint_of(checkpoint, every, memory)
    usage = "gradc.fori_loop(start, stop, lambda i, carry: ..., init)"
    check_function(body, "the body of fori_loop", "the index and the carry", 2, usage)
    return run_for(start, stop, step, body, init, saved, reverse=False)


def run_for(
    start: Any,
    stop: Any,
    step: Any,
    body: Function,
    init: Any,
    saved: Checkpoint | None,
    reverse: bool,
) -> Any:
    """Run a loop over a range, or over the same range from its end; see ``fori_loop``."""
    trace = capture_at_work(init)
    if trace is None:
        state = copied(init)
        places = range(*map(_plain_bound, (start, stop, step)))
        for i in reversed(places) if reverse else places:
            state = copied(_or_stored(body(i, state), state))
        return state
    names = parameter_names(body)
    state = Carry(trace, init, body, 1)
    index = Slot(INDEX, names[0] if names else "i", "number", True)

    def attempt(slots: Sequence[Slot]) -> Body:
        return capture_body(
            body,
            (index, *slots),
            lambda params: (params[0], state.given(params[1:])),
            state.next,
            [one.type for one in slots],
        )

    slots, found = carry(state.leaves, state.names, attempt, state.label)
    rest = invariants_of([found])
    pairs = zip((start, stop, step), ("start", "stop", "step"), strict=True)
    bounds = [_bound(trace, number, what) for number, what in pairs]
    attrs = {
        "body": found.graph(rest),
        "carried": len(slots),
        "reverse": reverse,
        "most": None,
        "checkpoint": saved,
    }
    outs = trace.structured(regions.for_loop, [*bounds, *state.entering(slots), *rest], attrs)
    return state.leaving(outs, slots, found)


def _plain_bound(number: Any) -> int:
    return operator.index(number)


def _or_stored(returned: Any, state: Any) -> Any:
    return state if returned is None else returned


def while_loop(
    condition: Callable[[Any], Any],
    body: Callable[[Any], Any],
    init: Any,
    *,
    every: int | None = None,
) -> Any:
    """Run ``carry = body(carry)`` as long as ``condition(carry)``.

    Args:
        condition: Takes the carry, gives one bool (or number, true where it is not 0).
        body: As for ``fori_loop``.
        init: The first carry. It is not changed.
        every: Save the carry every so many iterations for the gradient, and compute the others
            again.

    Returns:
        The last carry.

    Raises:
        CaptureError: As for ``fori_loop``; or the condition is not one bool.

    Example:
        >>> import numpy as np
        >>> import gradc
        >>> @gradc.compile_grad
        ... def root(a):  # Newton's method
        ...     return gradc.while_loop(
        ...         lambda x: np.abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a
        ...     )
        >>> round(float(root(2.0)), 6), round(float(root.grad(2.0)), 6)
        (1.414214, 0.353553)
    """
    saved = checkpoint_of(None, every, None)
    usage = "gradc.while_loop(lambda carry: ..., lambda carry: ..., init)"
    check_function(condition, "the condition of while_loop", "the carry", 1, usage)
    check_function(body, "the body of while_loop", "the carry", 1, usage)
    trace = capture_at_work(init)
    if trace is None:
        state = copied(init)
        while condition(state):
            state = copied(_or_stored(body(state), state))
        return state
    return _captured_while(trace, condition, body, init, saved)


def _captured_while(
    trace: Trace, condition: Function, body: Function, init: Any, saved: Checkpoint | None
) -> Any:
    kept = Carry(trace, init, body, 0)

    def arrange(params: list[Tracer]) -> tuple[Any]:
        return (kept.given(params),)

    def attempt(slots: Sequence[Slot]) -> Body:
        return capture_body(body, slots, arrange, kept.next, [one.type for one in slots])

    slots, found = carry(kept.leaves, kept.names, attempt, kept.label)
    test = capture_body(condition, slots, arrange, _condition)
    rest = invariants_of([found, test])
    attrs = {
        "condition": test.graph(rest),
        "body": found.graph(rest),
        "carried": len(slots),
        "checkpoint": saved,
    }
    outs = trace.structured(regions.while_loop, [*kept.entering(slots), *rest], attrs)
    return kept.leaving(outs, slots, found)


def _condition(returned: Any, params: Sequence[Tracer]) -> Any:
    """Return the condition of a loop as one bool.

    Raises:
        CaptureError: It is something else, never becomes false, or changes what is carried.
    """
    if any(one.storage.version for one in params):
        raise CaptureError(
            "the condition of while_loop stores to what is carried",
            where=user_line(),
            fix="store to it in the body, or to a copy",
        )
    is_plain = not isinstance(returned, Tracer)
    if isinstance(returned, bool | int | float | np.generic) and is_plain and returned:
        raise CaptureError(
            "the condition of while_loop is true whatever is carried: the loop would never end",
            got=repr(returned),
            where=user_line(),
            fix="let it depend on what is carried",
        )
    return _truth(returned)


def _truth(returned: Any) -> Any:
    """Return a condition as one bool.

    Raises:
        CaptureError: It is something else.
    """
    trace = current_trace()
    assert trace is not None
    if not isinstance(returned, Tracer) and isinstance(returned, bool | int | float | np.generic):
        returned = trace.array_of(np.bool_(returned))
    if not isinstance(returned, Tracer) or returned.size != 1:
        raise CaptureError(
            "a condition is one bool",
            got=str(returned.type) if isinstance(returned, Tracer) else repr(returned),
            where=user_line(),
            fix="reduce it with np.all or np.any",
        )
    returned = returned.reshape(()) if returned.ndim else returned
    return returned if returned.dtype == BOOL else returned != 0


def cond(
    predicate: Any,
    true_function: Function,
    false_function: Function,
    *operands: Any,
) -> Any:
    """Return ``true_function(*operands)`` if ``predicate``, else ``false_function(*operands)``.

    In a compiled function the branch is taken at each call; only that one runs, forward and
    backward. Both must return the same structure and shapes.

    Args:
        predicate: One bool, or a number, true where it is not 0.
        true_function: Takes the operands.
        false_function: Takes the operands.
        *operands: Arrays, numbers, structures of these. What is stored to them in a branch does not
            reach the caller's. Other values that a branch names may be used too.

    Returns:
        What the branch that is taken returns.

    Raises:
        CaptureError: The branches return different structures or shapes.

    Example:
        >>> import gradc
        >>> f = gradc.compile_grad(
        ...     lambda x: gradc.cond(x > 0, lambda x: x * x, lambda x: -x, x)
        ... )
        >>> float(f.grad(3.0)), float(f.grad(-3.0))
        (6.0, -1.0)
    """
    count, usage = len(operands), "gradc.cond(predicate, lambda x: ..., lambda x: ..., x)"
    for function in (true_function, false_function):
        check_function(function, "a branch of cond", f"its operands, here {count}", count, usage)
    trace = capture_at_work(predicate, operands)
    if isinstance(predicate, Tracer) and predicate.array is not None:
        predicate = bool(predicate.array)
    if trace is None or not isinstance(predicate, Tracer):
        chosen = true_function if predicate else false_function
        return _chosen(chosen, operands)
    return _captured_cond(trace, predicate, (true_function, false_function), operands)


def _captured_cond(
    trace: Trace, predicate: Tracer, functions: tuple[Function, Function], operands: Sequence[Any]
) -> Any:
    tree, leaves, names = fields(operands, "operand", bools=False)
    slots = [Slot.of(leaf, name) for leaf, name in zip(leaves, names, strict=True)]

    def attempt(function: Function, types: Sequence[ArrayType] | None = None) -> Body:
        return capture_body(function, slots, lambda params: unflatten(tree, params), types=types)

    bodies = [attempt(function) for function in functions]
    joined = _joined(bodies)
    types = [one.type for one in joined]
    for i, function in enumerate(functions):
        if [one.type for one in bodies[i].outputs] != types:
            bodies[i] = attempt(function, types)
    rest = invariants_of(bodies)
    attrs = {"true": bodies[0].graph(rest), "false": bodies[1].graph(rest)}
    given = [entering(trace, leaf, slot) for leaf, slot in zip(leaves, slots, strict=True)]
    test = trace.value_of(_truth(predicate))
    outs = trace.structured(regions.cond, [test, *given, *rest], attrs)
    results = [leaving(trace, out, slot) for out, slot in zip(outs, joined, strict=True)]
    return unflatten(bodies[0].tree, results)


def _chosen(function: Function, operands: Sequence[Any]) -> Any:
    """Call the one branch that is taken; what it gets and gives are arrays of their own."""
    return copied(function(*copied(operands)))


def _joined(bodies: Sequence[Body]) -> list[Slot]:
    first, second = bodies
    shapes = [[one.type.shape for one in body.slots] for body in bodies]
    if first.tree != second.tree:
        raise unlike_branches(f"{structure(first.tree)} and {structure(second.tree)}")
    if shapes[0] != shapes[1]:
        texts = (", ".join(map(format_shape, one)) for one in shapes)
        raise unlike_branches(" and ".join(texts))
    pairs = zip(first.slots, second.slots, strict=True)
    return [one.joined(other, f"result {i + 1}") for i, (one, other) in enumerate(pairs)]
