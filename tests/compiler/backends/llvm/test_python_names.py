"""What native code calls back has the name by which users know it."""

import numpy as np
from gradc.compiler.backends.llvm.lowering import called
from gradc.compiler.backends.llvm.python_names import python_name
from gradc.compiler.pipeline import Log, lower_native

from gradc import compile_grad, debug, spec


def watched(x):
    debug.callback(print, x)
    return np.sum(np.sort(x) ** 3.5)


def test_functions_of_numpy_and_of_the_user():
    made = compile_grad(watched, backend="numpy").lower(spec("f8[40]"))._made
    graph = lower_native(made.joint(seeded=True), Log())
    names = [python_name(node) for node in called(graph)]
    assert set(names[1:]) == {"numpy.sort", "numpy.argsort"}
    assert names[0] == "callback_1"  # as in generated NumPy code, where it is a parameter
