"""The rewriting of a function so that capture sees what NumPy's protocols do not show.

Calls, attributes, items, outside names, f-strings and asserts go through the object that the
rewritten code knows as ``__gradc__`` (``Bindings``). Lines and local names stay as they are.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from typing import Any

from ..fence import BINDINGS
from .definition import Definition
from .scopes import Scope

# Methods that make built-in containers longer or shorter.
GROWING = frozenset(
    (
        *("append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault"),
        *("pop", "popleft", "popitem", "remove", "discard", "clear"),
        *("sort", "reverse", "rotate"),
    )
)
# These look at the frame that calls them.
_FRAME_READERS = {"super", "locals", "globals", "vars", "dir", "eval", "exec"}


def rewrite(definition: Definition, owner: str | None) -> Definition:
    """Return the rewritten definition.

    Args:
        definition: The definition; it is left as it is.
        owner: The class in whose body it stands.
    """
    made: Definition = _Rewriter(owner).function(copy.deepcopy(definition))
    return made


class _Rewriter(ast.NodeTransformer):
    def __init__(self, owner: str | None) -> None:
        self.owner = owner
        self.scopes: list[tuple[Scope, bool]] = []  # and whether it is a class body

    # Scopes

    def function(self, node: Any) -> Any:
        """Rewrite the body of a function or lambda in a scope of its own."""
        self.scopes.append((Scope(node), False))
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = self.block(node.body)
        self.scopes.pop()
        return node

    def block(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for one in statements:
            made = self.visit(one)
            found += made if isinstance(made, list) else [] if made is None else [made]
        return found or [ast.copy_location(ast.Pass(), statements[0])]

    def is_outer(self, name: str) -> bool:
        """Whether a name is a variable of something around the whole definition."""
        for place, (scope, is_class) in enumerate(reversed(self.scopes)):
            if is_class and place:
                continue
            if name in scope.globals:
                return True
            if name in scope.names:
                return False
        return name not in (BINDINGS, "__class__")

    def _arguments(self, node: Any) -> None:
        node.args.defaults = [self.visit(one) for one in node.args.defaults]
        node.args.kw_defaults = [one and self.visit(one) for one in node.args.kw_defaults]

    def visit_FunctionDef(self, node: Any) -> Any:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        self._arguments(node)
        return self.function(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self._arguments(node)
        return self.function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        node.bases = [self.visit(one) for one in node.bases]
        node.keywords = [self.visit(one) for one in node.keywords]
        outer, self.owner = self.owner, node.name
        self.scopes.append((Scope(node), True))
        node.body = self.block(node.body)
        self.scopes.pop()
        self.owner = outer
        return node

    def _comprehension(self, node: Any) -> Any:
        first = node.generators[0]
        # It runs in the scope around the comprehension.
        first.iter = self.call("iterated", [self.visit(first.iter)], first.iter)
        self.scopes.append((Scope(node), False))
        for place, generator in enumerate(node.generators):
            generator.target = self.visit(generator.target)
            if place:
                generator.iter = self.call("iterated", [self.visit(generator.iter)], node)
            generator.ifs = [self.visit(one) for one in generator.ifs]
        if isinstance(node, ast.DictComp):
            node.key = self.visit(node.key)
            node.value = self.visit(node.value)
        else:
            node.elt = self.visit(node.elt)
        self.scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return node
        assign = ast.Assign(targets=[node.target], value=node.value)
        return self.visit(ast.copy_location(assign, node))

    # Names

    def visit_Name(self, node: ast.Name) -> Any:
        if not self.is_outer(node.id):
            return node
        if not isinstance(node.ctx, ast.Load):
            return self.target("outside", [], node.id, node)
        if any(node.id in scope.outer for scope, _ in self.scopes):  # it may not be there yet
            return self.call("outer_later", [ast.Constant(node.id), _deferred(node, node)], node)
        return self.call("outer", [ast.Constant(node.id), node], node)

    def visit_Global(self, node: ast.Global) -> Any:
        """Drop it: these names are read and stored by calls."""
        return None

    def visit_Nonlocal(self, node: ast.Nonlocal) -> Any:
        """Keep the names of functions that are rewritten too."""
        kept = [name for name in node.names if not self.is_outer(name)]
        return ast.copy_location(ast.Nonlocal(names=kept), node) if kept else None

    def visit_match_case(self, node: ast.match_case) -> Any:
        """Leave the pattern as it is."""
        node.guard = node.guard and self.visit(node.guard)
        node.body = self.block(node.body)
        return node

    # Expressions

    def call(self, method: str, operands: Sequence[ast.expr], node: ast.AST) -> ast.Call:
        """Return ``__gradc__.method(*operands)`` at the place of a node."""
        bindings = ast.Name(id=BINDINGS, ctx=ast.Load())
        function = ast.Attribute(value=bindings, attr=method, ctx=ast.Load())
        for one in (bindings, function):  # a call has the line where its function's name ends
            ast.copy_location(one, node)
            one.end_lineno, one.end_col_offset = one.lineno, one.col_offset
        made = ast.Call(func=function, args=list(operands), keywords=[])
        self._placed(made, node)
        return made

    def target(self, method: str, operands: Sequence[ast.expr], key: str, node: Any) -> Any:
        """Return ``__gradc__.method(*operands)[key]``, to be stored to or deleted."""
        made = ast.Subscript(
            value=self.call(method, operands, node), slice=ast.Constant(key), ctx=node.ctx
        )
        return self._placed(made, node)

    @staticmethod
    def _placed(made: Any, node: ast.AST) -> Any:
        for one in ast.walk(made):
            if not hasattr(one, "lineno"):
                ast.copy_location(one, node)
        return made

    def visit_Call(self, node: ast.Call) -> Any:
        function = node.func
        if isinstance(function, ast.Name) and function.id in _FRAME_READERS:
            looks_at_operand = node.args and function.id in ("vars", "dir")
            if self.is_outer(function.id) and not looks_at_operand:
                node.args = [self.visit(one) for one in node.args]
                return node
        made = self.call("call", [self.visit(function), *map(self.visit, node.args)], node)
        made.keywords = [self.visit(one) for one in node.keywords]
        return made

    def mangled(self, name: str) -> str:
        """Return an attribute's name as Python has it inside of a class."""
        owner = (self.owner or "").lstrip("_")
        if not owner or not name.startswith("__") or name.endswith("__"):
            return name
        return f"_{owner}{name}"

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        name = self.mangled(node.attr)
        base = node.value
        if name in GROWING and isinstance(base, ast.Name) and self.is_outer(base.id):
            return self.call("grower", [ast.Constant(base.id), base, ast.Constant(name)], node)
        if name in GROWING and isinstance(base, ast.Attribute):
            names = [ast.Constant(self.mangled(base.attr)), ast.Constant(name)]
            return self.call("attribute_grower", [self.visit(base.value), *names], node)
        value = self.visit(base)
        if isinstance(node.ctx, ast.Load):
            return self.call("attribute", [value, ast.Constant(name)], node)
        return self.target("attributes", [value], name, node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        value, key = self.visit(node.value), self.visit(node.slice)
        if isinstance(node.ctx, ast.Load):
            if isinstance(key, ast.Slice) or (
                isinstance(key, ast.Tuple) and any(isinstance(one, ast.Slice) for one in key.elts)
            ):
                key = self._placed(_as_value(key), node)
            return self.call("item", [value, key], node)
        stored = ast.Subscript(value=self.call("items", [value], node), slice=key, ctx=node.ctx)
        return self._placed(stored, node)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        operation = ast.Constant(type(node.op).__name__)
        return self.call("binary", [operation, self.visit(node.left), self.visit(node.right)], node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        operation = type(node.ops[0]).__name__
        if len(node.ops) > 1 or operation in ("Is", "IsNot", "In", "NotIn"):
            return self.generic_visit(node)
        operands = [self.visit(node.left), self.visit(node.comparators[0])]
        return self.call("binary", [ast.Constant(operation), *operands], node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            node.operand = self.truth(self.visit(node.operand))
            return node
        if isinstance(node.operand, ast.Constant):
            return node
        operation = ast.Constant(type(node.op).__name__)
        return self.call("unary", [operation, self.visit(node.operand)], node)

    def visit_With(self, node: ast.With) -> Any:
        made: ast.With = self.generic_visit(node)  # type: ignore[assignment]
        for item in made.items:
            item.context_expr = self.call("context", [item.context_expr], item.context_expr)
        return made

    def visit_For(self, node: ast.For) -> Any:
        made: ast.For = self.generic_visit(node)  # type: ignore[assignment]
        made.iter = self.call("iterated", [made.iter], node.iter)
        return made

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        parts: list[ast.expr] = []
        for one in node.values:
            if isinstance(one, ast.FormattedValue):
                layout = self.visit(one.format_spec) if one.format_spec else ast.Constant("")
                operands = [self.visit(one.value), ast.Constant(one.conversion), layout]
                parts.append(ast.Tuple(elts=operands, ctx=ast.Load()))
            else:
                parts.append(one)
        return self.call("text", parts, node)

    # Statements

    def visit_Assert(self, node: ast.Assert) -> Any:
        message = self.visit(node.msg) if node.msg else ast.Constant(None)
        deferred = _deferred(message, node)
        checked = self.call("check", [self.condition(node.test), deferred], node)
        return ast.copy_location(ast.Expr(checked), node)

    def visit_Starred(self, node: ast.Starred) -> Any:
        node.value = self.visit(node.value)
        if isinstance(node.ctx, ast.Load):
            node.value = self.call("iterated", [node.value], node)
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        node.value = self.visit(node.value)
        if any(isinstance(one, ast.Tuple | ast.List) for one in node.targets):
            node.value = self.call("iterated", [node.value], node.value)
        node.targets = [self.visit(one) for one in node.targets]
        return node

    def condition(self, test: ast.expr) -> Any:
        """Return the condition of a check: ``not``, ``and`` and ``or`` of traced values are one."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self.call("negated", [self.condition(test.operand)], test)
        if isinstance(test, ast.BoolOp):
            name = "both" if isinstance(test.op, ast.And) else "either"
            found = self.condition(test.values[0])
            for other in test.values[1:]:
                found = self.call(name, [found, _deferred(self.condition(other), other)], test)
            return found
        if isinstance(test, ast.Compare) and len(test.ops) > 1:
            sides = [test.left, *test.comparators]
            pairs: list[ast.expr] = [
                ast.copy_location(ast.Compare(left, [op], [copy.deepcopy(right)]), test)
                for left, op, right in zip(sides, test.ops, sides[1:], strict=False)
            ]
            return self.condition(ast.copy_location(ast.BoolOp(ast.And(), pairs), test))
        is_bool = isinstance(test, ast.Call) and isinstance(test.func, ast.Name)
        if is_bool and test.func.id == "bool" and len(test.args) == 1:  # type: ignore[attr-defined]
            return self.condition(test.args[0])  # type: ignore[attr-defined]
        return self.visit(test)

    def truth(self, test: ast.expr) -> ast.expr:
        """Return a condition that is visited already."""
        if isinstance(test, ast.Compare | ast.BoolOp | ast.Constant):
            return test
        return self.call("truth", [test], test)

    def visit_While(self, node: ast.While) -> Any:
        made: ast.While = self.generic_visit(node)  # type: ignore[assignment]
        made.test = self.truth(made.test)
        return made

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        made: ast.IfExp = self.generic_visit(node)  # type: ignore[assignment]
        made.test = self.truth(made.test)
        return made

    def visit_If(self, node: ast.If) -> Any:
        """Make ``if test: raise error`` a check that is made at each call."""
        (first, *rest) = node.body
        if rest or not _raises_plainly(first):
            made: ast.If = self.generic_visit(node)  # type: ignore[assignment]
            made.test = self.truth(made.test)
            return made
        assert isinstance(first, ast.Raise)
        assert first.exc is not None
        tests = [node.test]
        if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or):
            tests = node.test.values
        checks: list[ast.stmt] = []
        for test in tests:
            error = _deferred(self.visit(copy.deepcopy(first.exc)), first)
            checked = self.call("refuse", [self.condition(test), error], node)
            checks.append(ast.copy_location(ast.Expr(checked), node))
        return [*checks, *(self.block(node.orelse) if node.orelse else [])]

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        target, value = node.target, self.visit(node.value)
        operation = ast.Constant(type(node.op).__name__)
        if isinstance(target, ast.Attribute):
            name = ast.Constant(self.mangled(target.attr))
            operands = [self.visit(target.value), name, operation, value]
            return ast.copy_location(ast.Expr(self.call("augment", operands, node)), node)
        if isinstance(target, ast.Name) and self.is_outer(target.id):
            load = ast.copy_location(ast.Name(id=target.id, ctx=ast.Load()), target)
            operands = [self.visit(load), operation, value]
            made = ast.Assign(
                targets=[self.visit(target)], value=self.call("operate", operands, node)
            )
            return self._placed(made, node)
        if isinstance(target, ast.Name):
            load = ast.copy_location(ast.Name(id=target.id, ctx=ast.Load()), target)
            result = self.call("operate", [load, operation, value], node)
            return self._placed(ast.Assign(targets=[target], value=result), node)
        node.target = self.visit(target)
        node.value = value
        return node


def _raises_plainly(node: ast.stmt) -> bool:
    """Whether a statement is ``raise error``, perhaps ``from None``."""
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    return node.cause is None or (isinstance(node.cause, ast.Constant) and node.cause.value is None)


def _deferred(body: ast.expr, node: ast.AST) -> ast.expr:
    """Return an expression as a function without parameters."""
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.copy_location(ast.Lambda(args=nothing, body=body), node)


def _as_value(key: ast.expr) -> ast.expr:
    """Return a slice, or a tuple with slices in it, as an expression of its own."""
    if isinstance(key, ast.Tuple):
        return ast.Tuple(elts=[_as_value(one) for one in key.elts], ctx=ast.Load())
    if not isinstance(key, ast.Slice):
        return key
    bindings = ast.Name(id=BINDINGS, ctx=ast.Load())
    function = ast.Attribute(value=bindings, attr="slice", ctx=ast.Load())
    ends = [one or ast.Constant(None) for one in (key.lower, key.upper, key.step)]
    return ast.Call(func=function, args=ends, keywords=[])
