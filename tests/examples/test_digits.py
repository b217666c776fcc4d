"""The main job: a classifier of handwritten digits, trained with compiled gradients."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.py"


@pytest.fixture(scope="module")
def digits() -> ModuleType:
    """Load the example, which lies outside every package."""
    spec = importlib.util.spec_from_file_location("digits", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["digits"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_split_holds_the_same_share_of_every_digit_back(digits: ModuleType) -> None:
    samples = digits.load_samples()
    learned, test = digits.split_samples(samples, np.random.default_rng(digits.SEED))
    assert samples.images.shape == (1797, 64)
    assert (samples.images.min(), samples.images.max()) == (0.0, 1.0)
    assert len(learned) + len(test) == len(samples)
    share = np.bincount(test.labels) / np.bincount(samples.labels)
    assert np.allclose(share, 0.2, atol=0.01)  # 0.2 of about 180, rounded to whole digits
    together = np.concatenate([learned.images, test.images])
    assert np.array_equal(np.sort(together, axis=0), np.sort(samples.images, axis=0))


def test_gradient_agrees_with_central_differences(digits: ModuleType) -> None:
    rng = np.random.default_rng(0)
    weights = digits.initial_weights(rng)
    batch = digits.load_samples()[:8]
    _, gradients = digits.loss.value_and_grad(*weights, batch.images, batch.labels)
    step = 1e-6
    for index, gradient in enumerate(gradients):
        direction = rng.normal(size=gradient.shape)
        ahead, behind = (
            digits.loss(*moved(weights, index, sign * step * direction), batch.images, batch.labels)
            for sign in (1, -1)
        )
        # The truncation error is of the order step**2, the rounding error eps / step = 2e-10.
        slope = (ahead - behind) / (2 * step)
        assert slope == pytest.approx(np.sum(gradient * direction), rel=1e-6, abs=1e-8)


def moved(weights: tuple[np.ndarray, ...], index: int, by: np.ndarray) -> list[np.ndarray]:
    """Return the weights, one of them moved."""
    return [weight + by if i == index else weight for i, weight in enumerate(weights)]


def test_whole_example(
    digits: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "folder" / "digits.png"
    training = digits.main(picture=picture)
    assert training.accuracies[-1] >= 0.97
    assert training.losses[-1] < training.losses[0] / 5
    assert picture.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "import numpy as np" in printed
    assert "digits.py:" in printed  # each line of the generated program names its source line
    assert str(picture) in printed
