"""Capture of derivative rules, and what they have to give."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import CaptureError, TypeRuleError
from ..ir import Graph
from ..primitives.control import hook
from ..primitives.custom import Rules
from ..types import ArrayType
from .active import current_trace
from .bodies import Body, Slot, capture_body
from .source import user_line
from .tracer import Storage, Tracer
from .tree import Branch, Leaf, Tree, count_leaves, flatten, is_leaf, parts, unflatten


class Call(NamedTuple):
    """One call of a function with rules.

    Attributes:
        name: The name of the function.
        static: The arguments that are not differentiated, handed on as they are, by position.
        trees: The structure of each other argument.
        slots: Its leaves, one argument behind the other.
    """

    name: str
    static: dict[int, Any]
    trees: tuple[Tree, ...]
    slots: tuple[Slot, ...]

    def same_as(self, other: Call) -> bool:
        """Whether both are captured to the same graphs."""
        if self.static.keys() != other.static.keys() or self.trees != other.trees:
            return False
        mine, theirs = (
            [(one.type, one.kind, one.row_major) for one in call.slots] for call in (self, other)
        )
        alike = (
            self.static[i] is one or _equal(self.static[i], one) for i, one in other.static.items()
        )
        return mine == theirs and all(alike)

    def structures(self, leaves: Sequence[Any]) -> list[Any]:
        """Return leaves in the structure of the arguments that are not static."""
        rest, found = list(leaves), []
        for tree in self.trees:
            count = count_leaves(tree)
            found.append(unflatten(tree, rest[:count]))
            rest = rest[count:]
        return found

    def arguments(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Return all arguments, with these leaves."""
        others = iter(self.structures(leaves))
        count = len(self.static) + len(self.trees)
        return tuple(self.static[i] if i in self.static else next(others) for i in range(count))


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and type(one) in (int, float, bool, str) and one == other


@dataclass(eq=False)
class Pending:
    """A call whose rules are being captured; if they call the function, they use these rules too.

    Attributes:
        function: The object that was called.
        call: How.
        body: What it computes.
        rules: What will be the rules.
        closed: The outer values that all of them take, as far as they are known.
        is_used: Whether the rules do call the function.
    """

    function: object
    call: Call
    body: Body
    rules: Rules
    closed: list[Tracer]
    is_used: bool = False


class _Stack(threading.local):
    def __init__(self) -> None:
        self.pending: list[Pending] = []


_stack = _Stack()


def pending_rules(function: object, call: Call) -> Pending | None:
    """Return the call of this function whose rules are being captured, if it is like this one."""
    for one in reversed(_stack.pending):
        if one.function is function and one.call.same_as(call):
            one.is_used = True
            return one
    return None


def capture_primal(function: Callable[..., Any], call: Call) -> Body:
    """Capture what a function with rules computes.

    Raises:
        CaptureError: It stores to an argument.
    """
    body = capture_body(function, call.slots, lambda leaves: call.arguments(leaves))
    _refuse_stores(body, call, call.name)
    return body


def capture_rules(
    function: object,
    call: Call,
    body: Body,
    closed: Sequence[Tracer],
    attempt: Callable[[Pending], list[Body]],
    closing: Callable[[Sequence[Body]], list[Tracer]],
) -> tuple[Pending, list[Body]]:
    """Capture rules, again where they use themselves with outer values not known before.

    Args:
        function: The object that was called.
        call: How.
        body: What it computes.
        closed: The outer values that the body takes.
        attempt: Captures the rules.
        closing: Returns the outer values that bodies take.
    """
    while True:  # the outer values only get more, so it ends
        pending = Pending(function, call, body, Rules(call.name, len(call.slots)), list(closed))
        _stack.pending.append(pending)
        try:
            bodies = attempt(pending)
        finally:
            _stack.pending.pop()
        found = closing([body, *bodies])
        if not pending.is_used:
            pending.closed = found
        if len(pending.closed) == len(found):
            return pending, bodies
        closed = found


def capture_rule(
    function: Callable[..., Any],
    call: Call,
    slots: Sequence[Slot],
    arrange: Callable[[list[Tracer]], tuple[Any, ...]],
    result: Callable[[Any], list[Any]],
    types: Sequence[ArrayType],
) -> Body:
    """Capture one rule; ``result`` checks what it returns and gives the leaves to take.

    Raises:
        CaptureError: It stores to an argument, or registers a hook.
    """
    body = capture_body(function, slots, arrange, lambda returned, _: result(returned), types)
    if has_hooks(body.trace.graph(())):
        raise CaptureError(
            f"a derivative rule of {call.name} registers a hook, which would never be called",
            where=user_line(),
            fix="register it on an argument or on the result, outside of the function",
        )
    return body


def has_hooks(graph: Graph) -> bool:
    """Whether a graph, or a loop or branch in it, has a hook; functions with rules apart."""
    return any(
        node.primitive is hook or ("rules" not in node.attrs and any(map(has_hooks, node.regions)))
        for node in graph.nodes
    )


def _refuse_stores(body: Body, call: Call, what: str) -> None:
    for slot, changed in zip(call.slots, body.changed, strict=False):
        if changed:
            raise CaptureError(
                f"{what} stores to its argument {slot.name}; a function with derivative rules "
                "must not change its arguments",
                got=f"{slot.name}: {slot.type}",
                where=user_line(),
                fix=f"let it store to a copy: {slot.name} = {slot.name}.copy()",
            )


