"""What is installed is what stands in the tree, and it works where nothing else is installed."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .tree import FOLDER_OF, PACKAGES, ROOT, files

LEFT_OUT_OF_THE_COPY = shutil.ignore_patterns("__pycache__", "*.egg-info")

# Run where gradc is installed from the wheel, and nothing but its dependencies beside it.
PROGRAM = """
import numpy as np
import gradc

@gradc.compile_grad
def loss(w, x):
    return np.sum(np.tanh(x @ w) ** 2)

w, x = np.array([0.1, -0.2, 0.3]), np.arange(6.0).reshape(2, 3)
value, gradient = loss.value_and_grad(w, x)
t = np.tanh(x @ w)
assert np.allclose(value, np.sum(t**2))
assert np.allclose(gradient, (2 * t * (1 - t**2)) @ x)
assert "import numpy as np" in loss.inspect(w, x)
print(gradc.__file__)
"""


def run(*command: object, cwd: Path) -> str:
    """Run a command and return what it printed; a failure shows all of it."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that no earlier build leaves files in it."""
    source = tmp_path_factory.mktemp("source")
    for folder in FOLDER_OF.values():
        shutil.copytree(ROOT / folder, source / folder, ignore=LEFT_OUT_OF_THE_COPY)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "dist", ".", cwd=source)
    return next((source / "dist").glob("*.whl"))


def test_packages_equal_the_folders() -> None:
    found = set()
    for package, folder in FOLDER_OF.items():
        for path in files(folder, "__init__.py"):
            found.add(".".join((package, *path.parent.relative_to(ROOT / folder).parts)))
    assert sorted(PACKAGES) == sorted(found)


def test_folders_with_code_are_packages() -> None:
    without = {
        str(path.parent.relative_to(ROOT))
        for folder in FOLDER_OF.values()
        for path in files(folder)
        if not (path.parent / "__init__.py").exists()
    }
    assert not without


@pytest.mark.parametrize("name", ["jinja2", "astor", "llvmlite", "matplotlib"])
def test_import_leaves_out_what_is_loaded_late(name: str, tmp_path: Path) -> None:
    loaded = run(sys.executable, "-c", "import sys, gradc; print(*sys.modules)", cwd=tmp_path)
    assert name not in loaded.split()


@pytest.mark.slow
def test_wheel_holds_the_tree(wheel: Path) -> None:
    expected = set()
    for package, folder in FOLDER_OF.items():
        for path in files(folder, "*"):
            inner = path.relative_to(ROOT / folder)
            if path.is_file() and not any(part.endswith(".egg-info") for part in inner.parts):
                expected.add(str(Path(*package.split(".")) / inner))
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected


@pytest.mark.slow
def test_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run(python, "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    where = run(python, "-I", "-W", "error", "program.py", cwd=tmp_path)
    assert environment in Path(where.strip()).parents
    run(python, "-I", "-c", "import " + ", ".join(PACKAGES), cwd=tmp_path)
