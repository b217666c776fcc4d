"""What NumPy lacks is in the module: private functions, once each, above the main one."""

import ast
import builtins
import re

import numpy as np
import pytest
from gradc.compiler.primitive import REGISTRY, NumPy

from gradc import compile_grad, special

PRIVATE = {
    text
    for primitive in REGISTRY.values()
    if isinstance(primitive.numpy, NumPy)
    for text in primitive.numpy.functions
}


def functions_of(text):
    return [one.name for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)]


def test_each_function_stands_once_and_before_its_callers():
    def loss(x):
        return np.sum(special.erfc(x) * special.erf(x) + special.ndtr(x))

    text = compile_grad(loss).lower(np.ones(3)).numpy
    names = functions_of(text)
    assert len(set(names)) == len(names)
    assert names[-1] == "loss_value_and_grad"
    assert all(name.startswith("_") for name in names[:-1])
    for place, name in enumerate(names[:-1]):
        assert f"{name}(" not in text[: text.index(f"def {name}(")], names[:place]


def test_a_module_without_them_has_one_function():
    text = compile_grad(lambda x: np.sum(np.exp(x))).lower(np.ones(3)).numpy
    assert len(functions_of(text)) == 1


def test_names_of_the_user_give_way():
    """A variable, and a function, of the same name as a private function."""

    def _erf(x):
        _gaussian = special.erf(x)
        return np.sum(_gaussian * _gaussian)

    x = np.array([0.5, 2.0])
    compiled = compile_grad(_erf)
    expected = 2 * special.erf(x) * 2 / np.sqrt(np.pi) * np.exp(-x * x)
    np.testing.assert_allclose(compiled.grad(x), expected, rtol=1e-14)
    assert "_gaussian_1 = _erf(x)" in compiled.lower(x).numpy

    def erf_of(_erf):
        return special.erf(_erf)

    np.testing.assert_allclose(compile_grad(erf_of)(x), special.erf(x), rtol=1e-15)


def test_main_function_of_the_same_name():
    """Split mode names its forward function as the user's."""

    def _erf(x):
        return special.erf(x)

    x = np.array([0.5, 2.0])
    np.testing.assert_array_equal(compile_grad(_erf)(x), special.erf(x))


@pytest.mark.parametrize("text", sorted(PRIVATE), ids=lambda one: one.split("(")[0][5:])
def test_private_function_is_documented_numpy(text):
    """A docstring, short lines, no name but NumPy's, Python's, its own and other private ones."""
    (function,) = ast.parse(text).body
    assert ast.get_docstring(function)
    assert max(map(len, text.splitlines())) <= 100
    known = {function.name, "np", *dir(builtins)}
    known |= {re.match(r"\s*def (\w+)", one)[1] for one in PRIVATE}
    known |= {one.arg for one in function.args.args}
    names = [one for one in ast.walk(function) if isinstance(one, ast.Name)]
    known |= {one.id for one in names if isinstance(one.ctx, ast.Store)}
    assert {one.id for one in names} <= known
