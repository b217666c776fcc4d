"""Measure what checkpointing a loop costs and saves, and draw it.

The same recurrent network, with every way to say how much its loop may save. NumPy reports to
tracemalloc what it allocates. Run it with ``python examples/checkpoints.py``.
"""

import argparse
import re
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import gradc

PICTURE = Path(__file__).parent / "output" / "checkpoints.png"
STEPS, ROWS, WIDTH = 400, 32, 64
VARIANTS: tuple[Mapping[str, Any], ...] = (
    {},
    {"memory": "8MB"},
    {"memory": "4MB"},
    {"every": 100},
    {"every": 50},
    {"checkpoint": "sqrt"},
    {"every": 5},
    {"every": 2},
)


@dataclass(frozen=True)
class Measurement:
    """One variant.

    Attributes:
        label: How its loop is written.
        peak: The bytes that a call of value_and_grad took at most, beside its arguments.
        said: What `inspect` said before.
        again: The operations that backward computes again, as a part of the forward ones.
    """

    label: str
    peak: int
    said: str
    again: float


def network(**options: Any) -> Any:
    """Return a recurrent network over 400 steps, compiled; options are those of its loop."""

    @gradc.compile_grad
    def loss(w: Any, x: Any) -> Any:
        def step(i: Any, h: Any) -> Any:
            return np.tanh(h @ w + x[i])

        h = gradc.fori_loop(0, x.shape[0], step, np.zeros(x.shape[1:]), **options)
        return np.sum(h * h)

    return loss


def peak_of(run: Callable[..., Any], *args: Any) -> int:
    """Return the most bytes that a call allocates at once; the first one, which compiles, apart."""
    run(*args)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    run(*args)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak


def measure(options: Mapping[str, Any], steps: int) -> Measurement:
    """Return what a variant needs."""
    rng = np.random.default_rng(1)
    w = rng.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5
    x = rng.normal(size=(steps, ROWS, WIDTH))
    loss = network(**options)
    table = loss.inspect(w, x, what="memory").partition("vjp")[0]
    said = table.partition("peak")[2].splitlines()[0].strip()
    again = sum(map(float, re.findall(r"([\d.]+) of forward", table)))
    label = ", ".join(f"{key}={value!r}" for key, value in options.items()) or "nothing said"
    return Measurement(label, peak_of(loss.value_and_grad, w, x), said, again)


def draw(measured: list[Measurement], path: Path) -> None:
    """Save a bar for each variant: its peak, and what it computes again."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    memory, work = figure.subplots(1, 2, sharey=True)
    labels = [one.label for one in measured]
    memory.barh(labels, [one.peak / 1e6 for one in measured], color="tab:blue")
    memory.set(xlabel="peak of value_and_grad (MB)")
    memory.invert_yaxis()
    work.barh(labels, [one.again for one in measured], color="tab:orange")
    work.set(xlabel="computed again (part of forward)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(steps: int = STEPS, picture: Path = PICTURE) -> list[Measurement]:
    """Measure all variants, print them, draw them."""
    measured = [measure(options, steps) for options in VARIANTS]
    for one in measured:
        print(
            f"{one.label:20} said {one.said:>8}, took {one.peak / 1e6:5.2f} MB,"
            f" computes {one.again:.2f} of forward again"
        )
    draw(measured, picture)
    print(f"The picture: {picture}")
    return measured


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where to save the picture")
    main(**vars(parser.parse_args()))
