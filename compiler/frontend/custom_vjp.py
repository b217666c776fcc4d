"""Functions with a rule for reverse mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from ..primitives import custom
from .bodies import Body, Slot
from .rule_capture import (
    Call,
    Pending,
    capture_rule,
    check_callable,
    check_float,
    check_type,
    describe,
    is_number,
    matched,
    mismatch,
    pair_of,
    refuse_stores_of_rule,
    result_leaves,
)
from .ruled import P, R, Ruled
from .tracer import Tracer
from .tree import Tree, flatten, unflatten


class CustomVJP(Ruled[P, R]):
    """A function with a reverse-mode rule; made by ``gradc.custom_vjp``, which says more."""

    primitive = custom.custom_vjp
    kind = "custom_vjp"
    define = "defvjp(forward, backward)"
    _forward: Callable[..., Any] | None = None
    _backward: Callable[..., Any] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Define the rule.

        Args:
            forward: Takes the arguments; returns a pair of what the function returns and of
                *residuals*: what ``backward`` will need, arrays in any structure.
            backward: Takes first the arguments that ``nondiff_argnums`` names, then the residuals,
                then the cotangent of the result, in its structure (None for what is not
                floating-point). Returns a tuple with the cotangent of each other argument, in its
                structure; None stands for no dependence.
        """
        for rule in (forward, backward):
            check_callable(rule, "defvjp")
        self._forward, self._backward = forward, backward

    def _is_defined(self) -> bool:
        return self._forward is not None

    def _attempt(self, call: Call, body: Body, pending: Pending) -> list[Body]:
        assert self._forward is not None
        assert self._backward is not None
        rule = f"the forward rule of {self._name}"
        held: list[Any] = []

        def results(returned: Any) -> list[Any]:
            out, residuals = pair_of(returned, rule, "its result and residuals")
            leaves: list[Any] = []
            tree = flatten(residuals, "residual", leaves, [], objects=False)
            held[:] = tree, leaves
            traced = [leaf for leaf in leaves if not is_number(leaf)]
            return [*result_leaves(out, body, rule), *traced]

        types = [slot.type for slot in body.slots]
        forward = capture_rule(
            self._forward, call, call.slots, lambda leaves: call.arguments(leaves), results, types
        )
        refuse_stores_of_rule(forward, call, rule)
        tree, leaves = held
        residuals = [
            Slot(slot.type, leaf.value.name if isinstance(leaf, Tracer) else None, slot.kind, False)
            for slot, leaf in zip(
                forward.slots[len(types) :],
                (leaf for leaf in leaves if not is_number(leaf)),
                strict=True,
            )
        ]
        places: list[int] = []
        backward = self._capture_backward(call, body, residuals, tree, leaves, places)
        pending.rules.places = tuple(places)
        return [forward, backward]

    def _capture_backward(
        self,
        call: Call,
        body: Body,
        residuals: Sequence[Slot],
        tree: Tree,
        leaves: Sequence[Any],
        places: list[int],
    ) -> Body:
        assert self._backward is not None
        rule = f"the backward rule of {self._name}"
        types: list[Any] = []

        def arguments(params: list[Tracer]) -> tuple[Any, ...]:
            given = iter(params)
            held = unflatten(tree, [one if is_number(one) else next(given) for one in leaves])
            cts = [next(given) if slot.type.is_float else None for slot in body.slots]
            return (*call.static.values(), held, unflatten(body.tree, cts))

        def cotangents(returned: Any) -> list[Any]:
            if type(returned) is not tuple or len(returned) != len(call.trees):
                count = len(call.trees)
                raise mismatch(
                    f"{rule} must return a tuple with a cotangent for each argument, or None",
                    f"{describe(returned)} for {count} argument" + "s" * (count != 1),
                    "for one argument write return (ct,)",
                )
            found = [
                leaf
                for i, (one, own) in enumerate(zip(returned, call.trees, strict=True))
                for leaf in matched(own, one, f"argument {i}", f"what {rule} gives")
            ]
            kept = []
            for i, (leaf, slot) in enumerate(zip(found, call.slots, strict=True)):
                if leaf is None:
                    continue
                check_float(slot, rule, "cotangent")
                what = f"{rule} gives a cotangent for {slot.name} that is not of its type"
                check_type(leaf, slot, what)
                kept.append(leaf)
                places.append(i)
                types.append(slot.type)
            return kept

        cts = [
            Slot(slot.type, f"ct_{out.name}" if out.name else "ct", slot.kind, False)
            for slot, out in zip(body.slots, body.outputs, strict=True)
            if slot.type.is_float
        ]
        return capture_rule(self._backward, call, [*residuals, *cts], arguments, cotangents, types)

    def _enter(self, pending: Pending, bodies: Sequence[Body]) -> None:
        forward, backward = bodies
        pending.rules.forward = forward.graph(pending.closed)
        pending.rules.backward = backward.graph(pending.closed)


@overload
def custom_vjp(
    function: Callable[P, R], nondiff_argnums: int | Sequence[int] = ()
) -> CustomVJP[P, R]: ...


@overload
def custom_vjp(
    function: None = None, nondiff_argnums: int | Sequence[int] = ()
) -> Callable[[Callable[P, R]], CustomVJP[P, R]]: ...


def custom_vjp(
    function: Callable[P, R] | None = None, nondiff_argnums: int | Sequence[int] = ()
) -> CustomVJP[P, R] | Callable[[Callable[P, R]], CustomVJP[P, R]]:
    """Give a function its own derivative, as the rule of reverse mode.

    ``f.defvjp(forward, backward)`` defines it; what the function does inside does not matter for
    its derivative then. The rules are captured as the function is: they can be differentiated
    again. Forward mode (``jvp``, ``hessian``) transposes the backward rule, where this is linear.

    Args:
        function: Takes arrays and structures of arrays by position, and does not change them.
            What it closes over is not differentiated by: that is an error.
        nondiff_argnums: Positions of arguments that are no arrays (functions, numbers, strings);
            ``backward`` takes them first.

    Raises:
        CaptureError: What is given is no function. When the function is called in a compiled one:
            there are no rules, or they do what cannot be captured.
        TypeRuleError: When it is called: a rule gives something of another structure, shape or
            dtype than it should.

    Example:
        >>> import numpy as np
        >>> import gradc
        >>> @gradc.custom_vjp
        ... def clipped(x):
        ...     return x
        >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (np.clip(ct, -1.0, 1.0),))
        >>> f = gradc.compile_grad(lambda x: np.sum(clipped(x) ** 2))
        >>> f.grad(np.array([0.25, 3.0]))
        array([0.5, 1. ])
    """
    if function is None:
        return lambda one: CustomVJP(one, nondiff_argnums)
    return CustomVJP(function, nondiff_argnums)
