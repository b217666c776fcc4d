"""How much memory NumPy text needs beside its operands and its result, read off the text."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

BOOL = 1 / 8  # of an array of eight-byte numbers
SMALL_RESULTS = {"sum", "prod", "mean", "max", "min", "any", "all", "norm", "var", "std"}
SMALL_RESULTS |= {"argmax", "argmin"}
BOOL_RESULTS = {"isnan", "isinf", "isfinite", "isneginf", "isposinf", "signbit"}
SAME_ARRAY = {"asarray", "swapaxes", "transpose", "reshape", "squeeze", "broadcast_to", "s_"}
# What functions of NumPy that are written in Python hold for a while, beside their result.
INSIDE = {"polyval": 1.0, "var": 1.0, "std": 1.0, "tril": BOOL, "triu": BOOL, "sinc": 1.0}


@lru_cache(maxsize=4096)
def workspace(text: str, functions: tuple[str, ...] = ()) -> float:
    """Return what a template allocates at once, beside its result, in arrays of its size.

    It counts as CPython does: a variable holds its array until it is assigned again, an argument
    until the call returns; NumPy computes in the memory of a temporary where operators allow it.

    Args:
        text: An expression or statement with ``{0}``, ``{1}`` ... for operands.
        functions: The source of the private functions that it calls.

    Example:
        >>> workspace("np.sqrt(np.square({0}).sum(axis=1))")
        1.0
    """
    known = {}
    for source in functions:
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                known[node.name] = node
    fields = [int(name) for _, name, _, _ in Formatter().parse(text) if name and name.isdigit()]
    operands = {f"_{i}_": _Held(1.0, 0.0) for i in range(max(fields, default=-1) + 1)}
    counted = _Scope(known, operands)
    (statement,) = ast.parse(text.format(*operands)).body
    if isinstance(statement, ast.Expr):
        result = counted.value(statement.value)
        return max(counted.peak - result.nbytes, 0.0)
    counted.statement(statement)
    return counted.peak


class _Held(NamedTuple):
    """What an expression gives, in full arrays: its size, and what it holds that nobody else does.

    Numbers, and arrays from which an axis was reduced, have no size.
    """

    size: float
    nbytes: float


_NUMBER = _Held(0.0, 0.0)


class _Scope:
    """The variables of one call.

    Attributes:
        peak: The most that was held at once.
    """

    def __init__(
        self, functions: Mapping[str, ast.FunctionDef], variables: Mapping[str, _Held]
    ) -> None:
        self.functions, self.variables = functions, dict(variables)
        self.peak, self.stack = 0.0, 0.0

    def hold(self, more: float) -> None:
        """Note that so much is held, beside the variables and the arguments on the stack."""
        held = sum(one.nbytes for one in self.variables.values())
        self.peak = max(self.peak, held + self.stack + more)

    def run(self, body: Sequence[ast.stmt]) -> _Held | None:
        """Run statements; return what they return."""
        for statement in body:
            result = self.statement(statement)
            if result is not None:
                return result
        return None

    def statement(self, node: ast.stmt) -> _Held | None:
        """Run one."""
        if isinstance(node, ast.Return):
            return self.value(node.value) if node.value else _NUMBER
        if isinstance(node, ast.Assign):
            self.assign(node.targets[0], node.value)
        elif isinstance(node, ast.AugAssign | ast.Expr):
            self.value(node.value)
        elif isinstance(node, ast.With):
            return self.run(node.body)
        elif isinstance(node, ast.For):
            for _ in range(2):
                self.run(node.body)
        elif isinstance(node, ast.If):
            self.value(node.test)
            self.run(node.orelse)
            self.run(node.body)
        return None

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        """Bind what an expression gives; a tuple in parts."""
        if isinstance(target, ast.Tuple):
            names = [one.id for one in target.elts if isinstance(one, ast.Name)]
            given = self.several(value, len(names))
            self.variables.update(zip(names, given, strict=True))
        else:
            found = self.value(value)
            if isinstance(target, ast.Name):
                self.variables[target.id] = found

    def several(self, value: ast.expr, count: int) -> list[_Held]:
        """Return what each part of an expression gives."""
        if isinstance(value, ast.Tuple):
            return self.arguments(value.elts)
        self.value(value)
        return [_Held(1.0, 1.0)] * count

    def arguments(self, nodes: Sequence[ast.expr]) -> list[_Held]:
        """Return what expressions give that are held together."""
        before, found = self.stack, []
        for node in nodes:
            found.append(self.value(node))
            self.stack += found[-1].nbytes
        self.stack = before
        return found

    def value(self, node: ast.expr) -> _Held:
        """Return what an expression gives."""
        if isinstance(node, ast.Name):
            known = self.variables.get(node.id, _NUMBER)
            return _Held(known.size, 0.0)
        if isinstance(node, ast.BinOp):
            return self.combined([node.left, node.right], 1.0)
        if isinstance(node, ast.UnaryOp):
            return self.combined([node.operand], 1.0)
        if isinstance(node, ast.Compare):
            return self.combined([node.left, *node.comparators], BOOL)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Tuple | ast.List):
            parts = self.arguments(node.elts)
            return _Held(_size(parts), sum(one.nbytes for one in parts))
        if isinstance(node, ast.Subscript | ast.Attribute):
            return self.value(node.value)
        return _NUMBER

    def combined(self, nodes: Sequence[ast.expr], width: float) -> _Held:
        """Return the result of an operator, which takes the memory of a temporary if it can."""
        parts = self.arguments(nodes)
        size = _size(parts)
        held = sum(one.nbytes for one in parts)
        is_taken = width == 1.0 and any(one.nbytes == size for one in parts)
        self.hold(held if is_taken else held + size * width)
        return _Held(size, size * width)

    def call(self, node: ast.Call) -> _Held:
        """Return what a call gives."""
        named = [one.value for one in node.keywords]
        if isinstance(node.func, ast.Name):
            parts = self.arguments([*node.args, *named])
            return self.private(node.func.id, parts)
        assert isinstance(node.func, ast.Attribute)
        label = node.func.attr
        parts = self.arguments([node.func.value, *node.args, *named])
        size = _size(parts)
        held = sum(one.nbytes for one in parts)
        if label in SAME_ARRAY:
            return _Held(size, held)
        inside = INSIDE.get(label, 0.0) * size
        if label in SMALL_RESULTS:
            size = 0.0
        made = size * BOOL if label in BOOL_RESULTS else size
        self.hold(held + made + inside)
        return _Held(size, made)

    def private(self, label: str, parts: Sequence[_Held]) -> _Held:
        """Return what a private function gives, while its arguments are held."""
        function = self.functions.get(label)
        if function is None:
            return _NUMBER
        names = [one.arg for one in function.args.args]
        inner = _Scope(self.functions, {})
        inner.variables = {
            name: _Held(one.size, 0.0) for name, one in zip(names, parts, strict=False)
        }
        result = inner.run(function.body) or _NUMBER
        self.hold(sum(one.nbytes for one in parts) + inner.peak)
        return _Held(1.0, result.nbytes if result.nbytes else 1.0)


def _size(parts: Sequence[_Held]) -> float:
    return max((one.size for one in parts), default=0.0)
