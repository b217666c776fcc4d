"""Writes random programs with structured control flow, as source text.

Loops and branches are nested at random; their bodies compute, slice, store in place, swap and
alias what they carry, and read what lies around them. What is rebound is kept within bounds by
`tanh` and its kin, so that every program is finite however often its loops run.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

import gradc

# Of the vectors native code has each element in a register; the matrices are too large for that.
PARAMETERS = {"a": (4,), "b": (4,), "m": (5, 4), "w": (5, 4), "s": ()}
KINDS = {"a": "vector", "b": "vector", "m": "matrix", "w": "matrix", "s": "scalar"}

Draw = Callable[[st.SearchStrategy[Any]], Any]

EXPRESSIONS = {
    "vector": (
        "np.sin({v})",
        "np.tanh({v} * {u} + {s})",
        "0.9 * {v}[::-1]",
        "{v} * 1.0",
        "np.tanh({m}[{i} % 3] - {v})",
        "0.5 * {m}[1] * {v}",
        "np.where({v} > 0.1, np.cos({u}), 0.5 * {u})",
        "np.tanh(np.sum({m}, axis=0))",
        "{v}[np.array([0, 2, 2, 1])] * 0.8",
        "np.concatenate([{v}[2:], {u}[:2]])",
        "np.tanh({m} @ {v}) @ {m} * 0.3",
        "np.maximum({v}, 0.3 * {u}) * 0.7",
        "0.2 * np.cumsum({v})",
        "np.sin({v} + 0.1 * {i})",
        "np.full(4, 0.25)",
        "gradc.stop_gradient({v}) * np.cos({u})",
        "np.roll({v}, 1) * 0.9",
    ),
    "matrix": (
        "np.sin({m})",
        "np.tanh({m} + {v})",
        "0.7 * {m}[::-1]",
        "np.tanh(np.outer(np.arange(5.0), {v}))",
        "np.stack([{v}, {u}, np.sin({v}), 0.5 * {u}, -{v}]) * 0.9",
        "np.where({m} > {s}, 0.5 * {m}, np.cos({m}))",
    ),
    "scalar": (
        "np.sin({s})",
        "np.mean({v} * {u})",
        "0.5 * {v}[{i} % 4]",
        "np.max({v}) * 0.5",
        "np.tanh({v} @ {u})",
        "np.mean({m}) + 0.1 * {i}",
        "np.cos({m}[{i} % 3, 2])",
    ),
}
STORES = {
    "vector": (
        "{x}[1:] = 0.5 * {x}[:-1] + 0.3 * {v}[1:]",
        "{x}[0] += 0.2 * {s}",
        "{x}[{i} % 4] = np.tanh({s} + {v}[0])",
        "{x}[::2] *= 0.8",
        "{x}[np.array([0, 3])] += 0.1 * {v}[1:3]",
        "{x}[{x} > 0.4] *= 0.5",
        "{x} *= 0.9",
        "{x} += 0.1 * {v}",
        "{x}[:] = np.sin({v})",
        "{x}[1:3] = {m}[{i} % 3][:2] * 0.5",
        "{x}[1:] -= 0.3 * {x}[:-1]",
    ),
    "matrix": (
        "{x}[{i} % 3] = np.sin({v})",
        "{x}[1:, 2] *= 0.5",
        "{x}[:, {i} % 4] += 0.1 * {s}",
        "{x}[:-1] = 0.5 * {x}[1:] + 0.2 * {v}",
        "{x} -= 0.1 * {v}",
        "{x}[2, 1:3] = {v}[:2]",
        "{x}.T[0] *= 0.7",
    ),
    "scalar": (),
}
RANGES = ("0, 3", "0, 1", "0, 0", "1, 6", "4, 0", "0, n", "n, 7")
STEPS = {"1, 6": ", step=2", "4, 0": ", step=-1"}
OPTIONS = ("", "", ', checkpoint="sqrt"', ", every=2")


class Scope:
    """The names that one function of the program knows.

    Attributes:
        kinds: what each name holds: its own ones and those around.
        local: the names that it may assign to.
        owned: the names whose arrays it may store to: no view of what lies around.
        index: the expression for the index of the innermost loop.
    """

    def __init__(self, outer: Scope | None, local: list[str], index: str) -> None:
        self.kinds = dict(outer.kinds) if outer else dict(KINDS)
        self.local = local
        self.owned = set(local)
        self.index = index
        self.rebinds = self.stored = False


class LoopWriter:
    """A program in the making."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self.lines: list[str] = []
        self.made = 0

    def choose(self, options: Any) -> Any:
        """Return one of the options; the first is the simplest."""
        return self._draw(st.sampled_from(list(options)))

    def fresh(self, stem: str) -> str:
        """Return a name that is not in use."""
        self.made += 1
        return f"{stem}{self.made}"

    def add(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def name(self, scope: Scope, kind: str) -> str:
        """Return the name of a value of this kind, own ones first."""
        names = [name for name, one in scope.kinds.items() if one == kind]
        return self.choose(sorted(names, key=lambda name: (name not in scope.local, names)))

    def fill(self, scope: Scope, template: str, **more: str) -> str:
        """Return a template with names in it."""
        kinds = {"v": "vector", "u": "vector", "m": "matrix", "s": "scalar"}
        wanted = {key: kind for key, kind in kinds.items() if "{%s}" % key in template}
        names = {key: self.name(scope, kind) for key, kind in wanted.items()}
        return template.format(i=scope.index, **names, **more)

    def expression(self, scope: Scope, kind: str) -> str:
        return self.fill(scope, self.choose(EXPRESSIONS[kind]))

    def function(
        self, scope: Scope, depth: int, most: int, local: list[str], index: str, head: str
    ) -> Scope:
        """Write a function with some statements; return what it knows at its end."""
        inner = Scope(scope, local, index)
        self.add(depth, head)
        for _ in range(self.choose(range(1, most + 1))):
            self.statement(inner, depth + 1)
        return inner

    def statement(self, scope: Scope, depth: int) -> None:
        """Write a statement that changes something which the function owns."""
        simple = [assign, assign, store, store, store, swap, alias, view, hook, without_gradient]
        nested = [for_loop, while_loop, branch, branch_of_stores, scan]
        self.choose(simple + (nested if depth < 4 else []))(self, scope, depth)

    def source(self) -> str:
        return "\n".join(self.lines) + "\n"


def assign(w: LoopWriter, scope: Scope, depth: int) -> None:
    name = w.choose(scope.local)
    w.add(depth, f"{name} = {w.expression(scope, scope.kinds[name])}")
    scope.owned.add(name)
    scope.rebinds = True


def store(w: LoopWriter, scope: Scope, depth: int) -> None:
    names = [name for name in scope.local if name in scope.owned and STORES[scope.kinds[name]]]
    if not names or depth == 1:  # outside of loops it would change the arguments
        return assign(w, scope, depth)
    name = w.choose(names)
    w.add(depth, w.fill(scope, w.choose(STORES[scope.kinds[name]]), x=name))
    scope.stored = True
    return None


def swap(w: LoopWriter, scope: Scope, depth: int) -> None:
    pairs = [
        (x, y)
        for x in scope.local
        for y in scope.local
        if x < y and scope.kinds[x] == scope.kinds[y]
    ]
    if not pairs:
        return assign(w, scope, depth)
    x, y = w.choose(pairs)
    w.add(depth, f"{x}, {y} = {y}, {x}")
    owned = {one for one, other in ((x, y), (y, x)) if other in scope.owned}
    scope.owned = scope.owned - {x, y} | owned
    scope.rebinds = True
    return None


def alias(w: LoopWriter, scope: Scope, depth: int) -> None:
    """Make a name stand for another array, or for a part of an invariant."""
    name = w.choose(scope.local)
    kind = scope.kinds[name]
    other = w.name(scope, kind)
    if kind == "vector" and w.choose([True, False]):
        other = w.name(scope, "matrix")
        w.add(depth, f"{name} = {other}[{scope.index} % 3]")
    else:
        w.add(depth, f"{name} = {other}")
    owned = other in scope.owned and other in scope.local
    scope.owned = scope.owned | {name} if owned else scope.owned - {name}
    scope.rebinds = True


def view(w: LoopWriter, scope: Scope, depth: int) -> None:
    """Store through a view."""
    names = [n for n in scope.local if n in scope.owned and scope.kinds[n] != "scalar"]
    if not names or depth == 1:
        return assign(w, scope, depth)
    name, made = w.choose(names), w.fresh("view")
    w.add(depth, f"{made} = {name}[{w.choose(['::-1', '1:', f'{scope.index} % 3:'][:2])}]")
    w.add(depth, f"{made} *= {w.choose(['0.8', 'np.cos(s)'])}")
    scope.stored = True
    return None


def hook(w: LoopWriter, scope: Scope, depth: int) -> None:
    """Change the gradient of a value from here on."""
    name = w.choose(scope.local)
    change = w.choose(["0.5 * g", "np.clip(g, -0.3, 0.3)", "g * np.cos(g)"])
    w.add(depth, f"gradc.register_hook({name}, lambda g: {change})")


def without_gradient(w: LoopWriter, scope: Scope, depth: int) -> None:
    w.add(depth, "with gradc.no_grad():")
    w.choose([assign, store])(w, scope, depth + 1)


def _carried(w: LoopWriter, scope: Scope) -> list[str]:
    """Choose what a loop carries, among what its results may be assigned to."""
    first = w.choose(scope.local)
    others = [name for name in scope.local if name != first and w.choose([True, False])]
    return [first, *others]


def _structure(names: list[str], form: str) -> str:
    if form == "dict":
        return "{" + ", ".join(f'"{name}": {name}' for name in names) + "}"
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def _unpack(names: list[str], form: str, carry: str) -> str:
    if form == "dict":
        return ", ".join(names) + " = " + ", ".join(f'{carry}["{name}"]' for name in names)
    return f"{_structure(names, form)} = {carry}"


def _results(
    w: LoopWriter, scope: Scope, depth: int, names: list[str], form: str, call: str
) -> None:
    """Write the call of a loop, whose results take the place of what it carried."""
    made = w.fresh("end")
    w.add(depth, f"{made} = {call}")
    w.add(depth, _unpack(names, form, made))
    scope.owned |= set(names)
    scope.rebinds = True


def for_loop(w: LoopWriter, scope: Scope, depth: int) -> None:
    names, form = _carried(w, scope), w.choose(["tuple", "dict"])
    body, index = w.fresh("body"), w.fresh("i")
    w.add(depth, f"def {body}({index}, carry):")
    w.add(depth + 1, _unpack(names, form, "carry"))
    inner = Scope(scope, names, index)
    for _ in range(w.choose([1, 2, 3])):
        w.statement(inner, depth + 1)
    if inner.rebinds or not inner.stored:
        w.add(depth + 1, f"return {_structure(names, form)}")
    bounds = w.choose([*RANGES, *([f"0, {scope.index}"] if depth > 1 else [])])
    options = STEPS.get(bounds, "") + w.choose(OPTIONS)
    call = f"gradc.fori_loop({bounds}, {body}, {_structure(names, form)}{options})"
    _results(w, scope, depth, names, form, call)


def while_loop(w: LoopWriter, scope: Scope, depth: int) -> None:
    """A loop that counts its trips, and may end before by what it computes."""
    names, form = _carried(w, scope), w.choose(["tuple", "dict"])
    body, count = w.fresh("body"), w.fresh("count")
    w.add(depth, f"{count} = np.array(0)")
    everything = [*names, count]
    w.add(depth, f"def {body}(carry):")
    w.add(depth + 1, _unpack(everything, form, "carry"))
    inner = Scope(scope, names, count)
    for _ in range(w.choose([1, 2])):
        w.statement(inner, depth + 1)
    w.add(depth + 1, f"{count} = {count} + 1")
    w.add(depth + 1, f"return {_structure(everything, form)}")
    at = (lambda name: f'c["{name}"]') if form == "dict" else lambda n: f"c[{everything.index(n)}]"
    tests = [f"{at(count)} < 3", f"({at(count)} < 4) & (np.sum({at(names[0])}) < 0.6)"]
    call = (
        f"gradc.while_loop(lambda c: {w.choose(tests)}, {body}, {_structure(everything, form)}"
        f"{w.choose(['', ', every=2'])})"
    )
    _results(w, scope, depth, everything, form, call)
    scope.owned.discard(count)


def _predicate(w: LoopWriter, scope: Scope) -> str:
    tests = ["{s} > 0.1", "{i} % 2 == 0", "np.sum({v}) > {s}", "np.any({m} > 0.9)", "flag"]
    return w.fill(scope, w.choose(tests))


def branch(w: LoopWriter, scope: Scope, depth: int) -> None:
    """Choose between two expressions, which read what lies around."""
    name = w.choose(scope.local)
    kind = scope.kinds[name]
    both = [w.expression(scope, kind) for _ in range(2)]
    predicate = _predicate(w, scope)
    w.add(depth, f"{name} = gradc.cond({predicate}, lambda: {both[0]}, lambda: {both[1]})")
    scope.owned.add(name)
    scope.rebinds = True


def branch_of_stores(w: LoopWriter, scope: Scope, depth: int) -> None:
    """Choose between two functions with statements of their own."""
    names = _carried(w, scope)
    taken = []
    for _ in range(2):
        function = w.fresh("way")
        w.function(scope, depth, 2, names, scope.index, f"def {function}({', '.join(names)}):")
        w.add(depth + 1, f"return {_structure(names, 'tuple')}")
        taken.append(function)
    call = f"gradc.cond({_predicate(w, scope)}, {', '.join(taken)}, {', '.join(names)})"
    _results(w, scope, depth, names, "tuple", call)


def scan(w: LoopWriter, scope: Scope, depth: int) -> None:
    """Run over the rows of a matrix; the stacked outputs become a matrix."""
    names, body, row = _carried(w, scope), w.fresh("body"), w.fresh("row")
    w.add(depth, f"def {body}(carry, {row}):")
    w.add(depth + 1, _unpack(names, "tuple", "carry"))
    inner = Scope(scope, names, scope.index)
    inner.kinds[row] = "vector"
    for _ in range(w.choose([1, 2])):
        w.statement(inner, depth + 1)
    w.add(depth + 1, f"return {_structure(names, 'tuple')}, {w.expression(inner, 'vector')}")
    rows, end = w.name(scope, "matrix"), w.fresh("rows")
    reverse = w.choose(["", ", reverse=True"])
    call = f"gradc.scan({body}, {_structure(names, 'tuple')}, {rows}{reverse})"
    w.add(depth, f"{_structure(names, 'tuple')}, {end} = {call}")
    scope.kinds[end] = "matrix"
    scope.owned |= set(names)
    scope.rebinds = True


@st.composite
def loop_programs(draw: Draw) -> tuple[str, int]:
    """Draw the source of a program, and the seed of its arguments."""
    seed = draw(st.integers(0, 50))
    return write(LoopWriter(draw), draw(st.integers(1, 3))), seed


def write(w: LoopWriter, count: int) -> str:
    """Return the source of a program of so many statements."""
    w.add(0, f"def program({', '.join(PARAMETERS)}, n, flag):")
    scope = Scope(None, ["a", "b", "m", "s"], "n")
    for _ in range(count):
        w.choose([for_loop, for_loop, while_loop, scan, branch_of_stores, assign])(w, scope, 1)
    ends = [
        f"np.sum(np.sin({0.7 + 0.1 * place:.1f} * {name}) * (1 + {name}))"
        for place, name in enumerate(name for name in scope.kinds if scope.kinds[name] != "integer")
    ]
    w.add(1, f"return {' + '.join(ends)}")
    return w.source()


def loop_arguments(seed: int) -> tuple[Any, ...]:
    """Return one array for each parameter, an integer and a flag."""
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.normal(size=shape)) for shape in PARAMETERS.values()]
    return (*arrays, np.array(rng.integers(0, 6)), np.array(seed % 2 == 0))


def load(source: str) -> Callable[..., Any]:
    """Return the function of the source; tracebacks and `inspect` find its lines."""
    filename = f"<random loops {hash(source):x}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {"np": np, "gradc": gradc, "__name__": "random_loops"}
    exec(compile(source, filename, "exec"), scope)
    return scope["program"]
