"""The order of the passes, what is verified and logged, and how work grows with the program."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from gradc.compiler import pipeline
from gradc.compiler.errors import VerifyError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Node, Value
from gradc.compiler.passes.rewriter import Rewriter
from gradc.compiler.passes.rules import ALGEBRAIC, STABILISING
from gradc.compiler.pipeline import LOWER, NATIVE, OPTIMISE, Log, derive, generate, optimise, run
from gradc.compiler.primitive import Expand
from gradc.compiler.primitives.control import hook
from gradc.compiler.primitives.elementwise import exp, log, stop_gradient
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.verify import verify

from gradc import compile_grad, explain

from .build import array_type, build, names_of
from .emitted import heading

VECTOR = array_type(4)


def total(x: Any) -> Any:
    return sum_(x, axes=(0,), keepdims=False)


def names(passes: Any) -> list[str]:
    return [one.__name__ for one in passes]


# Order


def test_passes_run_in_order() -> None:
    def first(graph: Graph) -> Graph:
        order.append("first")
        return graph

    def second(graph: Graph) -> Graph:
        order.append("second")
        return Graph(graph.params, (), graph.params)

    order: list[str] = []
    log = Log()
    result = run((first, second, first), build(exp, x=VECTOR), log, "stage")
    assert order == ["first", "second", "first"]
    assert result.nodes == ()
    assert [(name, nodes) for name, _, nodes in log.stages] == [("stage", 0)]


def test_order_that_the_passes_require() -> None:
    """Dead nodes go last, markers first when lowering; no rule after ``expand`` undoes it."""
    assert names(OPTIMISE)[-1] == "dce"
    assert names(OPTIMISE)[0] == "cse"  # rules know repeated operands by identity
    lower = names(LOWER)
    assert lower[:2] == ["inline", "erase"]
    assert lower.index("expand") < lower.index("simplify_algebra") < lower.index("contract")
    assert "simplify" not in lower[lower.index("expand") :]
    assert lower[-3:] == ["dce", "defer", "snapshot"]
    assert names(NATIVE)[-2:] == ["dce", "snapshot_parts"]


def test_expanded_forms_stay_expanded() -> None:
    """``log1p(exp(-abs(x)))`` in an expansion is no pattern for the rules that come after it."""
    graph = build(lambda x: log(1.0 + exp(x)), x=VECTOR)
    lowered = run(LOWER, graph, Log(), "lower")
    assert not any(isinstance(node.primitive.numpy, Expand) for node in lowered.nodes)
    assert evaluate(lowered, np.full(4, 800.0))[0][0] == 800.0
    assert not set(ALGEBRAIC) & set(STABILISING)


def test_stages_of_a_compilation() -> None:
    """What the user sees in ``explain`` and ``lower(...).log``, in the order it happened."""

    def loss(x: Any) -> Any:
        return np.sum(np.exp(x) * x)

    compiled = compile_grad(loss)
    compiled.value_and_grad(np.ones(3))
    text = explain(compiled)
    places = [
        text.index(f"{stage} ") for stage in ("capture", "optimise", "differentiate", "lower")
    ]
    assert places == sorted(places)
    lowered = compiled.lower(np.ones(3))
    stages = [stage for stage, _ in lowered.seconds]
    emit = "emit loss_value_and_grad"
    assert stages == ["capture", "optimise", "differentiate", "lower", emit]
    assert all(seconds >= 0 for _, seconds in lowered.seconds)
    lines = zip(lowered.log.splitlines(), [*stages, "total"], strict=True)
    assert all(line.startswith(stage) for line, stage in lines)


def test_log_adds_up_and_tells_of_copies() -> None:
    log = Log([("one", 0.25, 3), ("two", 0.5, 2)], ["a remark"])
    assert log.seconds == 0.75
    assert str(log).splitlines()[-2:] == [f"{'total':<16}   750.00 ms", "a remark"]

    def program(x: Any) -> Any:
        y = np.exp(x)
        z = y.copy()
        z[1:] = 0.0
        return np.sum(y * z)

    text = compile_grad(program).lower(np.ones(3)).log
    assert "an array is copied before the store at" in text
    assert "z[1:] = 0.0" in text


# Verification


def broken(graph: Graph) -> Graph:
    """Return a graph whose output nobody computes."""
    return Graph(graph.params, (), graph.outputs)


@pytest.mark.parametrize("setting", ["1", "", None])
def test_verifier_runs_after_each_pass_where_it_is_asked_for(
    setting: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRADC_VERIFY")
    if setting is not None:
        monkeypatch.setenv("GRADC_VERIFY", setting)
    after: list[str] = []

    def note(graph: Graph, name: str) -> Graph:
        after.append(name)
        return verify(graph, name)

    monkeypatch.setattr(pipeline, "verify", note)
    graph = build(lambda x: total(exp(x)), x=VECTOR)
    optimise(graph, Log())
    derive(graph, [0], [0], 1.0, Log())
    assert ("differentiate" in after) == bool(setting)
    assert after[: len(OPTIMISE)] == (names(OPTIMISE) if setting else [])
    if setting:
        with pytest.raises(VerifyError, match="after broken"):
            run((broken,), graph, Log(), "stage")
    else:
        run((broken,), graph, Log(), "stage")


def test_tests_verify() -> None:
    """``tests/conftest.py`` asks for it."""
    graph = build(lambda x: total(exp(x)), x=VECTOR)
    with pytest.raises(VerifyError):
        run((broken,), graph, Log(), "stage")


# What comes out


def test_optimised_graph_can_still_be_differentiated() -> None:
    """Markers and hooks are there until ``derive`` has resolved them; lowered there are none."""

    class Doubled:
        def apply(self, ct: Any) -> Any:
            return ct * 2.0

    def program(x: Value) -> Any:
        y = exp(x)
        Builder.current().add(hook, (y,), {"hook": Doubled()})
        return total(y + stop_gradient(sin(x)))

    graph = build(program, x=VECTOR)
    optimised = optimise(graph, Log())
    assert {"hook", "stop_gradient"} <= set(names_of(optimised.nodes))
    joint = derive(optimised, [0], [0], 1.0, Log())
    np.testing.assert_array_equal(evaluate(joint, np.zeros(4))[1], np.full(4, 2.0))
    lowered = run(LOWER, joint, Log(), "lower")
    assert not {"hook", "stop_gradient"} & set(names_of(lowered.nodes))


# Work


def unrolled(steps: int) -> Graph:
    """Return a program of many different steps on one small vector, as an unrolled loop is."""

    def program(x: Value, w: Value) -> Any:
        for i in range(steps):
            x = sin(x * w) * (0.5 + 0.01 * i) + exp(-x) / (1.0 + exp(-x))
        return total(x)

    return build(program, x=VECTOR, w=VECTOR)


def work_of(steps: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[str], int]:
    """Return how many nodes passes looked at and appended, and the lines of the module."""
    work: Counter[str] = Counter()
    make, walk, node = Builder.add, Rewriter.run, Node.__init__

    def add(self: Any, *args: Any) -> Any:
        work["added"] += 1
        return make(self, *args)

    def walked(self: Any, rewrite: Any) -> Any:
        work["walks"] += 1
        work["walked"] += len(self._graph.nodes)
        return walk(self, rewrite)

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        work["nodes"] += 1
        node(self, *args, **kwargs)

    graph = unrolled(steps)
    with monkeypatch.context() as patch:
        patch.setattr(Builder, "add", add)
        patch.setattr(Rewriter, "run", walked)
        patch.setattr(Node, "__init__", made)
        joint = derive(optimise(graph, Log()), [0, 1], [0], 1.0, Log())
        module = generate(joint, "run", heading(joint), 1, Log())
    return work, len(module.text.splitlines())


def test_work_grows_linearly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a program eight times as long: eight times the nodes, in as many walks, give or take 10 %.

    Counted, not timed: nodes made, nodes walked over, lines written.
    """
    short, short_lines = work_of(10, monkeypatch)
    long, long_lines = work_of(80, monkeypatch)
    assert long["walks"] <= short["walks"] + 2
    for kind in ("added", "walked", "nodes"):
        assert short[kind] > 100, "nothing was counted"
        assert long[kind] <= 8.8 * short[kind], kind
    assert long_lines <= 8.8 * short_lines
