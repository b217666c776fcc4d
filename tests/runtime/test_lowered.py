"""What was generated, to look at and to keep."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from gradc.runtime import loader

import gradc
from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])


def loss(x):
    return np.sum(np.exp(x) * x)


def with_table(x):
    table = np.arange(1000.0)
    return np.sum(table * x[0]) + np.sum(x)


def test_parts():
    """Each is what its name says; ``inspect`` gives the same texts."""
    compiled = compile_grad(loss)
    lowered = compiled.lower(X)
    assert "def loss_value_and_grad(" in lowered.numpy
    assert "def loss_backward(" in lowered.pullback
    assert "exp" in lowered.graph
    assert len(lowered.joint.splitlines()) > len(lowered.graph.splitlines())
    assert "differentiate" in lowered.log
    for what in ("numpy", "pullback", "graph", "joint"):
        assert compiled.inspect(X, what=what) == getattr(lowered, what)
    stages = {stage.split()[0] for stage, _ in lowered.seconds}
    assert {"capture", "optimise", "differentiate", "lower", "emit"} <= stages
    assert all(seconds >= 0 for _, seconds in lowered.seconds)


def test_lowering_does_not_run():
    """Call-backs show it."""
    seen = []

    def watched(x):
        gradc.debug.callback(seen.append, x)
        return np.sum(x)

    lowered = compile_grad(watched).lower(X)
    assert lowered.callbacks == ("callback_1",)
    assert seen == []


def test_output_that_is_no_number_gives_the_forward_program():
    lowered = compile_grad(lambda x: np.sin(x)).lower(X)
    assert "def function_forward(" in lowered.numpy
    assert "def function_backward(" in lowered.pullback


def test_spec_stands_for_an_array():
    """The same program as for an array of this type."""
    compiled = compile_grad(loss)
    assert compiled.lower(gradc.spec("f8[3]")).numpy == compiled.lower(X).numpy
    assert len(compiled.history) == 1


def test_spec_with_an_open_size(tmp_path):
    """One program for any size."""
    path = compile_grad(loss).lower(gradc.spec("f8[n]")).save(tmp_path / "loss.py")
    function = runpy.run_path(str(path))["loss_value_and_grad"]
    for n in (1, 2, 5):
        x = np.linspace(-1.0, 1.0, n)
        value, gradient = function(x)
        np.testing.assert_allclose(value, loss(x))
        np.testing.assert_allclose(gradient, np.exp(x) * (x + 1))


def test_specs_in_containers_and_of_scalars():
    compiled = compile_grad(lambda p, rate: np.sum(p["w"] * rate))
    text = compiled.inspect({"w": gradc.spec("f4[2,3]")}, gradc.spec("f4"), what="graph")
    assert "p_w: float32[2, 3], rate: float32[]" in text


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("f4[128,784]", (128, 784), "f4"),
        ("f8", (), "f8"),
        ("f8[]", (), "f8"),
        (" i8 [ 3 , 4 ] ", (3, 4), "i8"),
        ("bool[2]", (2,), "bool"),
        ("float32[7,]", (7,), "f4"),
    ],
)
def test_spec(text, shape, dtype):
    made = gradc.spec(text).type
    assert (made.shape, made.dtype) == (shape, np.dtype(dtype))


# Saving


def test_saved_module_runs_alone(tmp_path):
    path = compile_grad(loss).lower(X).save(str(tmp_path / "loss.py"))
    assert path == tmp_path / "loss.py"
    value, gradient = runpy.run_path(str(path))["loss_value_and_grad"](X)
    np.testing.assert_allclose(value, loss(X))
    np.testing.assert_allclose(gradient, np.exp(X) * (X + 1))


def test_large_constants_lie_beside_it(tmp_path):
    lowered = compile_grad(with_table).lower(X)
    path = lowered.save(tmp_path / "with_table.py")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["with_table.npz", "with_table.py"]
    with np.load(tmp_path / "with_table.npz") as constants:
        assert [constants[name].shape for name in constants] == [(1000,)]
    value, gradient = runpy.run_path(str(path))["with_table_value_and_grad"](X)
    np.testing.assert_allclose(value, with_table(X))
    np.testing.assert_allclose(gradient, np.ones(3) + [sum(range(1000)), 0, 0])


def test_save_leaves_the_old_file_or_the_new_one(tmp_path, monkeypatch):
    """A write that breaks off in the middle does not spoil what is there."""
    path = tmp_path / "loss.py"
    path.write_text("the old one", "utf-8")
    written = Path.write_text

    def breaks_off(self, text, *args):
        written(self, text[:10], *args)
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", breaks_off)
    with pytest.raises(OSError, match="disk full"):
        compile_grad(with_table).lower(X).save(path)
    assert path.read_text("utf-8") == "the old one"
    monkeypatch.undo()
    compile_grad(with_table).lower(X).save(path)
    assert "def with_table_value_and_grad(" in path.read_text("utf-8")


def test_loaded_constants_lie_in_the_folder_of_the_process():
    compiled = compile_grad(with_table)
    np.testing.assert_allclose(compiled(X), with_table(X))
    path = compiled.history[-1][1].executable("value").path
    assert path.with_suffix(".npz").exists()
    assert path.parent == loader.folder()