def refuse_stores_of_rule(body: Body, call: Call, rule: str) -> None:
    """Refuse a rule that stores to the arguments of the function.

    Raises:
        CaptureError: It does.
    """
    _refuse_stores(body, call, rule)


def mismatch(what: str, got: str, fix: str) -> TypeRuleError:
    """Return the error for a rule that gives something else than it should."""
    return TypeRuleError(what, got=got, where=user_line(), fix=fix)


def result_leaves(returned: Any, body: Body, rule: str) -> list[Any]:
    """Return the leaves of the result that a rule gives, which must be like the function's.

    Raises:
        TypeRuleError: It has another structure, shape or dtype.
    """
    leaves: list[Any] = []
    names: list[str] = []
    tree = flatten(returned, "result", leaves, names, objects=False)
    if tree != body.tree:
        wanted = unflatten(body.tree, ["array"] * len(body.slots))
        raise mismatch(
            f"{rule} gives a result of another structure than the function",
            f"{describe(returned)}, not {describe(wanted)}",
            "let it give what the function returns",
        )
    for leaf, name, slot in zip(leaves, names, body.slots, strict=True):
        check_type(leaf, slot, f"{rule} gives a {name} of another type than the function")
    return leaves


def check_type(leaf: Any, slot: Slot, what: str) -> None:
    """Refuse a leaf that is of another type than a slot; Python numbers yield to other dtypes.

    Raises:
        TypeRuleError: With both types.
    """
    found, wanted = Slot.of(leaf, None), slot.type
    fits = found.type.dtype == wanted.dtype
    if wanted.is_float and "number" in (found.kind, slot.kind):
        fits = True
    if found.type.shape == wanted.shape and fits:
        return
    fix = "sum over the axes along which it was broadcast, or broadcast it"
    if found.type.shape == wanted.shape:
        fix = f"convert it: .astype(np.{wanted.dtype})"
    raise mismatch(what, f"{found.type} for {wanted}", fix)


def matched(tree: Tree, value: Any, name: str, what: str) -> list[Any]:
    """Return one leaf of ``value`` for each of a tree, None where it has None in its place.

    Args:
        tree: The structure that it should have.
        value: What a rule gives.
        name: What the tree is of, for messages.
        what: What to say where the structures differ.

    Raises:
        TypeRuleError: The structures differ.
    """
    if value is None:
        return [None] * count_leaves(tree)
    if isinstance(tree, Leaf):
        if is_leaf(value):
            return [value]
    elif isinstance(tree, Branch):
        found = dict(parts(value) or ()) if type(value) is tree.kind else {}
        if found.keys() == set(tree.keys):
            return [
                leaf
                for key, child in zip(tree.keys, tree.children, strict=True)
                for leaf in matched(child, found[key], f"{name}[{key!r}]", what)
            ]
    elif unflatten(tree, []) is value:
        return []
    wanted = unflatten(tree, ["array"] * count_leaves(tree))
    raise mismatch(
        f"{what} for {name} has another structure",
        f"{describe(value)} for {describe(wanted)}",
        "give an array for each array in it, in the same structure, or None for all of it",
    )


def describe(value: Any) -> str:
    """Return a structure as text: ``(array, {'a': array})``."""
    if is_leaf(value) or value == "array" and isinstance(value, str):
        return "array"
    found = parts(value)
    if found is None:
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {describe(one)}" for key, one in found) + "}"
    inner = ", ".join(describe(one) for _, one in found)
    if type(value) is list:
        return f"[{inner}]"
    if type(value) is tuple:
        return f"({inner},)" if len(found) == 1 else f"({inner})"
    return f"{type(value).__name__}({inner})"


def zeros(type: ArrayType) -> Tracer:
    """Return zeros in the capture at work."""
    trace = current_trace()
    assert trace is not None
    return Tracer(trace, Storage(trace.builder.full(type, 0)), scalar=not type.ndim)


def is_number(leaf: Any) -> bool:
    """Whether a residual is a Python number that is known: it is handed on as it is."""
    return type(leaf) in (int, float)


def check_callable(rule: Any, what: str) -> None:
    """Refuse a rule that is no function.

    Raises:
        CaptureError: It is none.
    """
    if not callable(rule):
        raise CaptureError(f"{what} takes functions", got=type(rule).__name__, where=user_line())


def pair_of(returned: Any, rule: str, what: str) -> tuple[Any, Any]:
    """Return the pair that a rule must give.

    Raises:
        TypeRuleError: It gives something else.
    """
    if not isinstance(returned, tuple | list) or isinstance(returned, Tracer) or len(returned) != 2:
        raise mismatch(f"{rule} must return a pair: {what}", describe(returned), "return both")
    return returned[0], returned[1]


def check_float(slot: Slot, rule: str, what: str) -> None:
    """Refuse a derivative by what is not floating-point.

    Raises:
        TypeRuleError: It is not.
    """
    if not slot.type.is_float:
        raise mismatch(
            f"{rule} gives a {what} for {slot.name}, which is not floating-point",
            f"{slot.name}: {slot.type}",
            "give None",
        )
