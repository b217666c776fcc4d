"""What the random programs of the tests of aliasing are made of."""

from __future__ import annotations

import numpy as np

from .aliasing_programs import CLEARANCE, Writer

# What is stored


def index(w: Writer, shape: tuple[int, ...]) -> str:
    """Draw a basic index: slices with steps of both signs, integers, an ellipsis, a new axis."""
    items: list[str] = []
    for extent in shape[: w.choose(range(1, len(shape) + 1)) if shape else 0]:
        slices = [":", "::-1", "::2", "1:", ":-1", "-2:", "-1:0:-2", "1:1", f"1:{extent}"]
        items.append(w.choose([*slices, "0", "-1"] if extent else slices))
    extra = w.choose(["", "...", "None"]) if items else "..."
    return ", ".join([extra, *items] if extra == "..." else [*items, extra] if extra else items)


def value(w: Writer, shape: tuple[int, ...]) -> str:
    """Draw what fits a place of this shape."""

    def fits(one: np.ndarray) -> bool:
        reversed_pairs = zip(one.shape[::-1], shape[::-1], strict=False)
        return one.ndim <= len(shape) and all(d in (1, e) for d, e in reversed_pairs)

    x = w.operand(fits)
    if x is None:
        return "0.5"
    y = w.operand(lambda one: fits(one) and one.dtype.kind == "f") or x
    scalar = w.operand(lambda one: one.size > 0)
    ways = ["{x}", "0.75", "{x} * 0.5", "{x} + {y}", "{x} - 0.25 * {y}", "-{x}", "{x}.copy()"]
    ways += ["np.sum({s}) * 0.125", "{s}.flat[-1]", "{s}.min()", "np.where({x} > 0.26, {y}, 1.5)"]
    if not w.is_exact:
        ways += ["np.sin({x})", "{x} * {y}", "{x} / (2 + {y} * {y})", "np.exp(-({x} ** 2))"]
        ways += ["math.tanh(float({s}.flat[0]))", "np.sqrt(1.5 + np.cos({y}))"]
    way = w.choose(ways)
    if "where" in way and not w.clear_of(0.26, x) or "min" in way and not _has_one_least(w, scalar):
        return x
    return way.format(x=x, y=y, s=scalar)


def _has_one_least(w: Writer, name: str | None) -> bool:
    behind = np.sort(w.values[name], axis=None)
    return behind.size == 1 or bool(behind[1] - behind[0] > CLEARANCE)


def _shape(w: Writer, expression: str) -> tuple[int, ...]:
    return np.shape(w.evaluate(expression))


def _sliced(w: Writer, x: str) -> str:
    return f"{x}[{index(w, w.values[x].shape)}]"


def _within(w: Writer, x: str) -> list[str]:
    """Return the known integers that are rows of an array."""
    extent = len(w.values[x])
    return [one for one in w.known if np.all(np.abs(w.values[one] + 0.5) < extent)]


def _some(one: np.ndarray) -> bool:
    return one.ndim > 0 and one.shape[0] > 1 and one.size > 0


# Operations: what makes arrays


def creation(w: Writer) -> None:
    shape = w.choose([(4,), (3, 4), (3, 3), (2, 3, 2), (), (1,), (0, 3)])
    x, s = w.operand(), w.operand(lambda one: one.size > 0)
    ways = [
        f"np.zeros({shape})", f"np.full({shape}, 0.75)", f"np.zeros_like({x})", f"{x}.copy()",
        f"np.ones({shape})", "np.arange(4) * 0.25", "np.arange(4.0)", "np.eye(3)",
        "np.eye(3, 4, 1)",
        f"np.full({shape}, {s}.flat[0])", f"np.ones_like({x})", f"np.array({x})", "np.tri(3)",
        f"np.full_like({x}, 0.5)", f"np.zeros({shape}, dtype=np.float32)", "np.zeros(4, dtype=int)",
        f"np.array([{s}.flat[0], 0.5, {s}.flat[-1]])", "np.linspace(0.0, 1.0, 5)", f"{x} * 0.5",
        f"np.array([[0.5, {s}.flat[0]], [{s}.flat[-1], 1.0]])", f"np.zeros({shape}, order='F')",
        f"np.empty({shape}); {{v}}.fill(0.25)", f"np.empty({shape}); {{v}}[...] = 1.5",
        f"np.empty_like({x}); {{v}}[...] = 0.25", f"np.copy({x})", f"+{x}",
        f"np.asarray({x}) + 0.0",
    ]  # fmt: skip
    name = w.new_name()
    w.add(f"{name} = " + w.choose(ways).format(v=name))


