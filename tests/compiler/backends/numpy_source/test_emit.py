"""What the text of a module says: shapes, sizes, results, lines; the same text every time."""

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, SourceLine, Value
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import cast, copy, exp, where
from gradc.compiler.primitives.elementwise.comparison import greater
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import gather, slice_
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import argmax, max_, sum_
from gradc.compiler.primitives.selection import Gather, Mask, Slice
from gradc.compiler.primitives.shape import broadcast_to, reshape, transpose
from gradc.compiler.types import Sym

from gradc import compile_grad, spec

from ...build import array_type, build
from ...emitted import body_of, emitted, function_of, lowered, shares_nothing

ROW, SQUARE = array_type(3), array_type(3, 3)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(9).normal(size=shape)


# Broadcasts


@pytest.mark.parametrize(
    ("shapes", "written"),
    [
        ([(3,), (4, 3)], False),
        ([(4, 1), (3,)], False),
        ([(), (4, 3)], False),
        ([(3,), (3,)], True),
        ([(1, 3), (3,)], True),
        ([(), ()], True),
        ([(1, 1), (1, 3)], True),
    ],
)
def test_broadcasts_are_left_to_numpy_where_it_does_the_same(shapes: Any, written: bool) -> None:
    """``x + y`` of operands broadcast to (4, 3): written where NumPy would give a smaller array."""
    types = {name: array_type(*shape) for name, shape in zip("xy", shapes, strict=True)}

    def program(x: Value, y: Value) -> Any:
        x, y = (broadcast_to(one, shape=(4, 3)) for one in (x, y))
        return x + y, where(greater(x, 0.0), y, 1.0)

    graph = build(program, **types)
    arrays = [numbers(*shape)[()] for shape in shapes]
    module = emitted(graph)
    for got, wanted in zip(function_of(module)(*arrays), evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(got, wanted, strict=True)
    assert ("broadcast_to" in body_of(module)[0]) == written


def test_broadcasts_are_written_where_shapes_matter() -> None:
    """For products, reductions, views, indices and call-backs."""
    seen: list[Any] = []

    def program(x: Value) -> Any:
        wide = broadcast_to(x, shape=(3, 3))
        attrs = {"callback": Callback("note", seen.append), "types": ()}
        Builder.current().add(callback, (wide,), attrs)
        return (
            matmul(wide, wide),
            sum_(wide, axes=(0,), keepdims=False),
            reshape(wide, shape=(9,)),
            slice_(wide, index=(Slice(1, None), 0)),
        )

    graph = build(program, x=ROW)
    x = numbers(3)
    results = function_of(emitted(graph))(x)
    for got, wanted in zip(results, evaluate(graph, x), strict=True):
        np.testing.assert_array_equal(got, wanted, strict=True)
    assert [one.shape for one in seen] == [(3, 3), (3, 3)]


# Sizes known only when it runs


def test_one_module_for_every_size() -> None:
    """Lowered for ``f4[n,784]``: empty, one row, many; values and gradients keep their shapes."""

    def loss(w: Any, x: Any) -> Any:
        hidden = np.maximum(x @ w, 0.0)
        shifted = hidden - hidden.mean(axis=1, keepdims=True)
        return np.mean(shifted * shifted) + np.sum(np.ones_like(x) * x)

    compiled = compile_grad(loss, wrt=(0, 1))
    text = compiled.lower(spec("f4[784,5]"), spec("f4[n,784]")).numpy
    scope: dict[str, Any] = {}
    exec(text, scope)
    w = numbers(784, 5).astype("f4")
    for n in (1, 3, 50):
        x = numbers(n, 784).astype("f4")
        value, by_w, by_x = scope["loss_value_and_grad"](w, x)
        expected, (wanted_w, wanted_x) = compiled.value_and_grad(w, x)
        assert (value.dtype, by_w.dtype, by_x.shape) == (np.float32, np.float32, (n, 784))
        # Sums of n x 784 terms in float32, in an order that depends on whether n is known.
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        np.testing.assert_allclose(by_w, wanted_w, rtol=1e-3, atol=1e-5 * np.abs(wanted_w).max())
        np.testing.assert_allclose(by_x, wanted_x, rtol=1e-3, atol=1e-5 * np.abs(wanted_x).max())


def test_sizes_are_bound_where_they_are_used() -> None:
    n = Sym.named("n")
    module = emitted(build(lambda x: exp(x) * 2.0, x=array_type(n)))
    assert not any("shape" in line for line in body_of(module))
    module = emitted(build(lambda x: Builder.current().full(x.type, 2), x=array_type(4, n)))
    assert body_of(module) == ["n = x.shape[1]", "return np.full((4, n), 2.0)"]


@pytest.mark.parametrize("kind", ["computed", "param", "constant", "broadcast"])
def test_elements_that_a_mask_selects_are_counted(kind: str) -> None:
    """Wherever the mask comes from; here the count is a shape."""
    count = Sym.named("count1")

    def program(x: Value, m: Value) -> Any:
        mask = {
            "computed": lambda: greater(x, 0.0),
            "param": lambda: m,
            "constant": lambda: Builder.current().constant(np.eye(3, dtype=bool)),
            "broadcast": lambda: broadcast_to(slice_(m, index=(0, Slice())), shape=(3, 3)),
        }[kind]()
        part = gather(x, mask, index=(Mask(2, count),))
        return part * Builder.current().full(part.type, 2), Builder.current().full(part.type, 3)

    graph = build(program, x=SQUARE, m=array_type(3, 3, dtype="?"))
    x = numbers(3, 3)
    m = np.array([[True, True, False], [True, False, False], [False, False, False]])
    chosen = {"computed": x > 0, "param": m, "constant": np.eye(3, dtype=bool)}
    mask = chosen.get(kind, np.broadcast_to(m[0], (3, 3)))
    twice, threes = function_of(emitted(graph))(x, m)
    np.testing.assert_array_equal(twice, 2 * x[mask])
    np.testing.assert_array_equal(threes, np.full(np.count_nonzero(mask), 3.0))


# Results


def every_kind_of_result(x: Value, y: Value) -> Any:
    builder = Builder.current()
    z = exp(x)
    place = argmax(slice_(x, index=(0, Slice())), axes=(0,), keepdims=False)
    return (
        x,
        y,
        x,
        z,
        z,
        transpose(z, axes=(1, 0)),
        slice_(x, index=(0, Slice())),
        slice_(z, index=(Slice(1, None), Slice())),
        broadcast_to(slice_(z, index=(0, Slice())), shape=(2, 3)),
        transpose(broadcast_to(sin(y), shape=(2, 3)), axes=(1, 0)),
        builder.constant(np.arange(3.0)),
        builder.full(SQUARE, 1.0),
        gather(x, place, index=(Gather(), Slice())),
        gather(z, place, index=(Gather(), Slice())),
        copy(y),
    )


@pytest.mark.parametrize("shared", [(), (0, 1), range(15)])
def test_results_are_fresh(shared: Collection[int]) -> None:
    """Writable arrays of their own, but for a param that the user returns: it is itself."""
    graph = build(every_kind_of_result, x=SQUARE, y=ROW)
    x, y = numbers(3, 3), numbers(3)
    results = function_of(emitted(graph, 15, shared))(x, y)
    for got, wanted in zip(results, evaluate(graph, x, y), strict=True):
        np.testing.assert_array_equal(got, wanted, strict=True)
    assert (results[0] is x, results[1] is y) == (0 in shared, 1 in shared)
    assert results[2] is not x
    assert shares_nothing(results[2:] if shared else results, (x, y))
    for one in results:
        one += 1.0  # neither read-only nor the same element twice
        assert np.unique(one.strides).size == one.ndim or one.ndim < 2 or one.size < 4


def test_results_of_rank_zero_are_numpy_scalars() -> None:
    """As NumPy's own functions give; ``np.where`` and arrays of rank 0 are no exception."""

    def program(s: Value, x: Value) -> Any:
        attrs = {"callback": Callback("hand_on", np.array), "types": (s.type,)}
        (called,) = Builder.current().add(callback, (s,), attrs)
        positive = greater(s, 0.0)
        return (
            s,
            s * 2.0,
            where(positive, s, 1.0),
            copy(s),
            positive,
            cast(s, dtype=np.dtype("i4")),
            sum_(x, axes=(0,), keepdims=False),
            max_(x, axes=(0,), keepdims=False),
            matmul(x, x),
            slice_(x, index=(0,)),
            reshape(slice_(x, index=(Slice(0, 1),)), shape=()),
            gather(x, argmax(x, axes=(0,), keepdims=False), index=(Gather(),)),
            called,
            Builder.current().constant(np.float32(3.0)),
        )

    graph = build(program, s=array_type(), x=ROW)
    for s in (np.float64(0.5), np.array(0.5)):
        for made in (emitted(graph, len(graph.outputs)), lowered(graph)):
            for got, output in zip(function_of(made)(s, numbers(3)), graph.outputs, strict=True):
                assert type(got) is output.dtype.type


# The text


def model(x: Any, w: Any) -> Any:
    table = np.arange(5.0)
    hidden = np.tanh(x @ w) * table
    masked = hidden[hidden > 0.1]
    picked = hidden[np.array([0, 0, 2])]
    return np.sum(masked) + np.mean(picked * hidden[0]) + np.std(hidden, axis=0).max()


def text_of_model() -> str:
    return compile_grad(model, wrt=(0, 1)).lower(spec("f8[4,3]"), spec("f8[3,5]")).numpy


def test_same_text_in_every_process(tmp_path: Any) -> None:
    """Neither the seed of hashes nor addresses nor what was compiled before matter."""
    path = tmp_path / "program.py"
    path.write_text(
        "import numpy as np\nfrom gradc import compile_grad, spec\nfrom typing import Any\n"
        f"{inspect.getsource(model)}\n{inspect.getsource(text_of_model)}\n"
        "print(text_of_model(), end='')\n"
    )
    texts = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, str(path)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        texts.add(done.stdout)
    assert len(texts) == 1
    assert text_of_model() == text_of_model()
    here = re.sub(r"test_emit.py:\d+", "", text_of_model())
    assert here == re.sub(r"program.py:\d+", "", texts.pop())


def test_every_line_names_its_line_of_the_source() -> None:
    text = text_of_model()
    (function,) = (one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef))
    lines = text.splitlines()
    statements = [one for one in function.body[1:] if not isinstance(one, ast.Return)]
    first = model.__code__.co_firstlineno
    assert len(statements) > 15
    for one in statements:
        comment = lines[one.end_lineno - 1].rpartition("  # ")[2]
        if "np.count_nonzero" not in lines[one.lineno - 1]:
            number = int(comment.rpartition("test_emit.py:")[2])
            assert first < number <= first + 5, lines[one.lineno - 1]


