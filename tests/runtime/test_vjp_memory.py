"""The pullback of ``vjp``: what it holds, and what becomes of that."""

import numpy as np
import pytest
from gradc.compiler.passes import lifetimes

import gradc
from gradc import compile_grad

from ..programs import PROGRAMS
from ..references import output_weights, tree_leaves

ATTEMPTS = 2  # of the retaining pullback


def network(w, v, x):
    hidden = np.maximum(x @ w, 0.0)
    hidden = np.tanh(hidden * 2.0) * hidden
    return np.tanh(hidden @ v)


def arguments():
    rng = np.random.default_rng(7)
    return [rng.normal(size=shape) for shape in ((60, 50), (50, 40), (70, 60))]


def test_consuming_gives_the_same_bits_and_frees():
    """The consuming program computes the same, in the memory of the residuals."""
    args = arguments()
    compiled = compile_grad(network, wrt=("w", "v"))
    out, pullback = compiled.vjp(*args)
    ct = np.linspace(-1.0, 1.0, out.size).reshape(out.shape)
    first, second = pullback(ct), pullback(ct)
    assert pullback.nbytes > 0
    last = pullback(ct, retain_graph=False)
    for one, two, three in zip(first, second, last, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
    assert pullback.nbytes == 0
    with pytest.raises(gradc.GradcError, match="through the graph a second time"):
        pullback(ct)


def test_consuming_touches_neither_outputs_nor_arguments_nor_the_cotangent():
    args = arguments()
    out, pullback = compile_grad(network, wrt=("w", "v", "x")).vjp(*args)
    ct = np.linspace(-1.0, 1.0, out.size).reshape(out.shape)
    kept = [one.copy() for one in (*args, out, ct)]
    results = pullback(ct, retain_graph=False)
    for one, other in zip((*args, out, ct), kept, strict=True):
        np.testing.assert_array_equal(one, other)
        assert not any(np.may_share_memory(one, result) for result in results)


def test_consuming_program_writes_into_residuals():
    """Fewer arrays are made than in the retaining one."""
    made = compile_grad(network, wrt=("w", "v")).lower(*arguments())._made
    text = made.executable("consuming").module.text
    fresh = [one.count("out=") for one in (made.executable("backward").module.text, text)]
    assert fresh[1] > fresh[0]
    params = text[text.index("def ") :].partition("(")[2].partition(")")[0].split(", ")
    assert any(f"out={param})" in text for param in params[:-1])
    assert f"out={params[-1]})" not in text, "the cotangent is the caller's"


@pytest.mark.parametrize("program", PROGRAMS, ids=repr)
def test_pullbacks_of_the_zoo(program, monkeypatch):
    """Retaining, retaining again, consuming: the same bits each time, small arrays reused too."""
    monkeypatch.setattr(lifetimes, "WORTH_REUSING", 1)
    args = program.args()
    compiled = compile_grad(program.fn, **program.options)
    out, pullback = compiled.vjp(*args)[:2]
    if program.scalar:
        ct = np.ones_like(out)
    else:
        leaves = iter(output_weights(program, args))
        ct = like(out, leaves)
    results = [tree_leaves(pullback(ct)) for _ in range(ATTEMPTS)]
    results.append(tree_leaves(pullback(ct, retain_graph=False)))
    for leaves in zip(*results, strict=True):
        for leaf in leaves[1:]:
            np.testing.assert_array_equal(leaf, leaves[0])
            assert type(leaf) is type(leaves[0])


def like(tree, leaves):
    """Return a structure like ``tree`` with these leaves."""
    if isinstance(tree, dict):
        return {key: like(one, leaves) for key, one in tree.items()}
    if isinstance(tree, tuple | list):
        kind = type(tree)
        parts = [like(one, leaves) for one in tree]
        return kind(*parts) if hasattr(tree, "_fields") else kind(parts)
    return next(leaves)


def test_inside_another_capture():
    """The pullback is a part of the program there; the rule is the same."""

    def once(x):
        out, pullback = gradc.func.vjp(np.sin, x)
        return out * pullback(np.ones_like(x), retain_graph=False)[0]

    def twice(x):
        _, pullback = gradc.func.vjp(np.sin, x)
        first = pullback(np.ones_like(x), retain_graph=False)[0]
        return first + pullback(np.ones_like(x))[0]

    x = np.linspace(-1.0, 1.0, 5)
    np.testing.assert_allclose(compile_grad(once)(x), np.sin(x) * np.cos(x))
    with pytest.raises(gradc.GradcError, match="through the graph a second time"):
        compile_grad(twice)(x)
