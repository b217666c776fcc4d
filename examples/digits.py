"""Train a classifier of handwritten digits with compiled gradients.

The model is two layers of plain NumPy; `compile_grad` derives and compiles its gradient, and plain
NumPy updates the weights. Run it with ``make demo`` or ``python examples/digits.py``.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gradc import compile_grad

HERE = Path(__file__).parent
DATA = HERE / "data" / "digits.csv.gz"
PICTURE = HERE / "output" / "digits.png"

SEED = 7
HIDDEN = 128
BATCH = 32
REQUIRED_ACCURACY = 0.97

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Scalar = np.floating[Any]
Weights = tuple[Floats, Floats, Floats, Floats]


def scores(w1: Floats, b1: Floats, w2: Floats, b2: Floats, images: Floats) -> Floats:
    """Return one score per digit: (n, 64) -> (n, 10)."""
    hidden = np.maximum(images @ w1 + b1, 0)
    return hidden @ w2 + b2


@compile_grad(wrt=("w1", "b1", "w2", "b2"))
def loss(w1: Floats, b1: Floats, w2: Floats, b2: Floats, images: Floats, labels: Labels) -> Scalar:
    """Return the mean cross-entropy, in nats, of the labels under the softmax of the scores."""
    logits = scores(w1, b1, w2, b2, images)
    logits = logits - np.max(logits, axis=1, keepdims=True)
    log_p: Floats = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


@dataclass(frozen=True)
class Samples:
    """Images (n, 64) with entries from 0 to 1, and their labels (n,) from 0 to 9."""

    images: Floats
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Any) -> "Samples":
        return Samples(self.images[rows], self.labels[rows])


@dataclass
class Training:
    """The weights and how they came about, one entry per epoch."""

    weights: Weights
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)


def load_samples(path: Path = DATA) -> Samples:
    """Read the scans that are shipped beside this file."""
    table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    return Samples(table[:, :64] / 16.0, table[:, 64])


def split_samples(
    samples: Samples, rng: np.random.Generator, test_share: float = 0.2
) -> tuple[Samples, Samples]:
    """Shuffle, and hold the same share of every digit back for the test."""
    order = rng.permutation(len(samples))
    test_rows: list[int] = []
    for digit in range(10):
        rows = order[samples.labels[order] == digit]
        test_rows.extend(rows[: round(test_share * len(rows))])
    return samples[np.setdiff1d(order, test_rows)], samples[rng.permutation(test_rows)]


def initial_weights(rng: np.random.Generator) -> Weights:
    """Draw weights whose layers keep the size of their inputs (He et al., 2015)."""
    w1 = rng.normal(scale=np.sqrt(2 / 64), size=(64, HIDDEN))
    w2 = rng.normal(scale=np.sqrt(2 / HIDDEN), size=(HIDDEN, 10))
    return w1, np.zeros(HIDDEN), w2, np.zeros(10)


def predict(weights: Weights, images: Floats) -> Labels:
    """Return the digit with the highest score, (n, 64) -> (n,), in plain NumPy."""
    digits: Labels = np.argmax(scores(*weights, images), axis=1)
    return digits


def accuracy(weights: Weights, samples: Samples) -> float:
    """Return the share of samples that are recognised."""
    return float(np.mean(predict(weights, samples.images) == samples.labels))


def jitter(images: Floats, rng: np.random.Generator) -> Floats:
    """Move each image by up to one pixel, one in three: a digit stays the same digit."""
    moves = rng.integers(-1, 2, size=(len(images), 2)) * (rng.random((len(images), 1)) < 1 / 3)
    squares: Floats = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    rows = 1 + moves[:, 0, None] + np.arange(8)
    columns = 1 + moves[:, 1, None] + np.arange(8)
    image = np.arange(len(images))[:, None, None]
    moved: Floats = squares[image, rows[:, :, None], columns[:, None, :]]
    return moved.reshape(-1, 64)


def train(
    samples: Samples,
    test: Samples,
    rng: np.random.Generator,
    epochs: int = 40,
    first_rate: float = 0.05,
    momentum: float = 0.9,
) -> Training:
    """Minimise the loss by stochastic gradient descent with momentum, and report on the way.

    The rate falls linearly from ``first_rate``, so that the last epochs settle.
    """
    training = Training(initial_weights(rng))
    velocities = [np.zeros_like(weight) for weight in training.weights]
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(samples))
        rate = first_rate * (1 - (epoch - 1) / epochs)
        values = []
        for start in range(0, len(order) - BATCH + 1, BATCH):
            batch = samples[order[start : start + BATCH]]
            images = jitter(batch.images, rng)
            value, gradients = loss.value_and_grad(*training.weights, images, batch.labels)
            values.append(value)
            for weight, velocity, gradient in zip(
                training.weights, velocities, gradients, strict=True
            ):
                velocity *= momentum
                velocity -= rate * gradient
                weight += velocity
        training.losses.append(float(np.mean(values)))
        training.accuracies.append(accuracy(training.weights, test))
        if epoch == 1 or epoch % 5 == 0:
            print(
                f"epoch {epoch:3}   training loss {training.losses[-1]:.4f}"
                f"   test accuracy {training.accuracies[-1]:.1%}"
            )
    return training


def draw(training: Training, test: Samples, path: Path = PICTURE) -> None:
    """Save the learning curve and some test digits, those that were misread first, in red."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 1.1))
    curve, gallery = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    axes = curve.subplots()
    epochs = np.arange(1, len(training.losses) + 1)
    axes.semilogy(epochs, training.losses, color="tab:blue", label="training loss (nats)")
    axes.semilogy(
        epochs, 1 - np.array(training.accuracies), color="tab:orange", label="test error (share)"
    )
    axes.set(xlabel="epoch", title=f"test accuracy {training.accuracies[-1]:.1%}")
    axes.legend()

    predictions = predict(training.weights, test.images)
    misread = predictions != test.labels
    rows = np.argsort(~misread, kind="stable")[:24]
    for axes, row in zip(gallery.subplots(4, 6).flat, rows, strict=True):
        axes.imshow(test.images[row].reshape(8, 8), cmap="gray_r")
        axes.set_axis_off()
        if misread[row]:
            axes.set_title(f"{test.labels[row]} as {predictions[row]}", color="red", size=9)
        else:
            axes.set_title(str(predictions[row]), size=9)
    gallery.suptitle(f"{misread.sum()} of {len(test)} test digits misread")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main(epochs: int = 40, picture: Path = PICTURE) -> Training:
    """Train, check the accuracy on digits that were never trained on, show what was compiled."""
    rng = np.random.default_rng(SEED)
    samples, test = split_samples(load_samples(), rng)
    print(f"{len(samples)} digits to learn from, {len(test)} held back for the test\n")
    training = train(samples, test, rng, epochs)

    print("\nThe generated program, which computes the loss and its gradient:\n")
    print(loss.inspect(*training.weights, samples.images[:BATCH], samples.labels[:BATCH]))
    draw(training, test, picture)
    print(f"The learning curve and some digits: {picture}")
    reached = training.accuracies[-1]
    print(f"Test accuracy: {reached:.2%}")
    assert reached >= REQUIRED_ACCURACY, f"expected at least {REQUIRED_ACCURACY:.0%}"
    return training


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where to save the picture")
    main(**vars(parser.parse_args()))
