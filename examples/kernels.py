"""Show what became one kernel: the lines of a network, and the native kernels made of them.

`inspect(what="kernels")` is the table; this draws it. Run it with ``python examples/kernels.py``.
"""

import argparse
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import gradc

PICTURE = Path(__file__).parent / "output" / "kernels.png"
WIDTHS = (784, 512, 512, 10)
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}
ROW = re.compile(r"  (\S.*?)   *[\d.?].* ([\d.]+) (us|ms|s) +\d+ %")
LINE = re.compile(r"      \S+:(\d+), (forward and backward|forward|backward): (.*)")


@gradc.compile_grad(backend="llvm", wrt=("w1", "b1", "w2", "b2", "w3", "b3"))
def loss(w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, x: Any, wanted: Any) -> Any:
    """Return the mean cross-entropy of a network with two hidden layers."""
    h1 = np.tanh(x @ w1 + b1)
    h2 = np.tanh(h1 @ w2 + b2)
    scores = h2 @ w3 + b3
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_p = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    return -np.mean(np.sum(log_p * wanted, axis=1))


@dataclass
class Kernel:
    """A kernel.

    Attributes:
        what: What it is.
        microseconds: How long it took.
        lines: The numbers of the lines in it, with their texts, forward and backward.
    """

    what: str
    microseconds: float
    lines: dict[str, dict[int, str]] = field(
        default_factory=lambda: {"forward": {}, "backward": {}}
    )


def arguments(rows: int) -> list[Any]:
    """Return weights, and a batch of so many rows."""
    rng = np.random.default_rng(0)
    found: list[Any] = []
    for before, after in zip(WIDTHS, WIDTHS[1:], strict=False):
        found.append(rng.normal(size=(before, after)).astype("f4") / before**0.5)
        found.append(np.zeros(after, "f4"))
    labels = rng.integers(0, WIDTHS[-1], rows)
    return [*found, rng.normal(size=(rows, WIDTHS[0])).astype("f4"), np.eye(10, dtype="f4")[labels]]


def kernels_of(table: str) -> list[Kernel]:
    """Read the table of kernels."""
    found: list[Kernel] = []
    for text in table.splitlines():
        row, line = ROW.match(text), LINE.fullmatch(text)
        if row:
            found.append(Kernel(row[1], float(row[2]) * UNITS[row[3]]))
        elif line:
            for part in line[2].split(" and "):
                found[-1].lines[part][int(line[1])] = line[3]
    return found


def draw(kernels: list[Kernel], path: Path) -> None:
    """Save a row for each kernel: the lines that went into it, and its time."""
    texts: dict[int, str] = {}
    for kernel in kernels:
        for lines in kernel.lines.values():
            texts.update(lines)
    columns = {line: column + 1 for column, line in enumerate(sorted(texts))}
    listing = "\n".join(f"{columns[line]}  {texts[line]}" for line in columns)
    figure = Figure(figsize=(10, 7), layout="constrained")
    figure.suptitle(listing, family="monospace", fontsize=10, ha="left", x=0.02)
    dots, bars = figure.subplots(1, 2, sharey=True, width_ratios=(1, 2))
    for part, color, shift in (("forward", "tab:blue", -0.12), ("backward", "tab:orange", 0.12)):
        found = [
            (columns[line] + shift, row)
            for row, one in enumerate(kernels)
            for line in one.lines[part]
        ]
        dots.scatter(*zip(*found, strict=True), color=color, label=part, zorder=2)
    dots.set_yticks(range(len(kernels)), [kernel.what for kernel in kernels])
    dots.set_xticks(list(columns.values()))
    dots.set(xlabel="lines in it", xlim=(0.5, len(columns) + 0.5))
    dots.grid(alpha=0.3)
    times = [kernel.microseconds for kernel in kernels]
    bars.barh(range(len(kernels)), times, color="tab:gray")
    for row, time in enumerate(times):
        bars.text(time, row, f" {time:.3g}", va="center", fontsize=8)
    bars.set(xscale="log", xlabel="microseconds", xlim=(None, 3 * max(times)))
    bars.invert_yaxis()
    bars.legend(
        *dots.get_legend_handles_labels(), loc="center right", title="the line's part in it"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(rows: int = 128, picture: Path = PICTURE) -> list[Kernel]:
    """Print the table, and draw it."""
    table = loss.inspect(*arguments(rows), what="kernels")
    print(table)
    kernels = kernels_of(table)
    draw(kernels, picture)
    print(f"The picture: {picture}")
    return kernels


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where to save the picture")
    main(**vars(parser.parse_args()))
