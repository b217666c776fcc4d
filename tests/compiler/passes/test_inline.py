"""Where nothing is differentiated any more, functions with rules are their bodies."""

import numpy as np
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.inline import inline
from gradc.compiler.primitives.custom import Rules, custom_jvp, custom_vjp
from gradc.compiler.primitives.elementwise import add, exp
from gradc.compiler.types import ArrayType
from gradc.compiler.verify import verify

import gradc

X = np.array([0.5, -1.5, 2.0])
VECTOR = ArrayType((3,), np.dtype(float))


def graph(count, build):
    params = tuple(Value(VECTOR, "xyz"[i]) for i in range(count))
    with Builder() as builder:
        outputs = build(builder, *params)
    return Graph(params, tuple(builder.nodes), tuple(outputs))


def called(builder, primitive, body, *operands):
    return builder.add(primitive, operands, {"body": body, "rules": Rules("f", len(operands))})


def test_bodies_in_bodies():
    """Also where a body is the call of another function, and where it gives its params back."""
    inner = graph(1, lambda _, x: (exp(x), x))
    outer = graph(2, lambda b, x, y: (*called(b, custom_jvp, inner, y), add(x, y)))
    whole = graph(2, lambda b, x, y: called(b, custom_vjp, outer, x, y))
    made = verify(inline(verify(whole)))
    assert [node.primitive for node in made.nodes] == [exp, add]
    x, y = np.ones(3), np.arange(3.0)
    for one, other in zip(evaluate(made, x, y), evaluate(whole, x, y), strict=True):
        np.testing.assert_array_equal(one, other)


def test_graph_without_rules_stays_the_same():
    whole = graph(1, lambda b, x: (exp(x),))
    assert inline(whole) is whole


def test_marks_and_lines_are_kept():
    """What was computed without gradients still is, in loops that are differentiated later."""
    inner = graph(1, lambda _, x: (exp(x),))

    def build(builder, x):
        builder.detached = True
        return called(builder, custom_vjp, inner, x)

    made = inline(graph(1, build))
    assert made.nodes[0].detached


def test_lowering_inlines_in_bodies_too():
    """Generated code has no trace of functions with rules, in a checkpoint block neither."""

    @gradc.custom_jvp
    def f(x):
        return np.exp(x)

    f.defjvps(lambda t, out, x: t)
    part = gradc.checkpoint(lambda y: f(y) * 2.0)
    compiled = gradc.compile_grad(lambda x, y: np.sum(x * part(y)))
    assert "block" in compiled.inspect(X, X, what="joint")
    assert "custom_jvp" in compiled.inspect(X, X, what="joint")
    assert "np.exp(" in compiled.inspect(X, X, what="numpy")
    np.testing.assert_array_equal(compiled.grad(X, X), np.exp(X) * 2.0)
