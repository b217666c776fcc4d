"""Every program of the zoo as native code, against the NumPy backend, whose own tests are many.

Programs in which something has no native code yet run as NumPy; most have it all.
"""

import pytest

from gradc import compile_grad

from .programs import PROGRAMS
from .test_zoo import assert_close, assert_same_values, compiled_once, every_program
from .test_zoo import value_and_gradient as run


@every_program
def test_native_code_equals_numpy(program):
    native = compile_grad(program.fn, backend="llvm", **program.options)
    outputs, gradient = run(program, native, program.args())
    expected, wanted = run(program, compiled_once(program), program.args())
    assert_same_values(outputs, expected)
    assert_close(gradient, wanted, max(program.tolerance, 1e-10))


@pytest.mark.slow
def test_most_programs_are_native() -> None:
    """What runs as NumPy says so in its log, and is the lesser part."""
    logs = []
    for program in PROGRAMS[::8]:
        compiled = compile_grad(program.fn, backend="llvm", **program.options)
        logs.append(compiled.inspect(*program.args(), what="log"))
    assert sum("runs as NumPy" in log for log in logs) < len(logs) / 2
