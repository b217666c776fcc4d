"""The example that shows what became one kernel: what it draws is what the table says."""

import importlib.util
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "kernels.py"


def test_example_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every step of the table is in the picture, with its time; every layer has two products."""
    spec = importlib.util.spec_from_file_location("kernels", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kernels"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    kernels = module.main(32, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 0
    table = capsys.readouterr().out
    assert f"value and gradient: {len(kernels)} steps" in table
    products = [one for one in kernels if one.what.startswith("product")]
    assert len(products) == 8  # forward and by the weights each, and by two hidden layers
    assert all(one.lines["forward"] or one.lines["backward"] for one in kernels)
    assert all(one.microseconds >= 0 for one in kernels)
    texts = {text for one in kernels for text in one.lines["forward"].values()}
    assert "h1 = np.tanh(x @ w1 + b1)" in texts
