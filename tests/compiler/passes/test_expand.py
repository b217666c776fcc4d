"""Primitives made of others become these, with the line of what they were."""

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, SourceLine, Value
from gradc.compiler.passes.expand import expand
from gradc.compiler.primitive import REGISTRY, Expand
from gradc.compiler.primitives.elementwise import exp, sigmoid
from gradc.compiler.primitives.softmax import log_softmax
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of
from ..primitives.cases import CASES, Case

EXPANDED = [case for case in CASES if isinstance(case.primitive.numpy, Expand)]


@pytest.mark.parametrize("case", EXPANDED, ids=lambda case: case.label)
def test_every_one_is_gone_and_its_value_is_there(case: Case) -> None:
    """Graph and eager evaluation go through the same rule: the same to the bit."""
    graph = case.graph()
    expanded = verify(expand(graph))
    assert not any(isinstance(node.primitive.numpy, Expand) for node in expanded.nodes)
    arrays = case.arrays()
    for got, wanted in zip(evaluate(expanded, *arrays), evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_there_are_such_primitives() -> None:
    assert {case.primitive.name for case in EXPANDED} >= {"softmax", "logsumexp", "sigmoid"}
    assert len(REGISTRY) > 60


def test_lines_and_names_are_kept_and_others_are_untouched() -> None:
    here = SourceLine("model.py", 5)

    def program(x: Value) -> Value:
        Builder.current().origin = here
        y = log_softmax(x, axes=(0,))
        y.name = "y"
        return exp(sigmoid(y))

    graph = build(program, x=array_type(4))
    expanded = expand(graph)
    assert {node.origin for node in expanded.nodes} == {here}
    assert "y" in [node.out.name for node in expanded.nodes]
    assert names_of(expanded.nodes)[-1] == "exp"
    plain = build(lambda x: exp(x), x=array_type(4))
    assert expand(plain).nodes == plain.nodes
