"""Cutting a failing program down to what makes it fail."""

from __future__ import annotations

import ast
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .cases import Case

PATIENCE, OF_ONE = 40.0, 8.0  # seconds


class Overdue(BaseException):
    """A program takes too long: what counted the trips of a loop may be gone."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise ``Overdue`` after some time."""

    def end(*_: Any) -> None:
        raise Overdue

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def shrink(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Return a case with fewer statements, and plainer arguments, that fails as well."""
    end = time.monotonic() + PATIENCE
    found = True
    while found:
        found = False
        for smaller in _smaller(case):
            if time.monotonic() > end:
                return case
            try:
                with limited(OF_ONE):
                    found = fails(smaller)
            except Overdue:
                continue
            if found:
                case = smaller
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Yield the case with one thing less, for each thing."""
    count = sum(1 for _ in _blocks(ast.parse(case.source)))
    for place in reversed(range(count)):
        tree = ast.parse(case.source)
        body, i = list(_blocks(tree))[place]
        if isinstance(body[i], ast.Return):
            yield from _fewer_results(case, tree, body[i])
        elif len(body) > 1:
            del body[i]
            yield replace(case, source=ast.unparse(tree) + "\n")
    for i, one in enumerate(case.arguments):
        if one.layout != "plain" or one.values != "normal":
            plain = replace(one, layout="plain", values="normal")
            for other in (plain, replace(one, layout="plain"), replace(one, values="normal")):
                if other != one:
                    yield replace(
                        case, arguments=(*case.arguments[:i], other, *case.arguments[i + 1 :])
                    )


def _blocks(tree: ast.AST) -> Iterator[tuple[list[ast.stmt], int]]:
    """Yield each statement of the functions in a tree, as a list and a place in it."""
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            body = getattr(node, name, None)
            if isinstance(body, list) and not isinstance(node, ast.Module):
                yield from ((body, i) for i in range(len(body)))


def _fewer_results(case: Case, tree: ast.AST, last: ast.stmt) -> Iterator[Case]:
    assert isinstance(last, ast.Return)
    results = last.value
    if isinstance(results, ast.Tuple) and len(results.elts) > 1:
        elements = list(results.elts)
        for i in range(len(elements)):
            results.elts = elements[:i] + elements[i + 1 :]
            yield replace(case, source=ast.unparse(tree) + "\n")
