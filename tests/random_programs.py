"""Writes random NumPy programs, as source text, for the tests of the whole compiler.

Each line is run as soon as it is written, so that the next choice knows the shapes and the values:
results that grow are scaled down by a number, and a function with a kink is written only where the
values stay clear of it. So every program is finite and smooth around its arguments, and central
differences give its gradient.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

PARAMETERS = {"a": (), "b": (3,), "c": (2, 3), "d": (2, 1), "e": (3, 2), "f": (2, 1, 3)}
CLEARANCE = 0.02  # least distance from a kink; a finite difference moves values by far less
LARGEST_SIZE = 48
LARGEST_VALUE = 4.0

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Writer:
    """A program in the making: its lines, and the value that each name has after them."""

    def __init__(self, draw: Draw, arguments: dict[str, np.ndarray]) -> None:
        self._draw = draw
        self.lines: list[str] = []
        self.values: dict[str, Any] = {name: value.copy() for name, value in arguments.items()}
        self.loose_ends: list[str] = list(arguments)
        self.made_for_stores: list[str] = []

    def choose(self, options: Any) -> Any:
        """Return one of the options; the first is the simplest."""
        return self._draw(st.sampled_from(list(options)))

    def evaluate(self, expression: str) -> Any:
        return eval(expression, {"np": np}, self.values)

    def operand(self, fits: Callable[[np.ndarray], bool] = lambda value: True) -> str | None:
        """Return the name of one of the latest values that fit, so that programs grow deep."""
        names = [name for name, value in self.values.items() if fits(value)]
        return self.choose(names[:-8:-1]) if names else None

    def bind(self, expression: str) -> str | None:
        """Add `v = expression`, scaled where it is large; return the name."""
        value = self.evaluate(expression)
        if not np.all(np.isfinite(value)) or not 0 < np.size(value) <= LARGEST_SIZE:
            return None
        largest = np.max(np.abs(value))
        if largest > LARGEST_VALUE:
            expression = f"({expression}) * {LARGEST_VALUE / 2 / largest:.2g}"
        name = f"v{len(self.lines)}"
        self.run(f"{name} = {expression}", expression)
        self.loose_ends.append(name)
        return name

    def run(self, statement: str, reads: str) -> None:
        """Add a statement, run it, and note which names it reads."""
        exec(statement, {"np": np}, self.values)
        self.lines.append(statement)
        read = set(compile(reads, "expression", "eval").co_names)
        self.loose_ends = [name for name in self.loose_ends if name not in read]

    def clear_of(self, kink: float, *expressions: str) -> bool:
        """Whether every entry of every expression keeps its distance from the kink."""
        values = [np.ravel(self.evaluate(expression)) for expression in expressions]
        return all(np.min(np.abs(value - kink), initial=1.0) > CLEARANCE for value in values)

    def shows_stores(self, name: str) -> bool:
        """Whether it is, or is a view of, an array that was made to be stored into."""
        value, made = self.values[name], [self.values[other] for other in self.made_for_stores]
        return np.ndim(value) > 0 and any(np.shares_memory(value, other) for other in made)

    def source(self) -> str:
        """Return the function; whatever was not used yet goes into the result."""
        sums = [
            f"total += np.sum(np.sin({0.7 + 0.1 * place:.1f} * {name}))"
            for place, name in enumerate(self.loose_ends)
        ]
        head = f"def program({', '.join(PARAMETERS)}):"
        return "\n    ".join([head, *self.lines, "total = 0.0", *sums, "return total"]) + "\n"


SMOOTH = (
    "np.sin({0})",
    "np.cos({0})",
    "np.tanh({0})",
    "np.exp(-{0} * {0})",
    "np.exp(0.5 * {0})",
    "np.arctan({0})",
    "np.log1p({0}**2)",
    "np.log(1.5 + np.cos({0}))",
    "np.sqrt({0} * {0} + 0.5)",
    "1 / (2 + np.sin({0}))",
    "np.reciprocal(1.5 + np.tanh({0}))",
    "{0}**2",
    "{0}**3",
    "(1.5 + np.sin({0})) ** -1.5",
    "-{0}",
    "2.5 * {0} - 1",
    "np.square({0}) + {0}",
    "np.sinh({0} / 2)",
    "np.expm1({0} / 3)",
    "np.arcsinh({0})",
)
KINKED = (
    ("np.abs({0})", 0.0),
    ("np.maximum({0}, 0.1)", 0.1),
    ("np.minimum({0}, 0.3)", 0.3),
    ("np.where({0} > 0.2, {0} * {0}, 0.5 * {0})", 0.2),
    ("np.sign({0}) * np.cos({0})", 0.0),
    ("{0} * ({0} < -0.1)", -0.1),
    ("np.sum({0}[{0} > 0.1] ** 2)", 0.1),
)
BINARY = (
    "{0} + {1}",
    "{0} - {1}",
    "{0} * {1}",
    "{0} / (1.5 + {1} ** 2)",
    "(1.2 + np.sin({0})) ** {1}",
    "np.arctan({0} * {1}) - {1}",
)
CHOICES = ("np.maximum({0}, {1})", "np.minimum({0}, {1})", "np.where({0} < {1}, {0} * {1}, {1})")


def smooth(w: Writer) -> str:
    return w.choose(SMOOTH).format(w.operand())


def kinked(w: Writer) -> str | None:
    template, kink = w.choose(KINKED)
    name = w.operand(lambda value: np.ndim(value) > 0)
    return template.format(name) if w.clear_of(kink, name) else None


def _broadcasts(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(
        1 in pair or pair[0] == pair[1] for pair in zip(shape[::-1], other[::-1], strict=False)
    )


def binary(w: Writer) -> str:
    x = w.operand()
    shape = np.shape(w.values[x])
    y = w.operand(lambda value: _broadcasts(np.shape(value), shape))
    return w.choose(BINARY).format(x, y)


def choice(w: Writer) -> str | None:
    x = w.operand()
    shape = np.shape(w.values[x])
    y = w.operand(lambda value: _broadcasts(np.shape(value), shape))
    return w.choose(CHOICES).format(x, y) if w.clear_of(0.0, f"{x} - {y}") else None


def reduction(w: Writer) -> str | None:
    x = w.operand(lambda value: np.ndim(value) > 0)
    axis = w.choose([0, -1, None, *([(0, 1)] if w.values[x].ndim > 1 else [])])
    keep = w.choose([False, True])
    kind = w.choose(["sum", "mean", "prod", "var", "std", "max", "min"])
    expression = f"np.{kind}({x}, axis={axis}, keepdims={keep})"
    if kind == "std" and not w.clear_of(0.0, expression):
        return None  # its slope is infinite at 0
    if kind in ("max", "min"):
        behind = np.abs(w.evaluate(f"{x} - np.{kind}({x}, axis={axis}, keepdims=True)"))
        if np.sum(behind < CLEARANCE) > np.size(w.evaluate(expression)):
            return None  # a tie, or nearly
    return expression


def _plain(shape: Any) -> tuple[int, ...]:
    return tuple(int(extent) for extent in shape)


def reshaping(w: Writer) -> str:
    x = w.operand(lambda value: np.ndim(value) > 0)
    shape = w.values[x].shape
    # Whether a reshape is a view may depend on the layout of the arguments; stores to such arrays
    # are refused, so that nothing that is stored to is left with a reshape.
    copy = " * 1.0" if w.shows_stores(x) else ""
    ways = [
        f"{x}.T",
        f"{x}.reshape(-1){copy}",
        f"np.reshape({x}, {_plain((shape[0], -1))}){copy}",
        f"{x}[None]",
        f"np.expand_dims({x}, -1)",
        f"np.flip({x})",
        f"np.flip({x}, axis=-1)",
        f"np.broadcast_to({x}, {_plain((2, *shape))})",
        f"np.swapaxes({x}, 0, -1)",
        f"np.transpose({x}, {tuple(range(-1, len(shape) - 1))})",
        f"np.pad({x}, 1)[1:]",
    ]
    if 1 in shape:
        ways.append(f"np.squeeze({x}, axis={shape.index(1)})")
    return w.choose(ways)


def _index(w: Writer, shape: tuple[int, ...]) -> str:
    """Draw a basic index: slices with steps, integers, an ellipsis, a new axis."""
    items: list[str] = []
    for extent in shape[: w.choose(range(1, len(shape) + 1))]:
        bounds = [":", "::-1", "0", "-1", "::2", f"{extent - 1}:", f":{extent}", "-2:"]
        items.append(w.choose(bounds))
    extra = w.choose(["", "...", "None"])
    return ", ".join([extra, *items] if extra == "..." else [*items, extra] if extra else items)


def slicing(w: Writer) -> str:
    x = w.operand(lambda value: np.ndim(value) > 0)
    return f"{x}[{_index(w, w.values[x].shape)}]"


def neighbours(w: Writer) -> str | None:
    """Overlapping slices of one array: their gradients add up."""
    x = w.operand(lambda value: np.ndim(value) > 0 and len(value) > 1)
    if x is None:
        return None
    return w.choose([f"{x}[1:] - {x}[:-1]", f"{x}[:-1] * {x}[1:]", f"{x}[::-1] * {x}[-1]"])


def gather(w: Writer) -> str:
    """Rows by an integer array with duplicates and negative entries."""
    x = w.operand(lambda value: np.ndim(value) > 0)
    last = w.values[x].shape[0] - 1
    rows = [w.choose([0, last, -1, last // 2]) for _ in range(w.choose([3, 2, 4]))]
    return f"{x}[np.array({rows})]"


def joining(w: Writer) -> str:
    x = w.operand(lambda value: np.ndim(value) > 0)
    shape = w.values[x].shape
    y = w.operand(lambda value: np.shape(value)[1:] == shape[1:] and np.ndim(value) > 0)
    z = w.operand(lambda value: np.shape(value) == shape)
    axis = w.choose([0, -1])
    return w.choose(
        [
            f"np.concatenate([{x}, {y}])",
            f"np.concatenate([{x}, {z}], axis=-1)",
            f"np.stack([{x}, {z}], axis={axis})",
            f"np.split(np.concatenate([{x}, {z}]), 2)[{axis}]",
        ]
    )


def product(w: Writer) -> str | None:
    x = w.operand(lambda value: np.ndim(value) > 0)
    shape = w.values[x].shape
    ways = [f"{x} @ {x}.T"] if len(shape) < 3 else [f"{x} @ np.swapaxes({x}, -1, -2)"]
    right = w.operand(lambda value: np.ndim(value) == 1 and len(value) == shape[-1])
    if right:
        ways += [f"{x} @ {right}", f"np.tensordot({x}, {right}, 1)"]
    left = w.operand(
        lambda value: np.ndim(value) == 1 and len(shape) > 1 and len(value) == shape[-2]
    )
    if left:
        ways += [f"{left} @ {x}", f"np.dot({left}, {x})"]
    matrix = w.operand(lambda value: np.ndim(value) >= 2 and value.shape[-2] == shape[-1])
    if matrix and len(shape) < 3:
        ways += [f"{x} @ {matrix}"]
    if len(shape) == 1:
        ways += [f"np.outer({x}, {x} + 1)", f"np.dot({x}, {x})"]
    return w.choose(ways)


def stores(w: Writer) -> str | None:
    """Copy an array by computing with it, or take one of before or a view of it; store into it."""
    x = w.operand(lambda value: np.ndim(value) > 0)
    targets = [n for n, v in w.values.items() if w.shows_stores(n) and v.flags.writeable]
    name = w.choose([None, *targets[::-1]])
    if name is None:
        name = w.bind(w.choose(["{0} * 1.5", "np.sin({0})", "{0} + 0.0"]).format(x))
        if name is None:
            return None
        w.made_for_stores.append(name)
    for _ in range(w.choose([1, 2, 3])):
        _store(w, name)
    return None


def _store(w: Writer, name: str) -> None:
    """Store a number or a value that fits, at an index of any kind or all over."""
    shape = w.values[name].shape
    kinds = {"slices": f"{name}[{_index(w, shape)}]", "all": name}
    if w.clear_of(0.15, name):
        kinds["mask"] = f"{name}[{name} < 0.15]"
    if shape[0] > 1:
        kinds["rows"] = f"{name}[np.array([0, -1])]"
    kind = w.choose(kinds)
    place = np.shape(w.evaluate(kinds[kind]))
    values = [other for other, value in w.values.items() if _fills(np.shape(value), place)]
    if kind == "mask":
        values = [other for other in values if np.ndim(w.values[other]) == 0]
    value = w.choose([*values[::-1], "0.5"])
    operator = w.choose(["+=", "*="] if kind == "all" else ["=", "+=", "*="])
    w.run(f"{kinds[kind]} {operator} {value}", reads=value)
    if name not in w.loose_ends:
        w.loose_ends.append(name)


def _fills(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return _broadcasts(shape, target) and np.broadcast_shapes(shape, target) == target


OPERATIONS = (
    smooth, smooth, binary, binary, kinked, choice, reduction, reshaping, slicing, neighbours,
    gather, joining, product, stores,
)  # fmt: skip


@st.composite
def programs(draw: Draw, least: int, most: int) -> tuple[str, int]:
    """Draw the source of a program of so many lines, and the seed of its arguments."""
    seed = draw(st.integers(0, 50))
    writer = Writer(draw, arguments(seed))
    write(writer, draw(st.integers(least, most)))
    return writer.source(), seed


def write(w: Writer, length: int) -> None:
    """Write so many lines."""
    while len(w.lines) < length:
        expression = w.choose(OPERATIONS)(w)
        if expression is not None:
            w.bind(expression)


def arguments(seed: int) -> dict[str, np.ndarray]:
    """Return one array for each parameter."""
    rng = np.random.default_rng(seed)
    return {name: np.asarray(rng.normal(size=shape)) for name, shape in PARAMETERS.items()}


def load(source: str) -> Callable[..., Any]:
    """Return the function of the source; tracebacks and `inspect` find its lines."""
    filename = f"<random program {hash(source):x}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {"np": np}
    exec(compile(source, filename, "exec"), scope)
    return scope["program"]
