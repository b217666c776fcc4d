"""What all tests share: reproducible state, the verifier, and golden files."""

import difflib
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

GOLDEN = Path(__file__).parent / "golden"

# The compiler verifies the graph after each pass where this is set.
os.environ["GRADC_VERIFY"] = "1"

# Generated NumPy code is the reference, and compiles in a tenth of the time; tests of native code
# ask for it. `GRADC_BACKEND=llvm` in the environment tries the others with it too.
os.environ.setdefault("GRADC_BACKEND", "numpy")

# Tests compile: code of another run would show nothing about this one.
os.environ["GRADC_CACHE_DIR"] = ""

# The same examples in every run; compiling takes longer than hypothesis' deadline of 200 ms.
hypothesis.settings.register_profile("reproducible", derandomize=True, deadline=None)
hypothesis.settings.load_profile("reproducible")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bless",
        action="store_true",
        help="write the golden files from what is generated now (runs the tests that have them)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--bless"):
        items[:] = [item for item in items if "golden" in getattr(item, "fixturenames", ())]
    if not config.getoption("markexpr"):  # what takes gigabytes has to be asked for
        items[:] = [item for item in items if not item.get_closest_marker("huge")]


@pytest.fixture(autouse=True)
def reproducible() -> Iterator[None]:
    """Fix the seeds, and let NumPy warn as it does by default, whatever a test left behind."""
    random.seed(2024)
    np.random.seed(2024)
    with np.errstate(all="warn", under="ignore"):
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return `golden(name, text)`: the text must equal the file `tests/golden/<name>`.

    With `--bless` it writes the file instead.
    """

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--bless"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != expected:
            difference = difflib.unified_diff(
                expected.splitlines(), text.splitlines(), f"golden/{name}", "generated", lineterm=""
            )
            pytest.fail(
                "\n".join([*difference, "", "If this is intended: make bless"]), pytrace=False
            )

    return compare
