"""The user's lines and names, as they come into the graph and the generated code."""

from pathlib import Path

import numpy as np
import pytest
from gradc.compiler.frontend.capture import capture
from gradc.compiler.frontend.signature import Parameters, sign
from gradc.compiler.frontend.source import raised_line, user_line

import gradc

HERE = Path(__file__).name


def graph_of(function, *args):
    parameters = Parameters(function, ())
    values = parameters.bind(args, {})
    signature, leaves = sign(parameters, values)
    return capture(parameters, signature, values, leaves, ()).graph


def lines_of(graph):
    """The texts of the user's lines, in order, each once."""
    texts = [str(node.origin).split(": ", 1)[1] for node in graph.nodes if node.origin]
    return list(dict.fromkeys(texts))


def names_of(graph):
    return {out.name for node in graph.nodes for out in node.outs} - {None}


def helper(z):
    squared = z * z
    return squared + 1


def test_lines_are_those_of_the_operation():
    """In a helper the helper's line; in a statement over several lines the one that runs."""

    def loss(x):
        y = helper(x)
        z = np.where(
            y > 2,
            np.sin(y),
            y,
        )
        return z.sum(axis=0)

    texts = lines_of(graph_of(loss, np.ones(3)))
    assert texts[:2] == ["squared = z * z", "return squared + 1"]
    assert texts[-1] == "return z.sum(axis=0)"
    assert "y > 2," in texts
    assert "np.sin(y)," in texts


def test_origin_holds_file_line_and_function():
    def loss(x):
        return np.exp(x)

    origin = graph_of(loss, 1.0).nodes[-1].origin
    assert origin.short == f"{HERE}:{loss.__code__.co_firstlineno + 1}"
    assert origin.function == "loss"


def test_names_of_variables():
    """What is assigned at once gets the name; arguments have theirs."""

    def loss(x):
        shifted = x + 1
        a, b = shifted[0], shifted[1]
        scaled: float = a * b
        if (total := scaled * 2) is None:
            return None
        shifted = shifted * total
        return np.sum(shifted)

    graph = graph_of(loss, np.ones(3))
    assert [param.name for param in graph.params] == ["x"]
    assert {"shifted", "scaled", "total"} <= names_of(graph)


def test_in_place_operations_keep_the_name():
    def loss(x):
        heat = x * 2
        heat += x
        heat[1:] *= 3
        return np.sum(heat)

    assert names_of(graph_of(loss, np.ones(3))) >= {"heat"}


def test_intermediate_results_have_no_name():
    def loss(x):
        result = np.sum(np.exp(x) * 2)
        return result * result

    assert names_of(graph_of(loss, np.ones(3))) == {"result"}


def test_attributes_and_items_give_no_name():
    """``self.w = ...`` and ``d["w"] = ...`` name no variable."""

    class Holder:
        pass

    def loss(x):
        holder, items = Holder(), {}
        holder.weight = x * 2
        items["key"] = holder.weight * 3
        return items["key"]

    assert names_of(graph_of(loss, np.ones(3))) == set()


def test_names_and_lines_reach_the_generated_code():
    @gradc.compile_grad
    def loss(weights):
        logits = np.exp(weights)
        return np.sum(logits * weights)

    text = loss.inspect(np.ones(3))
    line = loss.__wrapped__.__code__.co_firstlineno + 2
    assert "logits = np.exp(weights)" in text
    assert f"{HERE}:{line}" in text
    assert "ct_" in text


def test_comprehensions_and_lambdas():
    def loss(x):
        parts = [np.sin(x * n) for n in range(2)]
        return (lambda a, b: np.sum(a * b))(*parts)

    texts = lines_of(graph_of(loss, np.ones(3)))
    assert texts == [
        "parts = [np.sin(x * n) for n in range(2)]",
        "return (lambda a, b: np.sum(a * b))(*parts)",
    ]


def test_function_without_source():
    """Of ``exec``: the file's name and the line are all there is."""
    scope = {"np": np}
    exec(compile("def loss(x):\n    y = np.exp(x)\n    return y", "<typed>", "exec"), scope)
    node = graph_of(scope["loss"], 1.0).nodes[-1]
    assert str(node.origin) == "<typed>:2 in loss"
    assert node.out.name == "y"
    assert gradc.compile_grad(scope["loss"]).grad(0.0) == 1.0


def test_user_line_skips_gradc_and_numpy():
    assert user_line().file == __file__
    assert user_line().function == "test_user_line_skips_gradc_and_numpy"


def test_raised_line_is_the_innermost_of_the_user():
    """NumPy's own Python code below it does not count."""

    def fails():
        np.linalg.inv(np.ones((2, 3)))  # the line that is meant

    with pytest.raises(np.linalg.LinAlgError) as caught:
        fails()
    assert "the line that is meant" in str(raised_line(caught.value))
