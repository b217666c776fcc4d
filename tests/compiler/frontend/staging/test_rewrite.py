"""What the rewritten code says, and that its lines stay those of the user."""

import ast
import math
import traceback
from pathlib import Path

import numpy as np
import pytest
from gradc.compiler.frontend.staging.rewrite import rewrite

from gradc import compile_grad

X = np.array([0.5, -1.5, 2.0, 0.25])


def fails_in_the_middle(x):
    y = math.sin(x[0])
    z = [
        y,
        y.no_such_attribute,
    ]
    return z[0]


def deeper(x):
    def inner(y):
        return {"a": y}[
            "missing"  # of this expression the line is above
        ]

    return inner(math.sin(x[0]))


@pytest.mark.parametrize(
    ("function", "error", "lines"),
    [
        (fails_in_the_middle, AttributeError, {"y.no_such_attribute,"}),
        (deeper, KeyError, {"return inner(math.sin(x[0]))", 'return {"a": y}['}),
    ],
)
def test_tracebacks_show_the_users_lines(function, error, lines):
    """Rewritten code runs under the user's file, function names and lines."""
    with pytest.raises(error) as caught:
        compile_grad(function)(X)
    frames = traceback.extract_tb(caught.value.__traceback__)
    shown = {frame.line for frame in frames if frame.filename == __file__}
    assert lines <= shown


def test_names_of_functions_in_tracebacks():
    with pytest.raises(KeyError) as caught:
        compile_grad(deeper)(X)
    names = [one.name for one in traceback.extract_tb(caught.value.__traceback__)]
    assert names.index("deeper") < names.index("inner")


def test_definition_is_left_as_it_is():
    """Its tree is kept for the other functions of the file."""
    tree = ast.parse("def f(x):\n    return g(x.a[0]) + f'{x}'").body[0]
    before = ast.dump(tree, include_attributes=True)
    assert ast.dump(rewrite(tree, None)) != ast.dump(tree)
    assert ast.dump(tree, include_attributes=True) == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(a)", "__gradc__.call(__gradc__.outer('f', f), a)"),
        ("a.b", "__gradc__.attribute(a, 'b')"),
        ("a.__b", "__gradc__.attribute(a, '_Owner__b')"),
        ("a.__b__", "__gradc__.attribute(a, '__b__')"),
        ("a[0]", "__gradc__.item(a, 0)"),
        ("a[1:, None]", "__gradc__.item(a, (__gradc__.slice(1, None, None), None))"),
        ("c", "__gradc__.outer('c', c)"),
        ("[c for c in a]", "[c for c in __gradc__.iterated(a)]"),
        ("super().b", "__gradc__.attribute(super(), 'b')"),
        ("f'{a!r:>{a}}'", None),
    ],
)
def test_forms(text, expected):
    """What the rewritten code says: what is the function's own is not looked up outside."""
    node = ast.parse(f"lambda a: {text}", mode="eval").body
    body = rewrite(node, "_Owner").body
    if expected is None:
        assert body.func.attr == "text"
    else:
        assert ast.unparse(body) == expected


def test_every_node_has_a_line():
    """A node without one would shift the lines of tracebacks, or not compile at all."""
    tree = ast.parse(Path(__file__).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            for made in ast.walk(rewrite(node, None)):
                if "lineno" in made._attributes:
                    assert first <= made.lineno <= node.end_lineno
