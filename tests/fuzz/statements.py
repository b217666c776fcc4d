"""Stores and loops for random programs: statements, where expressions do not do."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import numpy as np

from .expressions import TABLES
from .rearranging import index
from .writer import Writer, broadcast


def stores(w: Writer) -> None:
    """Make an array, or take one of before or a view of it; store into it some times."""
    owned = w.owned()
    if owned and w.chance(0.5):
        name = w.choose(owned)
    else:
        x = w.axes()
        shape, made = w.shape(x), w.fresh("v")
        ways = [f"{x}.copy()", f"{x} * 1.5", f"np.sin({x})", f"np.zeros({shape})", f"np.array({x})"]
        ways += [f"np.zeros_like({x})", f"np.full({shape}, 0.5)", f"np.ones({(*shape, 2)})"]
        w.run(f"{made} = {w.choose(ways)}")
        name = w.own(made)
        w.loose_ends.append(made)
    for _ in range(w.choose([1, 1, 2, 3])):
        _store(w, name)


def _store(w: Writer, name: str) -> None:
    shape = w.shape(name)
    places = [f"{name}[{index(w, shape)}]"] * 4 + [name, f"{name}[{name} > 0.15]", f"{name}[...]"]
    if shape[0] > 1:
        rows = [w.rng.randint(-shape[0], shape[0] - 1) for _ in range(w.choose([1, 2, 3]))]
        places += [f"{name}[np.array({rows})]"] * 2
        if len(shape) > 1 and shape[1]:
            columns = [w.rng.randrange(shape[1]) for _ in rows]
            places += [f"{name}[np.array({rows}), np.array({columns})]"]
        if w.chance(0.1):
            value = w.choose(["0.5", f"{name}[{len(rows)}:{2 * len(rows)}] * 1.0"])
            return _kept(w, name, f"np.add.at({name}, np.array({rows}), {value})")
    place = w.choose(places)
    target = np.shape(w.evaluate(place))
    is_mask = ">" in place
    values = w.named(
        lambda value: broadcast(value.shape, target) == target and not (is_mask and value.ndim)
    )
    value = w.choose([*values[-5:], "0.5", f"{place} * {place}", f"np.tanh({place})"])
    operator = w.choose(["+=", "*=", "-="] if place == name else ["=", "=", "+=", "*="])
    return _kept(w, name, f"{place} {operator} {value}")


def _kept(w: Writer, name: str, statement: str) -> None:
    """Run a statement, after which a name is read again; stored numbers stay within bounds."""
    w.run(statement)
    if np.max(np.abs(w.values[name]), initial=0) > 100:
        w.run(f"np.tanh({name}, out={name})")
    if name not in w.loose_ends:
        w.loose_ends.append(name)


LOOPS = (
    """
    def {body}(i, s):
        return np.tanh(s * 0.9 + {f})
    {v} = gradc.fori_loop(0, {n}, {body}, {x})
    """,
    """
    def {body}(i, s):
        return 0.8 * s + np.sin(i * 0.3 + {x})
    {v} = gradc.fori_loop({n}, 0, {body}, {x} * 0.0, step=-1)
    """,
    """
    def {body}(i, s):
        y, z = s
        y = y * 0.9 + 0.1 * {x}[i % {rows}]
        z[i % {rows}] = np.cos(y) + z[(i + 1) % {rows}] * 0.5
        return y, z
    {v}, {u} = gradc.fori_loop(0, {n}, {body}, ({x}[0] * 1.0, {x} * 0.5))
    """,
    """
    def {body}(s, row):
        s = np.tanh(s + row) * 0.9
        return s, s * row
    {v}, {u} = gradc.scan({body}, {x}[0] * 0.5, {x})
    """,
    """
    {body} = lambda s, row: (s + np.sum(row * row), np.exp(-s))
    {v}, {u} = gradc.scan({body}, 0.1, {x}, reverse=True)
    """,
    """
    {body} = lambda s: (s[0] * 1.1 + 0.1, s[1] + 1)
    {v}, {u} = gradc.while_loop(
        lambda s: (s[1] < {n}) & (np.sum(s[0]) < 3.0), {body}, ({x}, 0)
    )
    """,
    """
    {v} = gradc.cond(np.sum({x}) > 0.3, lambda: {f}, lambda: {x} * 0.5)
    """,
    """
    {v} = {x} * 1.0
    for i in range({n}):
        {v}[1:-1] = 0.25 * ({v}[:-2] + 2 * {v}[1:-1] + {v}[2:])
    """,
    """
    {v} = {x} * 0.1
    for i in range({n}):
        {v} = np.sin({v}) + 0.1 * {x}
    """,
    """
    {v} = 0.0
    for i in range({rows}):
        {v} = {v} * 0.5 + np.sum(np.sin({x}[i]))
    """,
    """
    {v} = np.zeros({rows})
    for i in range({rows}):
        if i > 0:
            {v}[i] = np.sum({x}[i] * {x}[i - 1]) + 0.5 * {v}[i - 1]
    """,
    """
    {v} = {x} * 1.0
    for i in range(1, {rows}):
        {v}[i] += 0.5 * {v}[i - 1]
        {v}[i - 1] *= 0.9
    """,
)


def loops(w: Writer) -> None:
    """Write a loop or a branch, in one of the ways that there are."""
    text = textwrap.dedent(w.choose(LOOPS)).strip()
    needed = 3 if "[2:]" in text else 1
    x = w.axes(lambda value: len(value) >= needed and value.size < 5000)
    function = w.choose([one for one in TABLES["smooth"] if one.count("{0}") == 1]).format(x)
    if w.shape(x) != np.shape(w.evaluate(function)):
        function = f"np.tanh({x})"
    names = {"v": w.fresh("v"), "u": w.fresh("v"), "body": w.fresh("body"), "x": x, "f": function}
    rows = w.shape(x)[0]
    most = 40 if w.chance(0.2) else 5
    w.run(text.format(n=w.rng.randint(0, most), rows=min(rows, 25), **names))
    w.loose_ends += [names[one] for one in "vu" if names[one] in w.values]


def elements(w: Writer) -> None:
    """Reads and stores of single elements, as scalar code does."""
    x = w.axes(lambda value: value.ndim == 1 and 2 <= len(value) < 30)
    made, count = w.fresh("v"), w.shape(x)[0]
    lines = [f"{made} = np.zeros({count})"]
    for _ in range(w.choose([2, 3, 5])):
        i, j, k = (w.rng.randrange(count) for _ in range(3))
        ways = [f"{made}[{i}] = {x}[{j}] * {x}[{k}] + 1", f"{made}[{i}] += np.sin({x}[{j}])"]
        ways += [
            f"{made}[{i}], {made}[{k}] = {x}[{k}], {made}[{i}] * 0.5",
            f"{made}[{i}] = {made}[{j}] - {x}[{k}]",
        ]
        lines.append(w.choose(ways))
    w.run("\n".join(lines))
    w.loose_ends.append(made)


def several(w: Writer) -> None:
    """The same step again and again: identical nests are emitted once."""
    x = w.operand(lambda value: value.size < 20_000)
    template = w.choose(
        ["np.tanh({0} * 1.1) + 0.1", "np.sin({0}) - 0.2 * {0}", "{0} * 0.9 + 0.1 * {1}"]
    )
    name = x
    for _ in range(w.choose([3, 6])):
        name = w.bind(template.format(name, x)) or name


STATEMENTS: tuple[Callable[[Writer], None], ...] = (
    stores, stores, stores, loops, loops, elements, several,
)  # fmt: skip
