"""The example that measures checkpoints: what it prints and draws is what the page says of it."""

import importlib.util
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "checkpoints.py"


def test_example_measures_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every variant needs less than saving all does, runs each step once more, and is predicted."""
    spec = importlib.util.spec_from_file_location("checkpoints", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["checkpoints"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    first, *others = module.main(400, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 0
    assert "nothing said" in capsys.readouterr().out
    assert first.again < 0.01
    for one in others:
        assert one.peak < first.peak
        assert 0.95 < one.again < 1.1
        said, unit = one.said.split()
        assert unit == "MB"
        assert abs(float(said) * 1e6 - one.peak) < 0.02 * one.peak
