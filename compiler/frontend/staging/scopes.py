"""Which names of a function are its own variables."""

from __future__ import annotations

import ast

Scoped = (
    ast.FunctionDef
    | ast.AsyncFunctionDef
    | ast.Lambda
    | ast.ClassDef
    | ast.ListComp
    | ast.SetComp
    | ast.DictComp
    | ast.GeneratorExp
)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Scope(ast.NodeVisitor):  # its methods have the names that it asks for
    """The variables of one function, lambda, class body or comprehension.

    Attributes:
        names: The names that are bound in it.
        outer: The names that it declares ``global`` or ``nonlocal``.
        globals: Those of them that it declares ``global``.
    """

    def __init__(self, node: Scoped) -> None:
        self.names: set[str] = set()
        self.outer: set[str] = set()
        self.globals: set[str] = set()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for one in ast.walk(node.args):
                if isinstance(one, ast.arg):
                    self.names.add(one.arg)
        if isinstance(node, COMPREHENSIONS):
            for generator in node.generators:
                self.visit(generator.target)
        elif isinstance(node, ast.Lambda):
            self.visit(node.body)
        else:
            for statement in node.body:
                self.visit(statement)
        self.names -= self.outer

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self.names.add(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.names.add(node.name)
        for one in [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]:
            if one is not None:
                self.visit(one)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.add(node.name)
        for one in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(one)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for one in [*node.args.defaults, *node.args.kw_defaults]:
            if one is not None:
                self.visit(one)

    def _visit_comprehension(self, node: ast.expr) -> None:
        # Its targets are its own, but ``:=`` in it binds a name here.
        for one in ast.walk(node):
            if isinstance(one, ast.NamedExpr):
                self.names.add(one.target.id)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.names |= {(one.asname or one.name).partition(".")[0] for one in node.names}

    visit_ImportFrom = visit_Import

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.names.add(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.names.add(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.names.add(node.rest)
        self.generic_visit(node)

    def visit_Nonlocal(self, node: ast.Global | ast.Nonlocal) -> None:
        self.outer |= set(node.names)

    def visit_Global(self, node: ast.Global) -> None:
        self.visit_Nonlocal(node)
        self.globals |= set(node.names)
