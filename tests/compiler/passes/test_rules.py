"""The rule table: both sides are the same, each rule is applied, and none where it must not be."""

import inspect
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import TypeRuleError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Node
from gradc.compiler.passes import simplify as module
from gradc.compiler.passes.cse import cse
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.passes.rules import RULES, STABILISING, Rule
from gradc.compiler.passes.simplify import simplify
from gradc.compiler.primitives.control import hook
from gradc.compiler.primitives.elementwise import constant, exp, log, log1p, stop_gradient
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

# Operands lie in +-[0.3, 0.9], where no side loses more than two or three digits to cancellation.
ULPS = 32
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
POSITIVE_ONLY = {"x ** 0.5"}
OVERFLOWING = {"log(1 + x)", "exp(x) - 1"}  # their results are large where x is


def shapes_of(rule: Rule) -> tuple[tuple[int, ...], ...]:
    kinds = [p.kind for p in inspect.signature(rule.before).parameters.values()]
    return rule.shapes or ((3, 4),) * kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)


def side(rule: Rule, function: Any, dtype: Any = "f8") -> Graph:
    """Return one side of a rule as a graph; what occurs twice is computed once."""
    types = {f"x{i}": array_type(*s, dtype=dtype) for i, s in enumerate(shapes_of(rule))}
    return dce(cse(build(lambda *operands: function(*operands, **rule.attrs), **types)))


def operands(rule: Rule, dtype: Any, signed: bool) -> list[Any]:
    rng = np.random.default_rng(7)
    shapes = shapes_of(rule)
    arrays = [rng.uniform(0.3, 0.9, shape).astype(dtype) for shape in shapes]
    signs = [rng.choice([-1, 1], shape).astype(dtype) for shape in shapes]
    if signed and rule.name not in POSITIVE_ONLY:
        return [np.asarray(one * sign) for one, sign in zip(arrays, signs, strict=True)]
    return [np.asarray(one) for one in arrays]


def assert_alike(got: Any, expected: Any, ulps: int = ULPS) -> None:
    assert got.dtype == expected.dtype
    assert np.shape(got) == np.shape(expected)
    error = ulps * np.finfo(got.dtype).eps if got.dtype.kind == "f" else 0
    np.testing.assert_allclose(got, expected, rtol=error, atol=error)