def known(w: Writer) -> None:
    """Make integers that stay known while capturing: indices, conditions, bounds."""
    name = w.new_name("k")
    first = w.choose(["np.array([0, -1, 0])", "np.zeros(3, dtype=int)", "np.arange(3)[::-1]"])
    if w.add(f"{name} = {first}"):
        w.known.append(name)
        w.add(w.choose([f"{name}[1:] += 1", f"{name}[::2] -= 1", f"{name}[0] = {name}[2]"]))


def view(w: Writer) -> None:
    x = w.operand()
    ndim = w.values[x].ndim
    ways = [f"{x}[...]", f"{x}.T", f"{x}[None]", f"np.expand_dims({x}, -1)", f"np.squeeze({x})",
            f"np.broadcast_to({x}, (2, *{x}.shape))", f"np.atleast_2d({x})", f"{x}.view()",
            f"np.asarray({x})", f"np.flip({x})", f"np.real({x})",
            f"np.atleast_1d({x})"]  # fmt: skip
    if ndim:
        ways += [_sliced(w, x)] * 6 + [f"np.flip({x}, 0)", f"np.swapaxes({x}, 0, -1)"]
        ways += [f"np.array_split({x}, 2)[{w.choose([0, -1])}]", f"np.moveaxis({x}, 0, -1)"]
    if ndim > 1:
        ways += [f"{x}[1]", f"{x}[-1, ...]", f"np.diagonal({x})", f"{x}.transpose()"]
        ways += [f"np.rot90({x})", f"np.split({x}, {w.values[x].shape[1]}, axis=1)[1]"]
        ways += [f"[row for row in {x}][0]", f"np.rollaxis({x}, 1)", f"{x}.mT", f"np.fliplr({x})"]
        ways += [f"list({x})[1]"]
    w.add(f"{w.new_name()} = {w.choose(ways)}")


def reshaping(w: Writer) -> None:
    """A reshape is a view where the layout allows it; of what NumPy may copy, nothing is stored."""
    x = w.operand(lambda one: one.size > 0)
    shape = w.values[x].shape
    ways = ["{x}.reshape(-1)", "np.reshape({x}, (-1, 1))", "{x}.ravel()", "np.ravel({x})"]
    ways += [f"np.reshape({x}, {shape[::-1]})", f"{x}.reshape((1, *{x}.shape))", "{x}.flatten()"]
    name = w.new_name()
    risks = w.choose([False, False, False, True])
    if w.add(f"{name} = {w.choose(ways).format(x=x)}") and not risks:
        if len(shape) > 1 and not w.values[x].flags.c_contiguous:
            w.freeze(x, name)


def copying(w: Writer) -> None:
    x, s = w.operand(_some), w.operand()
    rows = w.choose([[0, -1, 0], [1], [1, 0], []])
    ways = [f"{x}[np.array({rows}, dtype=int)]", f"{x}[{rows or [0]}]", f"{x}[[True] + [False] * "
            f"({x}.shape[0] - 1)]", f"np.take({x}, {rows or [0]}, axis=0)", f"{s}.flatten()",
            f"np.concatenate([{x}, {x}[:1]])", f"np.stack([{x}, {x}])", f"np.roll({x}, 1)",
            f"np.cumsum({x}, axis=0)", f"{s} * 0.5", f"np.abs({s})", f"{s}.astype(np.float32)",
            f"np.sum({x}, axis=0, keepdims=True) * 0.25", f"np.where(np.eye(3) > 0, {s}, 0.5)",
            f"np.triu({x})", f"np.diag({x})", f"np.repeat({x}, 2, axis=0)"]  # fmt: skip
    ways += [f"{x}[{one}]" for one in _within(w, x)]
    way = w.choose(ways)
    if "abs" not in way or w.clear_of(0.0, s):
        w.add(f"{w.new_name()} = {way}")


# Operations: stores


def store(w: Writer) -> None:
    x = w.target()
    if x is not None:
        place = w.choose([_sliced(w, x), _sliced(w, x), f"{x}[...]"])
        operator = w.choose(["=", "+=", "-=", "*="])
        w.add(f"{place} {operator} {_factor(w, operator) or value(w, _shape(w, place))}")


