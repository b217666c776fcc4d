"""Functions with a rule for forward mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from ..errors import CaptureError
from ..primitives import custom
from .active import current_trace
from .bodies import Body, Slot
from .rule_capture import (
    Call,
    Pending,
    capture_rule,
    check_callable,
    check_float,
    check_type,
    matched,
    mismatch,
    pair_of,
    refuse_stores_of_rule,
    result_leaves,
    zeros,
)
from .ruled import P, R, Ruled
from .source import user_line
from .staging import call as call_staged
from .tracer import Tracer
from .tree import flatten, unflatten

Rule = TypeVar("Rule", bound=Callable[..., Any])


class CustomJVP(Ruled[P, R]):
    """A function with a forward-mode rule; made by ``gradc.custom_jvp``, which says more."""

    primitive = custom.custom_jvp
    kind = "custom_jvp"
    define = "defjvp(rule)"
    _rule: Callable[..., Any] | None = None

    def defjvp(self, rule: Rule) -> Rule:
        """Define the rule; a decorator.

        Args:
            rule: Takes first the arguments that ``nondiff_argnums`` names, then a tuple of the
                others, then a tuple of their tangents (None for what is not floating-point).
                Returns a pair: what the function returns, and its tangent, in the same structure
                and linear in the tangents (None for what is not floating-point, or does not
                depend).

        Returns:
            ``rule``.
        """
        check_callable(rule, "defjvp")
        self._rule = rule
        return rule

    def defjvps(self, *rules: Callable[..., Any] | None) -> None:
        """Define the rule by one part for each argument; their sum is the tangent.

        Args:
            *rules: For each argument ``(tangent, result, *arguments) -> tangent of the result``, or
                None where the result does not depend on it.
        """
        if self._static:
            raise CaptureError(
                "defjvps does not go with nondiff_argnums", where=user_line(), fix="use defjvp"
            )
        for one in rules:
            if one is not None:
                check_callable(one, "defjvps")

        def rule(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
            if len(rules) != len(primals):
                raise mismatch(
                    f"defjvps of {self._name} takes a rule for each argument, or None",
                    f"{len(rules)} for {len(primals)} arguments",
                    "give one for each",
                )
            result = self._recorded_here(primals)
            leaves: list[Any] = []
            tree = flatten(result, "result", leaves, [], objects=False)
            total: list[Any] = [None] * len(leaves)
            for one, tangent in zip(rules, tangents, strict=True):
                if one is None or tangent is None:
                    continue
                part = call_staged(one, tangent, result, *primals)
                what = f"what a rule of {self._name} gives"
                for i, leaf in enumerate(matched(tree, part, "the result", what)):
                    if leaf is not None:
                        total[i] = leaf if total[i] is None else total[i] + leaf
            return result, unflatten(tree, total)

        self._rule = rule

    def _recorded_here(self, args: tuple[Any, ...]) -> Any:
        trace = current_trace()
        assert trace is not None
        return self._recorded(trace, args)

    def _is_defined(self) -> bool:
        return self._rule is not None

    def _attempt(self, call: Call, body: Body, pending: Pending) -> list[Body]:
        assert self._rule is not None
        rule, count = f"the rule of {self._name}", len(call.slots)
        types = [slot.type for slot in body.slots]

        def arguments(params: list[Tracer]) -> tuple[Any, ...]:
            given = iter(params[count:])
            tangents = [next(given) if slot.type.is_float else None for slot in call.slots]
            primals = call.structures(params[:count])
            return *call.static.values(), tuple(primals), tuple(call.structures(tangents))

        def results(returned: Any) -> list[Any]:
            out, tangent = pair_of(returned, rule, "the result and its tangent")
            leaves = result_leaves(out, body, rule)
            found = matched(body.tree, tangent, "the result", f"the tangent that {rule} gives")
            for leaf, slot in zip(found, body.slots, strict=True):
                if leaf is not None:
                    check_float(slot, rule, "tangent")
                    check_type(leaf, slot, f"{rule} gives a tangent not of the result's type")
                if slot.type.is_float:
                    types.append(slot.type)
            tangents = [
                zeros(slot.type) if leaf is None else leaf
                for leaf, slot in zip(found, body.slots, strict=True)
                if slot.type.is_float
            ]
            return [*leaves, *tangents]

        given = [
            Slot(slot.type, f"t_{slot.name}", slot.kind, False)
            for slot in call.slots
            if slot.type.is_float
        ]
        made = capture_rule(self._rule, call, [*call.slots, *given], arguments, results, types)
        refuse_stores_of_rule(made, call, rule)
        return [made]

    def _enter(self, pending: Pending, bodies: Sequence[Body]) -> None:
        pending.rules.tangent = bodies[0].graph(pending.closed)


@overload
def custom_jvp(
    function: Callable[P, R], nondiff_argnums: int | Sequence[int] = ()
) -> CustomJVP[P, R]: ...


@overload
def custom_jvp(
    function: None = None, nondiff_argnums: int | Sequence[int] = ()
) -> Callable[[Callable[P, R]], CustomJVP[P, R]]: ...


def custom_jvp(
    function: Callable[P, R] | None = None, nondiff_argnums: int | Sequence[int] = ()
) -> CustomJVP[P, R] | Callable[[Callable[P, R]], CustomJVP[P, R]]:
    """Give a function its own derivative, as the rule of forward mode.

    ``f.defjvp(rule)`` defines it, or ``f.defjvps`` with one part for each argument. Reverse mode
    transposes the rule, which is linear in the tangents. Of the two kinds of rule it is the one
    that serves all modes and all orders.

    Args:
        function: As for ``custom_vjp``.
        nondiff_argnums: As for ``custom_vjp``; the rule takes them first.

    Raises:
        CaptureError: As for ``custom_vjp``.
        TypeRuleError: As for ``custom_vjp``.

    Example:
        >>> import numpy as np
        >>> import gradc
        >>> @gradc.custom_jvp
        ... def safe_sqrt(x):
        ...     return np.sqrt(x)
        >>> @safe_sqrt.defjvp
        ... def rule(primals, tangents):
        ...     (x,), (t,) = primals, tangents
        ...     root = safe_sqrt(x)
        ...     return root, np.where(x > 0, t / (2 * np.where(x > 0, root, 1.0)), 0.0)
        >>> f = gradc.compile_grad(lambda x: np.sum(safe_sqrt(x)))
        >>> f.grad(np.array([0.0, 4.0]))
        array([0.  , 0.25])
    """
    if function is None:
        return lambda one: CustomJVP(one, nondiff_argnums)
    return CustomJVP(function, nondiff_argnums)
