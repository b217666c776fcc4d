"""How an elementwise primitive is entered: its type rules and its NumPy text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import TypeRuleError
from ...primitive import (
    Derivative,
    Example,
    Expand,
    Linear,
    NoGradient,
    NumPy,
    Partials,
    Primitive,
    Scalar,
)
from ...types import BOOL, ArrayType

KIND_NAMES = {"f": "floating-point", "i": "integer", "u": "integer", "b": "bool"}


def check_kinds(type: ArrayType, kinds: str) -> None:
    """Refuse a dtype whose kind is not among ``kinds``.

    Raises:
        TypeRuleError: With the kinds that are taken.
    """
    kind = "i" if type.dtype.kind == "u" else type.dtype.kind
    if kind not in kinds:
        wanted = " or ".join(dict.fromkeys(KIND_NAMES[one] for one in kinds))
        raise TypeRuleError(f"takes {wanted} arrays, not {type.dtype.name}")


def same_type(kinds: str) -> Callable[..., ArrayType]:
    """Return the type rule of operands that are all alike and a result like them."""

    def rule(first: ArrayType, *others: ArrayType) -> ArrayType:
        check_kinds(first, kinds)
        for other in others:
            if other != first:
                raise TypeRuleError("operands must have the same shape and dtype")
        return first

    return rule


def to_bool(kinds: str) -> Callable[..., ArrayType]:
    """Return the type rule of tests and comparisons."""
    operand_rule = same_type(kinds)

    def rule(*types: ArrayType) -> ArrayType:
        return operand_rule(*types).with_dtype(BOOL)

    return rule


def elementwise(
    name: str,
    *,
    partials: Callable[..., tuple[Any, ...]] | None = None,
    transpose: Callable[..., tuple[Any, ...]] | None = None,
    operator: str | None = None,
    expression: str | None = None,
    functions: tuple[str, ...] = (),
    expand: Callable[..., Any] | None = None,
    lower: Callable[..., Any] | None = None,
    arity: int = 1,
    type: Callable[..., ArrayType] | None = None,
    dtypes: str = "f",
    cheap: bool = False,
    domain: tuple[tuple[float, float], ...] = (),
    examples: tuple[Example, ...] = (),
) -> Primitive:
    """Enter an elementwise primitive.

    Args:
        name: The NumPy ufunc that it is, unless ``expression`` says otherwise.
        partials: ``(out, *operands) -> one partial each``.
        transpose: For linear ones, instead of ``partials``. With neither it has no gradient.
        operator: Its infix operator (arity 2) or prefix (arity 1), for readable code.
        expression: NumPy text where there is no such ufunc.
        functions: Source of private functions, callees first, where NumPy has none; the last one is
            what it is, unless ``expression`` says otherwise.
        expand: What it is made of, where that is not one NumPy function.
        lower: What native code does to one element, where it has no operation of this name.
        arity: The number of operands.
        type: Its type rule; operands and result alike if not given.
        dtypes: Kinds of dtype that it takes.
        cheap: Whether backward may run it again; see ``Primitive``.
        domain: (low, high) of each operand in tests; (-2, 2) if not given.
        examples: On what it is tested, where operands are not all alike.
    """
    derivative: Derivative = NoGradient()
    if partials is not None:
        derivative = Partials(partials)
    elif transpose is not None:
        derivative = Linear(transpose)
    slots = ", ".join("{%d}" % i for i in range(arity))
    out = None if expression or functions else f"np.{name}"
    if expression is None:
        expression = f"_{name}({slots})" if functions else f"np.{name}({slots})"
    if operator:
        expression = f"{{0}} {operator} {{1}}" if arity == 2 else f"{operator}{{0}}"
    return Primitive(
        name,
        type=type or same_type(dtypes),
        derivative=derivative,
        numpy=Expand(expand) if expand else NumPy(expression, out=out, functions=functions),
        elementwise=True,
        dtypes=dtypes,
        lower=Scalar(lower or name),
        cheap=cheap,
        domain=domain or ((-2.0, 2.0),) * arity,
        examples=examples,
    )
