"""The entries of functions with derivative rules."""

import numpy as np
import pytest
from gradc.compiler.errors import TypeRuleError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.primitives.custom import Rules, custom_jvp, custom_vjp
from gradc.compiler.primitives.elementwise import exp
from gradc.compiler.printer import print_graph
from gradc.compiler.types import ArrayType
from gradc.compiler.verify import verify


def graph_of(primitive, shape=(3,)):
    """Return a graph with one call, of a body for arrays of 3 numbers."""
    inner, outer = (Value(ArrayType(one, np.dtype(float)), "x") for one in ((3,), shape))
    with Builder() as builder:
        out = exp(inner)
    body = Graph((inner,), tuple(builder.nodes), (out,))
    with Builder() as builder:
        outs = builder.add(primitive, (outer,), {"body": body, "rules": Rules("f", 1)})
    return Graph((outer,), tuple(builder.nodes), outs)


@pytest.mark.parametrize("primitive", [custom_vjp, custom_jvp])
def test_it_computes_its_body(primitive):
    graph = verify(graph_of(primitive))
    np.testing.assert_array_equal(evaluate(graph, np.zeros(3))[0], np.ones(3))
    assert f"{primitive.name}(x, rules=<of f>)" in print_graph(graph)


@pytest.mark.parametrize("primitive", [custom_vjp, custom_jvp])
def test_operands_must_fit_the_body(primitive):
    with pytest.raises(TypeRuleError, match="the operands of f do not fit its body"):
        graph_of(primitive, (2,))
