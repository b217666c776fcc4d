"""The README's example runs, and the generated module that it shows is the one it gives."""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

from .tree import ROOT

FENCED = re.compile(r"(?<=^```python\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def test_example_runs_and_gives_what_is_shown(
    tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    example, shown = FENCED.finditer(text)
    path = tmp_path / "model.py"
    path.write_text(example[0], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("model", path)
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    assert model.dw.shape == model.w.shape
    module = model.loss.inspect(model.w, model.b, model.x, model.y).strip()
    golden("../../README.md", f"{text[: shown.start()]}{module}\n{text[shown.end() :]}")
