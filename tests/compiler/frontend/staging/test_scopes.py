"""Which names belong to a function, a lambda, a comprehension or a class body."""

import ast
import symtable

import pytest
from gradc.compiler.frontend.staging.scopes import Scope


def scope_of(text):
    return Scope(ast.parse(text).body[0])


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("a = b = c", "a b"),
        ("a += 1", "a"),
        ("a: int = 1", "a"),
        ("a: int", "a"),
        ("a, (b, *c), [d] = e", "a b c d"),
        ("a.b = a[0] = c", ""),
        ("del a", "a"),
        ("for a, b in c: d = 1", "a b d"),
        ("while (a := b): pass", "a"),
        ("with b as a, c as (d, e): pass", "a d e"),
        ("import a.b, c as d", "a d"),
        ("from a import b, c as d", "b d"),
        ("try: a = 1\nexcept E as b: c = 1\nelse: d = 1\nfinally: e = 1", "a b c d e"),
        ("def a(b, c=(d := 1)): e = 1", "a d"),
        ("@(a := b)\ndef c(): pass", "a c"),
        ("async def a(): b = 1", "a"),
        ("class a(b, c=(d := 1)): e = 1", "a d"),
        ("a = lambda b, c=(d := 1): (e := 1)", "a d"),
        ("a = [b for b in c if (d := b)]", "a d"),
        ("a = {b: (c := b) for b in d}", "a c"),
        ("a = {b for b in {(c := d) for d in e}}", "a c"),
        ("a = sum(b for b in c for d in b)", "a"),
        ("match a:\n case [b, *c]: d = 1\n case {'k': e, **f}: pass", "b c d e f"),
        ("match a:\n case g(h=i): pass", "i"),
        ("match a:\n case (b as c) | [c]: pass\n case _: pass", "b c"),
        ("global a\na = b = 1", "b"),
        ("nonlocal a\na = b = 1", "b"),
    ],
)  # fmt: skip
def test_names_that_a_statement_binds(statement, names):
    """The names that Python itself would count as the function's own, and no others."""
    indented = "".join(f"    {line}\n" for line in statement.split("\n"))
    assert scope_of(f"def f():\n{indented}").names == set(names.split())


def test_parameters_of_every_kind():
    assert scope_of("def f(a, /, b, *c, d=e, **g): pass").names == {"a", "b", "c", "d", "g"}
    expression = ast.parse("lambda a, *b, c=d, **e: (g := a)").body[0].value
    assert Scope(expression).names == {"a", "b", "c", "e", "g"}


def test_comprehension_has_its_targets_alone():
    expression = ast.parse("[(c := a) for a, (b, *d) in e for g in a if (h := g)]").body[0].value
    assert Scope(expression).names == {"a", "b", "d", "g"}


def test_declared_names():
    """``global`` in an inner block holds for the whole function."""
    scope = scope_of(
        "def f():\n    if a:\n        global b\n    b = 1\n    nonlocal c\n    c = 2\n"
    )
    assert (scope.names, scope.outer, scope.globals) == (set(), {"b", "c"}, {"b"})


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    b = a\n    def g(): nonlocal b; b = 1\n    [c for c in b if (d := c)]",
        "def f(x):\n    with x as y:\n        pass\n    for i, j in y: k = i\n    import os.path",
        "def f(x):\n    try: a = x\n    except E as e: pass\n    class C(x): b = a\n    return C",
        "def f(x):\n    match x:\n        case {'a': [b, *c], **d}: g\n        case C(e=h): x",
        "def f(x, *, y=0):\n    z: int\n    return (lambda a, b=(w := 1): (v := a))(x)",
    ],
)
def test_python_agrees(text):
    """The compiler's own table of symbols has the same names."""
    table = symtable.symtable(text, "f", "exec").get_children()[0]
    # Comprehensions are inlined from Python 3.12 on.
    inlined = {"c"} if "for c in b" in text else set()
    own = {one.get_name() for one in table.get_symbols() if one.is_local()}
    assert scope_of(text).names - inlined == own - inlined