def test_comment_says_the_type_and_the_line() -> None:
    def program(x: Value) -> Any:
        Builder.current().origin = SourceLine("/home/user/model.py", 41, "loss")
        return exp(x)

    text = emitted(build(program, x=array_type(128, 10, dtype="f4"))).text
    assert "  # (128, 10) float32 · model.py:41\n" in text


def test_module_is_one_function_that_needs_numpy_only() -> None:
    """A docstring, one import, one function; no name is read that nobody gave."""
    text = text_of_model()
    tree = ast.parse(text)
    compile(text, "module.py", "exec")
    imports = [one for one in ast.walk(tree) if isinstance(one, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(one) for one in imports] == ["import numpy as np"]
    assert ast.get_docstring(tree)
    (function,) = (one for one in tree.body if isinstance(one, ast.FunctionDef))
    names = [one for one in ast.walk(tree) if isinstance(one, ast.Name)]
    given = {one.id for one in names if isinstance(one.ctx, ast.Store)}
    given |= {one.arg for one in function.args.args + function.args.kwonlyargs} | {"np", "bool"}
    assert {one.id for one in names if isinstance(one.ctx, ast.Load)} <= given


def test_docstring_lists_params_call_backs_and_results() -> None:
    def program(x: Value) -> Any:
        attrs = {"callback": Callback("note", print), "types": ()}
        Builder.current().add(callback, (x,), attrs)
        return exp(x)

    text = emitted(build(program, x=ROW)).text
    assert "def run(x, *, note):" in text
    assert "x: (3,) float64." in text
    assert "note: Called with the array at its place." in text


def test_backward_part_is_marked() -> None:
    """Where the first statement stands that the user's own results do not need."""

    def program(x: Value) -> Any:
        y = exp(x)
        return y, sin(y) * x

    graph = build(program, x=ROW)
    forward, backward = emitted(graph, 1).text.split("    # backward\n")
    assert "np.exp" in forward
    assert "np.sin" in backward
    assert "# backward" not in emitted(graph, 2).text
