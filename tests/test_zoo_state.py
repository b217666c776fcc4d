"""Programs with a state, called several times: value, gradient and state, beside plain NumPy.

Two copies of everything that a program reads and changes are made. One is run by NumPy, the other
one through the compiler; what lies between two calls happens to both.
"""

import copy
import sys
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
import pytest

from gradc import CaptureError, compile_grad

from . import references
from .programs import STATEFUL, Stateful
from .programs.stateful import move_on
from .references import wanted_leaves
from .test_zoo import assert_close, assert_same_values, value_and_gradient
from .test_zoo_layouts import LAYOUTS, laid_out

every_program = pytest.mark.parametrize("program", STATEFUL, ids=repr)


def snapshot(state: Any, seen: tuple[int, ...] = ()) -> Any:
    """Return a copy of a state as nested lists and dicts of arrays and numbers."""
    if id(state) in seen:
        return "again"
    seen = (*seen, id(state))
    if isinstance(state, np.ndarray | np.generic):
        return copy.deepcopy(state)
    if isinstance(state, dict):
        return {key: snapshot(value, seen) for key, value in state.items()}
    if isinstance(state, tuple | list):
        return [snapshot(value, seen) for value in state]
    if isinstance(state, FunctionType | BuiltinFunctionType | MethodType | np.ufunc):
        return state.__name__
    names = getattr(type(state), "__slots__", None)
    if names is not None:
        return {name: snapshot(getattr(state, name), seen) for name in names}
    return snapshot(vars(state), seen) if hasattr(state, "__dict__") else state


def assert_same_state(actual: Any, expected: Any) -> None:
    """Compare two snapshots: the same structure, kinds and dtypes, values to a few roundings."""
    assert type(actual) is type(expected)
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        actual, expected = list(actual.values()), list(expected.values())
    if isinstance(expected, list):
        assert len(actual) == len(expected)
        for got, wanted in zip(actual, expected, strict=True):
            assert_same_state(got, wanted)
    elif isinstance(expected, float | np.ndarray | np.generic):
        assert_same_values([actual], [expected])
    else:
        assert actual == expected


def options(program: Stateful) -> dict[str, Any]:
    return {"wrt": program.wrt}


@every_program
def test_calls_leave_the_state_that_numpy_leaves(program):
    """Values, arguments and state agree after each call; the code is made as often as stated."""
    plain, subject = program.new(), program.new()
    compiled = compile_grad(subject.fn, **options(program))
    for call in range(program.calls):
        expected = plain.fn(*plain.args)
        outputs, _ = value_and_gradient(program.at(call), compiled, subject.args)
        assert_same_values(outputs, expected)
        assert_same_state(snapshot(subject.args), snapshot(plain.args))
        assert_same_state(snapshot(subject.state), snapshot(plain.state))
        move_on(plain, call)
        move_on(subject, call)
    assert len(compiled.history) <= program.compilations


@every_program
def test_value_alone_leaves_the_same_state(program):
    """The code without a gradient reads, stores and writes back as the one with it."""
    plain, subject = program.new(), program.new()
    compiled = compile_grad(subject.fn, **options(program))
    for call in range(program.calls):
        assert_same_values(compiled(*subject.args), plain.fn(*plain.args))
        assert_same_state(snapshot(subject.args), snapshot(plain.args))
        assert_same_state(snapshot(subject.state), snapshot(plain.state))
        move_on(plain, call)
        move_on(subject, call)


@every_program
def test_gradient_follows_the_state(program):
    """At every call, against differences of fresh copies brought to the same state."""
    subject = program.new()
    compiled = compile_grad(subject.fn, **options(program))
    rng = np.random.default_rng(17)
    for call in range(program.calls):
        fixed = program.at(call)
        args = fixed.args()
        _, gradient = value_and_gradient(fixed, compiled, subject.args)
        weights = references.output_weights(fixed, args)
        direction = [rng.normal(size=np.shape(leaf)) for leaf in wanted_leaves(fixed, args)]
        slope = references.directional_slope(fixed, args, direction, weights)
        terms = [np.multiply(g, way) for g, way in zip(gradient, direction, strict=True)]
        scale = sum(float(np.sum(np.abs(term))) for term in terms)
        error = abs(sum(float(np.sum(term)) for term in terms) - slope)
        # As for the programs without state; rounding into float32 is left out by `smooth`.
        assert not program.smooth or error <= 1e-8 * scale + 1e-9
        move_on(subject, call)


@pytest.mark.parametrize("program", [one for one in STATEFUL if one.jax], ids=repr)
def test_gradient_equals_jax_at_each_state(program, monkeypatch):
    """The same source, with `jax.numpy` as the module's `np` during the call."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    subject = program.new()
    compiled = compile_grad(subject.fn, **options(program))
    module = sys.modules[program.make.__module__]
    for call in range(2):
        fixed = program.at(call)
        args = fixed.args()
        _, gradient = value_and_gradient(fixed, compiled, subject.args)

        def value(leaves, program=program, fixed=fixed, args=args, call=call):
            fresh = program.before(call)
            with monkeypatch.context() as patched:
                patched.setattr(module, "np", jax.numpy)
                return fresh.fn(*references.with_wanted(fixed, args, leaves))

        wanted = [jax.numpy.asarray(leaf) for leaf in wanted_leaves(fixed, args)]
        assert_close(gradient, [np.asarray(g) for g in jax.grad(value)(wanted)], 1e-9)
        move_on(subject, call)


@pytest.mark.parametrize("layout", LAYOUTS)
@every_program
def test_layouts_of_arguments_beside_a_state(program, layout):
    """NumPy with the same arguments is the reference; what it refuses to write to is refused."""
    plain, subject, usual = program.new(), program.new(), program.new()
    compiled = compile_grad(subject.fn, **options(program))
    compiled_as_usual = compile_grad(usual.fn, **options(program))
    for call in range(2):
        plain.args, subject.args = laid_out(plain.args, layout), laid_out(subject.args, layout)
        before = snapshot([subject.args, subject.state])
        try:
            expected = plain.fn(*plain.args)
        except ValueError as error:
            if not program.mutates or "read-only" not in str(error):
                raise
            with pytest.raises(CaptureError, match="read-only"):
                compiled(*subject.args)
            assert_same_state(snapshot([subject.args, subject.state]), before)
            return
        outputs, gradient = value_and_gradient(program.at(call), compiled, subject.args)
        assert_same_values(outputs, expected)
        assert_same_state(snapshot(subject.args), snapshot(plain.args))
        assert_same_state(snapshot(subject.state), snapshot(plain.state))
        _, as_usual = value_and_gradient(program.at(call), compiled_as_usual, usual.args)
        assert_close(gradient, as_usual, 1e-12)  # BLAS may sum strided operands otherwise
        for one in (plain, subject, usual):
            move_on(one, call)