def _factor(w: Writer, operator: str) -> str:
    return w.choose(["0.5", "-1.0", "2.0"]) if operator == "*=" and w.is_exact else ""


def augmented(w: Writer) -> None:
    """A whole array, by its name."""
    x = w.target(lambda one: one.dtype.kind == "f")
    if x is not None:
        operator = w.choose(["+=", "-=", "*="])
        w.add(f"{x} {operator} {_factor(w, operator) or value(w, w.values[x].shape)}")


def overlapping(w: Writer) -> None:
    x = w.target(_some)
    ways = ["{x}[1:] += {x}[:-1]", "{x}[:] = {x}[::-1]", "{x}[:-1] = {x}[1:]", "{x} += {x}[::-1]",
            "{x} -= {x}[0]", "{x}[...] = {x}[-1]", "np.add({x}[1:], {x}[:-1], out={x}[1:])",
            "np.subtract({x}, {x}[::-1], out={x})", "{x}[1:] -= 0.5 * {x}[1:]",
            "np.copyto({x}[1:], {x}[:-1])", "np.cumsum({x}, axis=0, out={x})",
            "{x}[[0, -1]] = {x}[[-1, 0]]",
            "{x}[1:], {x}[:-1] = {x}[:-1], {x}[1:].copy()"]  # fmt: skip
    if w.values.get(x, np.zeros(0)).ndim == 2:
        ways += ["{x}[:, 1:] += {x}[:, :-1]", "{x}[...] = {x}[::-1, ::-1]", "{x} += {x}.T"]
        ways += ["{x}[:, 0] = {x}[0, 0]", "{x}[0] = {x}[:, 0]", "{x}.T[1:] = {x}[:, :1].T"]
    if x is not None:
        w.add(w.choose(ways).format(x=x))


def swap(w: Writer) -> None:
    """Of rows, which are views, NumPy's swap keeps one of the two."""
    x = w.target(_some)
    ways = ["{x}[0], {x}[-1] = {x}[-1], {x}[0]", "{x}[0], {x}[1] = {x}[1].copy(), {x}[0].copy()",
            "{x}[[0, 1]] = {x}[[1, 0]]", "{x}[0], {x}[1:] = {x}[-1], {x}[0]"]  # fmt: skip
    if x is not None:
        w.add(w.choose(ways).format(x=x))


def masked(w: Writer) -> None:
    x = w.target(lambda one: one.ndim > 0)
    if x is None:
        return
    mask = w.choose([f"{x} > 0.26", f"np.arange({x}.size).reshape({x}.shape) % 2 == 0",
                     f"np.arange({x}.shape[0]) % 2 == 0", f"~({x} < 0.26)"])  # fmt: skip
    if "0.26" in mask and not w.clear_of(0.26, x):
        return
    name = w.new_name("m")
    fill, other = value(w, w.values[x].shape[1:]), value(w, w.values[x].shape)
    scalar = value(w, ())
    ways = [f"{x}[{name}] = {scalar}", f"{x}[{name}] *= 0.5", f"{x}[{name}] += {x}[{name}]",
            f"{x}[{name}] -= {scalar}",
            f"{x}[{name}] = -{x}[{name}]",
            f"np.add({x}, {other}, out={x}, where={name})", f"np.place({x}, {name}, [0.5, 1.5])",
            f"np.negative({x}, where={name}, out={x})"]  # fmt: skip
    if "shape[0]" in mask:
        ways += [f"{x}[{name}] += {fill}", f"{x}[{name}] = {fill}"]
    else:
        ways += [f"np.putmask({x}, {name}, {other})", f"np.copyto({x}, {other}, where={name})"]
    w.add(f"{name} = {mask}; {w.choose(ways)}")
    w.add(f"del {name}") if name in w.values else None


