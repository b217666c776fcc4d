"""The source of a function is found, and only source that gives its very instructions."""

import contextlib
import doctest
import functools
import linecache
import math
import types
from dataclasses import dataclass

import numpy as np
import pytest
from gradc.compiler.frontend.staging.definition import class_of, definition_of

import gradc
from gradc import compile_grad

from .agreement import assert_agrees

X = np.array([0.5, -1.5, 2.0])

# Each needs rewriting: ``math`` and ``float`` do not take what NumPy's protocols show.
TWO = lambda x: math.exp(x[0]), lambda x: math.sin(x[0])
SAME = [lambda x: float(x[0]) * 2, lambda x: float(x[0]) * 2]
NESTED = lambda x: (lambda y: math.exp(y))(x[0]) + (lambda y: math.sin(y))(x[1])  # noqa: E731


def with_defaults(x, first=lambda y: math.exp(y), second=lambda y: math.sin(y)):
    return first(x[0]) * second(x[1])


def twice(function):
    @functools.wraps(function)
    def doubled(*args, **kwargs):
        return 2 * function(*args, **kwargs)

    return doubled


def scaled(by):
    def decorate(function):
        return lambda *args: by * float(function(*args))

    return decorate


@twice
@scaled(
    by=3.0,
)
@twice
def decorated(x):
    return math.exp(x[0])


class Outer:
    """A class in a class, whose methods are found though their names are common."""

    class Inner:
        def loss(self, x):
            return math.exp(x[0])

    def loss(self, x):
        return math.sin(x[0])


@dataclass
class Scale:
    by: float

    def __call__(self, x):
        return math.exp(x[0]) * self.by


def written_over_many_lines(
    x,
    # a comment between the parameters
    *,
    power=2.0,
):
    """With a docstring."""
    return math.pow(
        x[0],  # the base
        power,
    ) + math.exp(x[1])


@pytest.mark.parametrize(
    "function",
    [
        *TWO,
        *SAME,
        NESTED,
        with_defaults,
        decorated,
        Outer.Inner().loss,
        Outer().loss,
        Outer.Inner.loss.__get__(Outer.Inner()),
        Scale(3.0),
        functools.partial(lambda by, x: by * math.exp(x[0]), 2.0),
        functools.partial(lambda x, by: by * math.exp(x[0]), by=2.0),
    ],
)
def test_the_function_itself_is_found(function):
    """Several lambdas in one line, in defaults, under decorators, in classes: never another one."""
    assert_agrees(function, X)


def test_a_function_over_many_lines_keeps_its_lines():
    x = X + 2.0
    assert_agrees(written_over_many_lines, x)
    node = definition_of(written_over_many_lines)
    assert node.name == "written_over_many_lines"
    assert node.lineno == written_over_many_lines.__code__.co_firstlineno


def test_lambdas_that_differ_in_a_constant_are_told_apart():
    """In one line, with equal instructions: 0.0 and -0.0, 1 and 1.0 and True are equal too."""
    functions = lambda x: math.copysign(x, 0.0), lambda x: math.copysign(x, -0.0)
    assert [float(compile_grad(one)(2.0)) for one in functions] == [2.0, -2.0]
    kinds = lambda: 1, lambda: 1.0, lambda: True
    found = [definition_of(one).body.value for one in kinds]
    assert [(type(one), one) for one in found] == [(int, 1), (float, 1.0), (bool, True)]


def test_lambdas_that_differ_in_a_closure_variable():
    """Made by one line of one loop: the code is one, the variables are not."""
    functions = [(lambda x, n=n: math.pow(x, n)) for n in (2.0, 3.0)]
    made = [(lambda: lambda x: math.pow(x, n))() for n in (2.0, 3.0)]  # noqa: B023
    assert [float(compile_grad(one).grad(2.0)) for one in functions] == [4.0, 12.0]
    assert [float(compile_grad(one).grad(2.0)) for one in made] == [12.0, 12.0]

    def power(n):
        return lambda x: math.pow(x, n)

    assert [float(compile_grad(power(n)).grad(2.0)) for n in (2.0, 3.0)] == [4.0, 12.0]


def test_changed_file_is_not_taken_for_the_source(tmp_path):
    """After an edit the file says another thing than the code that runs."""
    path = tmp_path / "edited.py"
    path.write_text("import math\ndef loss(x):\n    return math.exp(x)\n")
    module = types.ModuleType("edited")
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    assert definition_of(module.loss) is not None
    assert compile_grad(module.loss).grad(0.0) == 1.0
    path.write_text("import math\ndef loss(x):\n    return math.sin(x) * 7\n")
    linecache.checkcache(str(path))
    fresh = types.FunctionType(module.loss.__code__.replace(), vars(module))
    assert definition_of(fresh) is None
    with pytest.raises(gradc.CaptureError, match="converted to a Python number"):
        compile_grad(fresh).grad(0.0)


