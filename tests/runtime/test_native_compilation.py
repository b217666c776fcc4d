"""Code that is found computes what compiled code does, to the bit, and no other code is found."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from gradc.compiler.backends.llvm.target import Target
from gradc.runtime import native_compilation

from gradc import compile_grad, debug

X = np.linspace(0.1, 2.0, 400).reshape(20, 20)

SOURCE = """
def loss(x, w):
    return np.sum(np.tanh(x @ w) ** 2)
"""
GATHER = """
def gathered(x, i):
    return np.sum(x[i] ** 2)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADC_CACHE_DIR", str(tmp_path / "code"))
    return tmp_path / "code"


def function_at(line, source, tmp_path):
    """Return the function of a source that stands at a line of a file."""
    path = tmp_path / f"at_{line}.py"
    path.write_text("import numpy as np\n" + "\n" * line + source)
    scope = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    return next(one for name, one in scope.items() if name in ("loss", "gathered"))


def native(function, **options):
    return compile_grad(function, backend="llvm", **options)


def log_of(compiled, *args):
    return compiled.inspect(*args, what="log")


def test_a_function_that_was_moved_finds_its_code(folder, tmp_path):
    results = []
    for line, word in ((0, "compile"), (40, "find")):
        compiled = native(function_at(line, SOURCE, tmp_path), wrt=(0, 1))
        value, gradient = compiled.value_and_grad(X, X.T)
        assert f"{word} loss_value_and_grad" in log_of(compiled, X, X.T)
        results.append([value, *gradient])
        assert len(list(folder.iterdir())) == 1
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_was_found_can_be_looked_at(folder, tmp_path):
    function = function_at(0, SOURCE, tmp_path)
    native(function).value_and_grad(X, X)
    found = native(function)
    found.value_and_grad(X, X)
    fresh = native(function)
    for part in ("llvm", "asm", "unoptimised", "memory", "numpy"):
        assert found.inspect(X, X, what=part) == fresh.inspect(X, X, what=part)
    assert "at_0.py:4" in found.inspect(X, X, what="kernels")


def test_a_damaged_file_is_compiled_anew(folder, tmp_path):
    function = function_at(0, SOURCE, tmp_path)
    expected = native(function).value_and_grad(X, X)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    value, gradient = native(function).value_and_grad(X, X)
    assert value == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])
    assert [one.name for one in folder.iterdir()] == [path.name]


def test_an_error_names_the_line_where_the_function_stands_now(folder, tmp_path):
    wrong = np.array([0, 400])
    for line in (0, 7):
        compiled = native(function_at(line, GATHER, tmp_path))
        with pytest.raises(IndexError, match=rf"at_{line}\.py:{line + 4}"):
            compiled.value_and_grad(X.ravel(), wrong)


def test_what_calls_python_is_not_kept(folder):
    """It is bound to objects of this process."""
    seen = []

    def watched(x):
        debug.callback(seen.append, x)
        return np.sum(x * x)

    for _ in range(2):
        native(watched).value_and_grad(X[0])
        native(lambda x: np.sum(np.sort(x) * x)).value_and_grad(X[0])
    assert len(seen) == 2
    assert not folder.exists()


def test_what_has_no_native_code_is_not_kept(folder):
    compiled = native(lambda x: np.sum(np.cumsum(x[x > 1.0]) ** 2))
    compiled.value_and_grad(X)
    assert "runs as NumPy" in log_of(compiled, X)
    assert not folder.exists()


def test_all_that_decides_is_in_the_key(folder, tmp_path):
    lowered = native(function_at(0, SOURCE, tmp_path)).lower(X, X)
    one = lowered._made.native("value_and_grad").program.compiled
    others = [
        replace(one, symbol="gradc.other"),
        replace(one, shared=(0,)),
        replace(one, kinds=None, tree=None),
        replace(one, workers=one.workers + 1),
        replace(one, target=Target.named("x86-64-v3")),
        replace(one, target=replace(one.target, features=one.target.features + ",-fma")),
        replace(one, graph=native(lambda x, w: np.sum(x)).lower(X, X)._made.graph),
    ]
    keys = [each.key(2) for each in (one, *others)] + [one.key(1)]
    assert len(set(keys)) == len(keys)
    assert one.key(2) == replace(one).key(2)


def test_where_the_compiler_has_no_text_nothing_is_kept(folder, tmp_path, monkeypatch):
    """In an archive: nobody could tell the code of one version from that of another."""
    native_compilation._versions.cache_clear()
    monkeypatch.setattr(
        native_compilation.compiler, "__file__", str(tmp_path / "none.zip" / "x.py")
    )
    value = native(function_at(0, SOURCE, tmp_path))(X, X)
    monkeypatch.undo()
    native_compilation._versions.cache_clear()
    assert value == pytest.approx(np.sum(np.tanh(X @ X) ** 2))
    assert not folder.exists()


SCRIPT = """
import sys
import numpy as np
from gradc import compile_grad
f = compile_grad(lambda x, w: np.sum(np.tanh(x @ w) ** 2), wrt=(0, 1), backend="llvm")
x = np.linspace(0.1, 2.0, 400).reshape(20, 20)
value, gradient = f.value_and_grad(x, x.T)
print(value.hex(), [one.tobytes().hex() for one in gradient])
print("gradc.compiler.backends.llvm.compilation" in sys.modules)
"""


def test_a_second_process_compiles_nothing(folder):
    """Nor does it import what compiles."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    outputs = [
        subprocess.check_output([sys.executable, "-c", SCRIPT], env=environment, text=True)
        for _ in range(2)
    ]
    (first, compiled), (second, later) = (one.splitlines() for one in outputs)
    assert first == second
    assert (compiled, later) == ("True", "False")