@pytest.mark.parametrize("signed", [False, True], ids=["positive", "signed"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@every_rule
def test_both_sides_are_the_same(rule: Rule, dtype: str, signed: bool) -> None:
    """Values, dtypes and shapes, within 32 ulp of 1 or of the value, whichever is larger."""
    arrays = operands(rule, dtype, signed)
    (before,) = evaluate(side(rule, rule.before, dtype), *arrays)
    (after,) = evaluate(side(rule, rule.after, dtype), *arrays)
    assert np.all(np.isfinite(before)), "the comparison would show nothing"
    assert_alike(after, before)


@pytest.mark.parametrize(
    "rule", [one for one in RULES if one.name != "-x >= 0"], ids=lambda rule: rule.name
)
def test_gradients_of_both_sides_are_the_same(rule: Rule) -> None:
    """By every operand, for a random cotangent: a rule may be applied before differentiation."""
    before, after = side(rule, rule.before), side(rule, rule.after)
    arrays = operands(rule, "f8", signed=True)
    arrays.append(np.random.default_rng(8).normal(size=before.outputs[0].shape))
    wrt = range(len(before.params))
    joints = [dce(differentiate(one, wrt, [0])) for one in (before, after)]
    with np.errstate(invalid="ignore"):  # the logarithm in the slope by an exponent that is frozen
        gradients = [evaluate(joint, *arrays)[1:] for joint in joints]
    for expected, got in zip(*gradients, strict=True):
        assert_alike(got, expected, ulps=8 * ULPS)  # products and sums of a dozen such values


@pytest.fixture
def rules_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the table of rules alone at work."""
    monkeypatch.setattr(module, "_STRUCTURAL", {})


@pytest.mark.usefixtures("rules_only")
@every_rule
def test_rule_gives_its_right_side(rule: Rule) -> None:
    before, after = side(rule, rule.before), side(rule, rule.after)
    found = dce(verify(simplify(before, (rule,))))
    assert names_of(found.nodes) == names_of(after.nodes)


@every_rule
def test_whole_table_rewrites_the_left_side(rule: Rule) -> None:
    """No rule is hidden by others; what they make of it together has the same value."""
    before = side(rule, rule.before)
    by_all = dce(simplify(before))
    assert names_of(by_all.nodes) != names_of(before.nodes)
    arrays = operands(rule, "f8", signed=True)
    assert_alike(evaluate(by_all, *arrays)[0], evaluate(before, *arrays)[0])


def of_integers(rule: Rule, dtype: str) -> tuple[Graph, list[Any], Any] | None:
    """Return a left side on integers, all of them where there are 256, and its value.

    None where it takes floats only, or NumPy refuses a negative power or number.
    """
    count = len(shapes_of(rule))
    values = np.arange(-128 if dtype[0] == "i" else 0, 128 if dtype[0] == "i" else 256)
    arrays = [np.random.default_rng(i).permutation(values).astype(dtype) for i in range(count)]
    types = {f"x{i}": array_type(256, dtype=dtype) for i in range(count)}
    try:
        graph = build(lambda *xs: rule.before(*xs, **rule.attrs), **types)
        return graph, arrays, evaluate(graph, *arrays)[0]
    except (TypeRuleError, ValueError, OverflowError):
        return None


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8"])
@pytest.mark.parametrize(
    "rule", [one for one in RULES if of_integers(one, "i8")], ids=lambda rule: rule.name
)
def test_integers_keep_their_values(rule: Rule, dtype: str) -> None:
    """Over the whole range: unsigned ones and the smallest have no negative."""
    found = of_integers(rule, dtype)
    if found is None:
        assert dtype == "u1"  # -1 is none
        return
    graph, arrays, expected = found
    got = evaluate(dce(simplify(graph)), *arrays)[0]
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("size", [800.0, -800.0])
@pytest.mark.parametrize(
    "rule", [one for one in STABILISING if one.name not in OVERFLOWING], ids=lambda rule: rule.name
)
def test_stabilising_rules_are_finite_far_out(rule: Rule, size: float) -> None:
    """Value and gradient at +-800, where exp overflows or is 0: the very reason for the rule."""
    graph = dce(simplify(side(rule, rule.before)))
    arrays = [np.zeros(shape) for shape in shapes_of(rule)]
    arrays[0][0] = size
    joint = differentiate(graph, range(len(arrays)), [0], 1.0)
    with np.errstate(over="ignore"):  # 1 / (1 + inf) is what it should be
        for result in evaluate(joint, *arrays):
            assert np.all(np.isfinite(result))


# Where rules must not look


def inner_nodes(graph: Graph) -> list[Node]:
    """Return the nodes of a left side below its root, but for its numbers."""
    made = graph.producers()
    depends = set(graph.params)
    for node in graph.nodes:
        if any(one in depends for one in node.operands):
            depends.update(node.outs)
    root = made[graph.outputs[0]]
    return [node for node in graph.nodes if node is not root and node.out in depends]


def hooked(graph: Graph, node: Node) -> Graph:
    with Builder() as builder:
        for one in graph.nodes:
            builder.nodes.append(one)
            if one is node:
                builder.add(hook, (node.out,), {"hook": None})
    return replace(graph, nodes=tuple(builder.nodes))


def nested(rule: Rule) -> bool:
    return bool(inner_nodes(side(rule, rule.before)))


nested_rules = pytest.mark.parametrize(
    "rule", list(filter(nested, RULES)), ids=lambda rule: rule.name
)


def test_there_are_nested_rules() -> None:
    assert sum(map(nested, RULES)) > 20


@pytest.mark.usefixtures("rules_only")
@nested_rules
def test_rules_do_not_look_through_hooks(rule: Rule) -> None:
    """A hook on any value inside the pattern keeps it: its gradient would be another one."""
    graph = side(rule, rule.before)
    for node in inner_nodes(graph):
        kept = hooked(graph, node)
        assert names_of(simplify(kept, (rule,)).nodes) == names_of(kept.nodes)


@pytest.mark.usefixtures("rules_only")
@nested_rules
@pytest.mark.parametrize("inside", [True, False], ids=["inner in no_grad", "outer in no_grad"])
def test_rules_do_not_cross_the_border_of_no_grad(rule: Rule, inside: bool) -> None:
    """Of two nodes that a pattern joins, one captured under no_grad and one not."""
    graph = side(rule, rule.before)
    inner = inner_nodes(graph)
    nodes = tuple(
        node if node.primitive is constant else replace(node, detached=(node in inner) == inside)
        for node in graph.nodes
    )
    kept = replace(graph, nodes=nodes)
    assert names_of(simplify(kept, (rule,)).nodes) == names_of(kept.nodes)


def test_inside_one_region_rules_apply() -> None:
    """And what they put there belongs to the region."""
    graph = build(lambda x: log(1.0 + exp(x)), x=array_type(3))
    graph = replace(graph, nodes=tuple(replace(node, detached=True) for node in graph.nodes))
    simplified = dce(simplify(graph))
    assert "log_sigmoid" in names_of(simplified.nodes)
    assert all(node.detached for node in simplified.nodes)


def test_stop_gradient_is_not_looked_through() -> None:
    """``log(1 + stop(exp(x)))`` may become ``log1p``, but keeps the stop, and so its gradient."""
    graph = build(lambda x: log(1.0 + stop_gradient(exp(x))), x=array_type(3))
    simplified = dce(simplify(graph))
    assert names_of(simplified.nodes) == ["exp", "stop_gradient", "log1p"]
    assert simplified.nodes[-1].primitive is log1p
    np.testing.assert_array_equal(
        evaluate(differentiate(simplified, [0], [0], 1.0), np.ones(3))[1], 0
    )


def test_names_of_rules_are_distinct() -> None:
    """The log tells them apart by their names."""
    assert len({rule.name for rule in RULES}) == len(RULES)