def test_lines_added_above_do_not_matter_where_the_code_is_the_same(tmp_path):
    """A decorator or a comment above moves the function: it is not found, and not mistaken."""
    path = tmp_path / "moved.py"
    path.write_text("import numpy as np\ndef loss(x):\n    return np.exp(x)\n")
    module = types.ModuleType("moved")
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    path.write_text("# a line\n\nimport numpy as np\ndef loss(x):\n    return np.exp(x)\n")
    linecache.checkcache(str(path))
    assert definition_of(module.loss) is None
    assert compile_grad(module.loss).grad(0.0) == 1.0


@pytest.mark.parametrize("text", ["", "def (", "\x00", "x = " + "(" * 300])
def test_file_that_does_not_parse(tmp_path, text):
    """It is as if there were none."""
    path = tmp_path / "broken.py"
    path.write_text(text)
    scope = {"np": np}
    exec(compile("def loss(x):\n    return np.exp(x)", str(path), "exec"), scope)
    assert definition_of(scope["loss"]) is None
    assert compile_grad(scope["loss"]).grad(0.0) == 1.0


def test_without_source_the_protocols_serve():
    """Of ``exec`` and ``eval``; what they do not see is refused with what to do."""
    scope = {"np": np, "math": math, "W": X}
    exec("def loss(x):\n    return np.sum(np.sin(x) * x)", scope)
    np.testing.assert_allclose(compile_grad(scope["loss"]).grad(X), np.cos(X) * X + np.sin(X))
    made = eval("lambda x: np.sum(np.zeros_like(x) + x)", scope)
    np.testing.assert_array_equal(compile_grad(made).grad(X), np.ones(3))
    with pytest.raises(gradc.CaptureError, match="converted to a Python number"):
        compile_grad(eval("lambda x: math.exp(x)", scope)).grad(1.0)


def test_without_source_live_globals_are_read_anew():
    """Arrays and numbers that the code names are inputs and guards all the same."""
    scope = {"np": np, "W": X, "n": 2.0}
    exec("def loss(x):\n    return np.sum(W * x * n)", scope)
    compiled = compile_grad(scope["loss"])
    np.testing.assert_allclose(compiled.grad(X), 2 * X)
    scope["W"] = X + 1
    np.testing.assert_allclose(compiled.grad(X), 2 * (X + 1))
    scope["n"] = 5.0
    np.testing.assert_allclose(compiled.grad(X), 5 * (X + 1))


def test_interactive_sessions_keep_their_source():
    """IPython and doctest put what is typed into ``linecache``: it is rewritten."""
    text = ">>> import math, gradc\n>>> def f(x):\n...     return math.exp(x)\n"
    text += ">>> float(gradc.func.grad(f)(0.0))\n1.0\n"
    case = doctest.DocTestParser().get_doctest(text, {}, "session", "session", 0)
    results = doctest.DocTestRunner(verbose=False).run(case)
    assert (results.attempted, results.failed) == (3, 0)


def test_functions_of_one_name():
    """Defined again, and in the branches of an if."""

    def first():
        def loss(x):
            return math.exp(x)

        kept = loss

        def loss(x):
            return math.sin(x)

        return kept, loss

    for made, expected in zip(first(), (np.exp, np.cos), strict=True):
        np.testing.assert_allclose(compile_grad(made).grad(0.5), expected(0.5))


def test_conditional_definition():
    if len(X) == 3:

        def loss(x):
            return math.exp(x)

    else:

        def loss(x):
            return math.sin(x)

    with contextlib.suppress(ImportError):

        def guarded(x):
            return loss(x) * 2

    np.testing.assert_allclose(compile_grad(guarded).grad(0.5), 2 * np.exp(0.5))


@pytest.mark.parametrize(
    ("function", "owner"),
    [
        (Outer.loss, "Outer"),
        (Outer.Inner.loss, "Inner"),
        (with_defaults, None),
        (TWO[0], None),
    ],
)
def test_class_of(function, owner):
    """The class in whose body a function stands gives ``self.__private`` its name."""
    assert class_of(function) == owner


def test_class_of_a_method_of_a_local_class():
    class Local:
        def method(self):
            def inner():
                return None

            return inner

    assert class_of(Local.method) == "Local"
    assert class_of(Local().method()) == "Local"
