"""The loaders of astor and jinja2, which are imported when code is first generated."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from ...forks import importing


@cache
def _astor() -> Callable[[ast.AST], str]:
    with importing, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # astor names ast.Num, as of 3.12
        from astor import to_source as source

    return source  # type: ignore[no-any-return]


@cache
def _environment() -> Any:
    with importing:
        from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(f"{__name__.partition('.')[0]}.codegen_templates", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def to_source(tree: ast.AST) -> str:
    """Return a tree as Python code."""
    return _astor()(tree).rstrip("\n")


def expression_text(expression: ast.expr) -> str:
    """Return an expression as Python code."""
    return to_source(ast.Expr(expression)).strip()


def render(template: str, **context: Any) -> str:
    """Return a template of ``codegen_templates`` filled in."""
    return str(_environment().get_template(template).render(**context))