def scattered(w: Writer) -> None:
    """Of an index that occurs twice the last store counts; np.add.at adds up."""
    x = w.target(_some)
    if x is None:
        return
    rows = w.choose(["[0, -1]", "[0, 0]", "np.array([1, 0, 1])"] + _within(w, x))
    place = f"{x}[{rows}]"
    fill = value(w, _shape(w, place))
    ways = [f"{place} = {fill}", f"{place} += {fill}", f"{place} *= 0.5",
            f"np.put({x}, {rows}, {value(w, (1,))})", f"{x}.put({rows}, 0.5)",
            f"{x}.flat[1] = {value(w, ())}", f"{x}.flat[::2] = 0.25",
            f"{x}[..., [0, -1]] += {value(w, ())}", f"{x}.fill({value(w, ())})",
            f"np.put_along_axis({x}, np.argsort({x}, axis=0)[:1], {value(w, ())}, 0)"]  # fmt: skip
    if w.values[x].ndim == 2:
        ways += [f"{x}[[0, 1], [0, 1]] = {value(w, ())}", f"np.fill_diagonal({x}, 0.5)"]
        ways += [f"np.fill_diagonal({x}, {value(w, ())})", f"{x}[np.ix_([0, 1], [1, 0])] *= 0.5"]
        ways += [f"{x}[np.triu_indices(2)] += 0.25", f"{x}[1:, [0, -1]] = {value(w, ())}"]
    if w.values[x].dtype.kind == "f":
        ways += [f"np.add.at({x}, {rows}, {fill})", f"np.subtract.at({x}, {rows}, {fill})"]
    way = w.choose(ways)
    flat = np.sort(w.values[x], axis=0)
    if "argsort" not in way or np.min(np.abs(np.diff(flat, axis=0)), initial=1) > CLEARANCE:
        w.add(way)


def given_out(w: Writer) -> None:
    x = w.target()
    if x is None:
        return
    shape = w.values[x].shape
    one, other, row = value(w, shape), value(w, shape), value(w, (2, *shape))
    ways = [f"np.add({one}, {other}, out={x})", f"np.multiply({one}, 0.5, out={x})",
            f"np.negative({one}, {x})", f"np.copyto({x}, {one})",
            f"np.concatenate([{x}[:1], {x}[1:]], out={x})",
            f"v = np.subtract({one}, {other}, out={x}); v += 0.5; del v",
            f"np.stack([{x}.copy()], out={x}[None])"]  # fmt: skip
    if w.values[x].dtype.kind == "f":
        ways += [f"np.mean(np.broadcast_to({row}, (2, *{x}.shape)), 0, out={x})"]
    w.add(w.choose(ways))


def by_python(w: Writer) -> None:
    """Loops, containers, objects and functions that hand arrays on."""
    x, y = w.target(_some), w.operand(_some)
    if x is None or y is None:
        return
    fill, row = value(w, ()), value(w, w.values[x].shape[1:])
    name = w.new_name()
    ways = [f"for i in range(1, len({x})): {x}[i] += 0.5 * {x}[i - 1]", f"halve({x})",
            f"for i, one in enumerate({y}): {x}[i % len({x})] = {fill}", f"halve({x}[1:])",
            f"{name} = shift({x}, {row})", f"{name} = Box({x}[1:]); {name}.add({row})",
            f"{name} = [{x}, {y}]; {name}[0][-1] = {fill}",
            f"{name} = Box({x}); {name}.held += {row}",
            f"{name} = dict(one={x}); {name}['one'] *= 0.5; {name}['one'][0] = {row}",
            f"{name} = Box({x}); {name}.replace({name}.held[::-1]); {name}.held[0] = {row}",
            f"{name} = {x}[0]; {x}[0] = {row}; {x}[-1] = {name}",
            f"{name} = Box({x}); halve({name}.held)",
            f"{name} = (lambda one: one[::-1])({x}); {name}[0] -= {row}"]  # fmt: skip
    if w.values[x].ndim > 1:
        ways += [f"for one in {x}: one[0] += 0.5 * one[-1]", f"for one in {x}: one *= 0.5"]
        ways += [f"for one, other in zip({x}, {x}[::-1]): one[...] = other"]
    for k in w.known:
        ways += [f"if {k}[1] > 0: {x}[0] = {fill}\nelse: {x}[-1] = {fill}"] * 2
        ways += [f"for i in {k}: {x}[i % 2] += {fill}", f"{x}[{k}[0]] = {row}"]
    if w.add(w.choose(ways)) and name in w.values and type(w.values[name]) is not np.ndarray:
        w.add(f"del {name}")


CREATING = (creation, creation, view, view, view, reshaping, copying)
STORING = (store, store, augmented, overlapping, swap, masked, scattered, given_out, by_python)
OPERATIONS = (*CREATING, known, *STORING)
