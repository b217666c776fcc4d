"""The graphs of derivative rules in the passes of both modes: what is left in the program."""

import numpy as np
import pytest

import gradc
from gradc import func

X = np.array([0.5, -1.5, 2.0])


def names(function, *arguments, wrt=0, what="joint"):
    """Return the primitives of the joint graph of a function, in order."""
    compiled = gradc.compile_grad(function, wrt=wrt)
    lines = compiled.inspect(*arguments, what=what).splitlines()
    return [line.split(" = ")[1].split("(")[0] for line in lines if " = " in line]


def test_forward_rule_takes_the_place_of_the_function():
    """What both compute is computed once."""

    @gradc.custom_vjp
    def f(x):
        return np.exp(x) * 2.0

    def forward(x):
        e = np.exp(x)
        return e * 2.0, e

    f.defvjp(forward, lambda e, ct: (ct * e,))
    found = names(lambda x: np.sum(f(x)), X)
    assert found.count("exp") == 1
    assert "custom_vjp" not in found


def test_functions_that_are_not_differentiated_stay():
    """Their rules do not serve; neither do those of results without cotangent."""

    @gradc.custom_vjp
    def f(x):
        return np.exp(x)

    f.defvjp(lambda x: (np.cos(x), None), lambda _, ct: (np.sin(ct),))
    found = names(lambda x, y: np.sum(x * f(y)), X, X)
    assert "custom_vjp" in found
    assert not {"cos", "sin"} & set(found)
    np.testing.assert_array_equal(func.grad(lambda x, y: np.sum(x * f(y)))(X, X), np.exp(X))


def test_rules_work_for_arguments_that_are_not_differentiated():
    """A rule's part for a frozen argument is dead code."""

    @gradc.custom_jvp
    def f(x, y):
        return x * y

    @f.defjvp
    def rule(primals, tangents):
        (x, y), (t_x, t_y) = primals, tangents
        return x * y, t_x * y + np.sin(t_y * 0.0) * 0.0 + np.exp(x) * t_y

    # By y the rule is not linear; by x it is, and that of y is 0 then.
    found = names(lambda x, y: np.sum(f(x, y)), X, X)
    assert not {"exp", "sin"} & set(found)
    np.testing.assert_array_equal(func.grad(lambda x: np.sum(f(x, X)))(X), X)


def test_results_that_are_arguments_or_the_same():
    """A rule may give back what it took, and one value for two results."""

    @gradc.custom_vjp
    def f(x, y):
        return x, y, y

    f.defvjp(lambda x, y: ((x, y, y), None), lambda _, cts: (cts[0] * 2.0, cts[1] + 3.0 * cts[2]))

    def loss(x, y):
        a, b, c = f(x, y)
        return np.sum(a * b) + np.sum(c)

    by_x, by_y = func.grad(loss, wrt=(0, 1))(X, 2 * X)
    np.testing.assert_array_equal(by_x, 2 * 2 * X)
    np.testing.assert_array_equal(by_y, X + 3.0)
    value, tangent = func.jvp(loss, (X, 2 * X), (X, X))
    assert value == np.sum(2 * X * X) + np.sum(2 * X)
    assert tangent == pytest.approx(np.sum(by_x * X + by_y * X), rel=1e-14)


def test_tangent_rule_with_a_loop():
    """A loop that gives results and tangents together is split: backward reads its first half."""

    def body(x):
        return gradc.fori_loop(0, 5, lambda i, y: np.sin(y) * x, x)

    @gradc.custom_jvp
    def f(x):
        return body(x)

    @f.defjvp
    def rule(primals, tangents):
        out, tangent = func.jvp(body, primals, tangents)
        return out, 2.0 * tangent

    by_rule = func.grad(lambda x: np.sum(f(x) ** 2))
    plain = func.grad(lambda x: np.sum(body(x) ** 2))
    np.testing.assert_allclose(by_rule(X), 2.0 * plain(X), rtol=1e-13)
    _, tangent = func.jvp(lambda x: np.sum(f(x) ** 2), (X,), (X,))
    assert tangent == pytest.approx(np.sum(by_rule(X) * X), rel=1e-13)


def test_linearize_keeps_the_results_apart():
    """In split forward mode the value depends on no tangent, in a loop neither."""

    @gradc.custom_jvp
    def f(x):
        return np.sin(x)

    @f.defjvp
    def rule(primals, tangents):
        return func.jvp(
            lambda x: gradc.fori_loop(0, 1, lambda i, y: np.sin(y), x), primals, tangents
        )

    out, push = func.linearize(lambda x: f(x) * x, X)
    np.testing.assert_array_equal(out, np.sin(X) * X)
    for t in (X, np.ones(3)):
        np.testing.assert_allclose(push(t), (np.cos(X) * X + np.sin(X)) * t, rtol=1e-14)


def test_forward_mode_of_a_backward_rule_with_a_loop():
    """Its transposition is a loop that runs the other way."""

    @gradc.custom_vjp
    def f(x):
        return np.cumsum(x) * 4.0

    def backward(_, ct):
        return (gradc.fori_loop(0, 2, lambda i, c: c + c, np.cumsum(ct[::-1])[::-1]),)

    f.defvjp(lambda x: (f(x), None), backward)
    np.testing.assert_allclose(func.jvp(f, (X,), (X,))[1], 4.0 * np.cumsum(X))
    np.testing.assert_allclose(func.jacfwd(f)(X), func.jacrev(f)(X))


def test_call_backs_of_tangents_are_not_told_in_reverse_mode():
    """There are no tangents then; those of values are told once."""
    seen = []

    @gradc.custom_jvp
    def f(x):
        return x * 2.0

    @f.defjvp
    def rule(primals, tangents):
        gradc.debug.callback(lambda _: seen.append("value"), primals[0])
        gradc.debug.callback(lambda _: seen.append("tangent"), tangents[0])
        return primals[0] * 2.0, tangents[0] * 2.0

    np.testing.assert_array_equal(func.grad(lambda x: np.sum(f(x)))(X), [2.0, 2.0, 2.0])
    assert seen == ["value"]
    func.jvp(f, (X,), (X,))
    assert seen == ["value", "value", "tangent"]


def test_forward_mode_of_a_backward_rule_with_a_loop_of_unknown_length():
    """Its transposition would save rows of a size that has no name of its own: it is refused."""

    @gradc.custom_vjp
    def f(x, n):
        return x**4

    def backward(residuals, ct):
        x, n = residuals
        body = lambda c: (c[0] + 1, np.sin(c[1]) + 1.0, c[2] * c[1])  # noqa: E731
        return gradc.while_loop(lambda c: c[0] < n, body, (0, x, ct))[2], None

    f.defvjp(lambda x, n: (f(x, n), (x, n)), backward)
    loss = lambda x, n: np.sum(f(x, n))  # noqa: E731
    first, second = X, np.sin(X) + 1.0
    np.testing.assert_allclose(func.grad(loss)(X, np.array(2)), first * second)
    with pytest.raises(gradc.DerivativeError, match="has loops of unknown length, so it has no"):
        gradc.compile_grad(loss).jvp((X, np.array(2)), X)
