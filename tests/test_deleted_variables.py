"""Variables deleted behind their last use: the same results, whatever is deleted."""

import hypothesis
import numpy as np
import pytest
from gradc.compiler.backends.numpy_source import drops
from hypothesis import HealthCheck, given, settings

import gradc
from gradc import compile_grad

from . import test_zoo_loops  # noqa: F401  (it registers the programs)
from .programs import PROGRAMS
from .programs.effects import RECORDED
from .programs.structured import LOOP_PROGRAMS
from .random_loops import PARAMETERS, load, loop_arguments, loop_programs
from .references import tree_leaves
from .test_zoo import value_and_gradient


@pytest.fixture
def everything_goes(monkeypatch):
    """Delete all that can be deleted, however small, and whether it helps or not."""
    monkeypatch.setattr(drops, "LARGE", 0)
    monkeypatch.setattr(drops, "WORTHWHILE", 0)
    monkeypatch.setattr(drops, "LEAST_GAIN", -np.inf)
    monkeypatch.setattr(drops, "SMALL_RECORD", 0)
    monkeypatch.setattr(drops, "MOST_RUNS", 0)


def fresh(program):
    return compile_grad(
        program.fn,
        wrt=program.wrt,
        has_aux=program.has_aux,
        static_argnames=program.static_argnames,
    )


def outcome(program):
    """Return value and gradient of a program compiled anew, and what its call-backs saw."""
    RECORDED.clear()
    return value_and_gradient(program, fresh(program), program.args())


@pytest.mark.parametrize("program", [*LOOP_PROGRAMS, *PROGRAMS[::4]], ids=repr)
def test_programs_of_the_zoo(program, everything_goes, monkeypatch):
    """A name that is deleted too early is an UnboundLocalError; nothing else changes."""
    deleted = outcome(program)
    monkeypatch.undo()
    for got, expected in zip(tree_leaves(deleted), tree_leaves(outcome(program)), strict=True):
        np.testing.assert_array_equal(got, expected)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(loop_programs())
def test_random_loops(everything_goes, drawn):
    """Loops in loops, conditions with lines of their own, branches, second derivatives."""
    source, seed = drawn
    hypothesis.note(source)
    args = loop_arguments(seed)
    compiled = compile_grad(load(source), wrt=tuple(PARAMETERS))
    compiled.value_and_grad(*args)
    out, pullback = compiled.vjp(*args)
    pullback(np.ones_like(out))


def test_small_programs_delete_nothing():
    """They stay as readable as they are."""
    compiled = compile_grad(lambda x: np.sum(np.exp(np.sin(x) * np.cos(x)) * x))
    assert "del " not in compiled.inspect(np.ones(2000))


def test_large_temporaries_go_behind_their_last_use():
    """Else they would live until the function returns, and be there at its peak."""

    def program(x):
        y = np.sin(x) * np.cos(x)  # small, and large again:
        return np.sum(np.outer(y, y).max(axis=0)), np.sum(np.sort(np.outer(x, y), axis=1)[:, 0])

    x = np.linspace(0, 1, 600)
    text = compile_grad(program).inspect(x)
    assert "del " in text
    for got, expected in zip(compile_grad(program)(x), program(x), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)  # other sums of 600 terms


def test_records_of_segments_never_lie_beside_the_next_ones():
    """Also where they are small beside the rest: a budget is a budget."""
    loop = compile_grad(
        lambda x: np.sum(gradc.fori_loop(0, 100, lambda i, y: np.sin(y) * np.exp(y), x, every=10))
    )
    text = loop.inspect(np.ones(100))
    backward = text.partition("# backward")[2]
    made = [line.split(" = ")[0].strip() for line in backward.splitlines() if "np.empty(" in line]
    gone = [line for line in backward.splitlines() if line.strip().startswith("del ")]
    assert made
    for label in made:
        assert any(label in line.replace(",", " ").split() for line in gone)
