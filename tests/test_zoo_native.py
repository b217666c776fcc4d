"""Every program of the zoo as native code, against the NumPy backend, whose own tests are many.

Loops are among them. What has no native code is called; where there are sizes that are known at run
time only, but in what loops save, all of a program runs as NumPy.
"""

import numpy as np
import pytest

from gradc import compile_grad

from .programs import PROGRAMS
from .references import tree_leaves
from .test_zoo import assert_close, assert_same_values, compiled_once
from .test_zoo import value_and_gradient as run
from .test_zoo_loops import LOOP_PROGRAMS

every_program = pytest.mark.parametrize("program", [*PROGRAMS, *LOOP_PROGRAMS], ids=repr)


@every_program
def test_native_code_equals_numpy(program, monkeypatch, tmp_path):
    """So does code that another function left in the cache."""
    monkeypatch.setenv("GRADC_CACHE_DIR", str(tmp_path))
    native = compile_grad(program.fn, backend="llvm", **program.options)
    outputs, gradient = run(program, native, program.args())
    expected, wanted = run(program, compiled_once(program), program.args())
    assert_same_values(outputs, expected)
    assert_close(gradient, wanted, max(program.tolerance, 1e-10))
    again, same = run(program, native, program.args())  # which native code may have taken itself
    assert_same_bits((outputs, gradient), (again, same))
    other = compile_grad(program.fn, backend="llvm", **program.options)
    assert_same_bits((outputs, gradient), run(program, other, program.args()))


def assert_same_bits(results, others):
    for one, other in zip(tree_leaves(results), tree_leaves(others), strict=True):
        assert type(one) is type(other)
        np.testing.assert_array_equal(one, other)


@every_program
def test_later_values_equal_numpy(program):
    """Of calls that native code may take with no Python in between."""
    native = compile_grad(program.fn, backend="llvm", **program.options)
    expected = compiled_once(program)(*program.args())
    for _ in range(2):
        assert_same_values(native(*program.args()), expected)


@pytest.mark.slow
def test_most_programs_are_native() -> None:
    """What runs as NumPy says so in its log, and is the lesser part."""
    logs = []
    for program in PROGRAMS[::8]:
        compiled = compile_grad(program.fn, backend="llvm", **program.options)
        logs.append(compiled.inspect(*program.args(), what="log"))
    assert sum("runs as NumPy" in log for log in logs) < len(logs) / 2
