"""Expressions as ``ast``: templates of primitives filled with their operands, and literals."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...primitives.elementwise.casting import dtype_name
from ...types import ArrayType, format_shape


@lru_cache(maxsize=8192)
def _parsed(template: str, count: int, mode: str) -> ast.AST:
    text = template.format(*(f"_{i}_" for i in range(count)))
    tree = ast.parse(text, mode=mode)
    return tree.body if isinstance(tree, ast.Expression) else tree.body[0]  # type: ignore[attr-defined]


def fill(template: str, operands: Sequence[ast.expr]) -> ast.expr:
    """Return an expression template with ``{0}``, ``{1}`` ... replaced."""
    tree = _parsed(template, len(operands), "eval")
    return _replaced(tree, {f"_{i}_": one for i, one in enumerate(operands)})  # type: ignore[return-value]


def fill_statement(template: str, operands: Sequence[ast.expr]) -> ast.stmt:
    """Return a statement template with ``{0}``, ``{1}`` ... replaced."""
    tree = _parsed(template, len(operands), "exec")
    return _replaced(tree, {f"_{i}_": one for i, one in enumerate(operands)})  # type: ignore[return-value]


def _replaced(node: ast.AST, operands: dict[str, ast.expr]) -> ast.AST:
    if isinstance(node, ast.Name):
        return operands.get(node.id, node)
    changed = {}
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            value = _replaced(value, operands)
        elif isinstance(value, list):
            value = [_replaced(one, operands) if isinstance(one, ast.AST) else one for one in value]
        changed[name] = value
    return type(node)(**changed)


def name(identifier: str) -> ast.Name:
    """Return a name that is read."""
    return ast.Name(identifier, ast.Load())


def number_text(value: object) -> str:
    """Return how Python code writes a number: ``2.0``, ``np.inf``, ``np.nan``."""
    if isinstance(value, float) and not np.isfinite(value):
        return "np.nan" if np.isnan(value) else ("np.inf" if value > 0 else "-np.inf")
    return repr(value)


def scalar_text(array: np.ndarray[tuple[()], np.dtype[np.generic]], typed: bool) -> str:
    """Return a rank-0 constant as code.

    Args:
        array: The constant.
        typed: Whether its dtype has to be written; not so beside an array of this dtype.
    """
    if array.dtype == np.bool_:
        return f"np.bool_({bool(array)})" if typed else str(bool(array))
    # The shortest decimal that gives the same number back in this precision.
    value = float(str(array)) if array.dtype.kind == "f" else int(array)
    text = number_text(value)
    return f"np.{array.dtype.name}({text})" if typed else text


def counts_up(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bool:
    """Whether a constant is 0, 1, 2 ... in NumPy's own integer dtype."""
    plain = array.ndim == 1 and array.size > 2 and array.dtype == np.int64
    return plain and np.array_equal(array, np.arange(array.size))


def array_text(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> str:
    """Return a small array constant as code."""
    if counts_up(array):
        return f"np.arange({array.size})"

    def listed(part: object) -> str:
        if isinstance(part, list):
            return "[" + ", ".join(map(listed, part)) + "]"
        return number_text(part)

    name = "bool" if array.dtype == np.bool_ else f"np.{array.dtype.name}"
    text = f"np.array({listed(array.tolist())}, dtype={name})"
    return text if array.size else f"np.zeros({array.shape}, dtype={name})"


def literal(number: Any, typed: bool) -> ast.expr:
    """Return a rank-0 constant as an expression."""
    return fill(scalar_text(number, typed), [])


def full(type: ArrayType, number: Any, allocate: bool) -> ast.expr:
    """Return the expression of an array of a type that repeats a number.

    Args:
        type: The type; of rank 0 it is a scalar.
        number: A rank-0 array.
        allocate: Whether it must be an array, which can be stored into, also of rank 0.
    """
    if not type.ndim:
        text = scalar_text(number, typed=True)
        return fill(f"np.array({text})" if allocate else text, [])
    shape, dtype = format_shape(type.shape), ""
    if type.dtype != np.float64:
        dtype = f", dtype={dtype_name(type.dtype)}"
    if number == 0 and not np.signbit(np.float64(number)):
        return fill(f"np.zeros({shape}{dtype})", [])
    return fill(f"np.full({shape}, {scalar_text(number, typed=False)}{dtype})", [])


def assign(target: str, value: ast.expr) -> ast.stmt:
    """Return the assignment of an expression to names."""
    (statement,) = ast.parse(f"{target} = 0").body
    assert isinstance(statement, ast.Assign)
    statement.value = value
    return statement


def subtracting(statement: ast.stmt) -> ast.stmt:
    """Return ``x -= y`` for ``x += -y``, and other statements as they are."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
        value = statement.value
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
            return ast.AugAssign(statement.target, ast.Sub(), value.operand)
    return statement
