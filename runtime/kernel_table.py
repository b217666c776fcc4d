"""What native code consists of, with the user's lines and with times, as a table."""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Sequence
from itertools import groupby
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..compiler.ir import Graph, SourceLine, Value
from ..compiler.passes.dce import dce
from .executable import Executable
from .memory_table import quantity, size
from .specialisation import Specialisation
from .threads import get_num_threads

if TYPE_CHECKING:
    from ..compiler.backends.llvm.inventory import Item
    from .native_calls import NativeProgram

Row = tuple[str, ...]
HEAD = ("", "operations", "read", "written", "predicted", "measured", "", "chunks")
SPELL = 0.3e9  # nanoseconds for which a program is run again and again, to find its best time
MOST_RUNS = 1_000


class Times(NamedTuple):
    """How long a program took.

    Attributes:
        items: Nanoseconds of each item, in the best run with a clock in it.
        call: Of a call without one, of Python to Python; None where it was run once only.
    """

    items: Sequence[int]
    call: int | None


def kernel_table(made: Specialisation, inputs: Sequence[Any] | None) -> str:
    """Return what the programs of a function consist of, and how long each part takes.

    Args:
        made: What was compiled for one signature; programs that are missing are compiled now.
        inputs: What to run them with; None leaves times out.
    """
    if made.is_scalar:
        return _table("value and gradient", made.native("value_and_grad"), inputs)
    first, second = made.native("forward"), made.native("backward")
    given = None
    if inputs is not None:
        outputs = [made.graph.outputs[i] for i in made.differentiable]
        saved = first(inputs)[len(made.graph.outputs) :]
        given = (*saved, *(np.ones(one.shape, one.dtype)[()] for one in outputs))
    parts = (_table("vjp: the value", first, inputs), _table("vjp: the pullback", second, given))
    return "\n".join(parts)


def _table(title: str, executable: Executable, inputs: Sequence[Any] | None) -> str:
    program = executable.program
    assert program is not None
    items = program.compiled(level=0).program.items(_early(program.graph, executable.kept))
    times = None if inputs is None else measure(program, inputs)
    threads = get_num_threads()
    rows: list[Row] = [HEAD if times else (*HEAD[:5], "", *HEAD[6:])]
    lines: list[Sequence[str]] = [[]]
    for item, alike in groupby(enumerate(items), lambda pair: pair[1]._replace(start=0)):
        places = [place for place, _ in alike]
        measured = ("", "") if times is None else _measured(times, places)
        rows += _rows(item, measured, threads, times=len(places))
        lines += [_lines(one, depth) for one, depth in item.whole()]
    if times is not None:
        rows.append(("together", *[""] * 4, _time(sum(times.items)), "", ""))
        if times.call is not None:
            rows.append(("a call from Python", *[""] * 4, _time(times.call), "", ""))
    lines += [[]] * (len(rows) - len(lines))
    steps = f"{len(items)} step{'s' if len(items) != 1 else ''}"
    head = f"{title}: {steps}, {threads} thread{'s' if threads != 1 else ''}"
    return "\n".join([head, *_laid_out(rows, lines)]) + "\n"


def measure(program: NativeProgram, inputs: Sequence[Any]) -> Times:
    """Return how long a program takes; one that calls the user's Python is run once."""
    timed = program.timed()
    best = timed.run(*inputs)
    if program.has_callbacks:
        return Times(best, None)
    program.run(*inputs)
    call: int | None = None
    end = perf_counter_ns() + SPELL
    for _ in range(MOST_RUNS):
        best = min(best, timed.run(*inputs), key=sum)
        start = perf_counter_ns()
        program.run(*inputs)
        took = perf_counter_ns() - start
        call = took if call is None else min(call, took)
        if perf_counter_ns() > end:
            break
    return Times(best, call)


def _early(graph: Graph, kept: int) -> set[Value]:
    """Return the values that the function itself needs, without a derivative."""
    needed = dce(Graph(graph.params, graph.nodes, graph.outputs[:kept]))
    return {out for node in needed.nodes for out in node.outs}


def _measured(times: Times, places: Sequence[int]) -> tuple[str, str]:
    took, whole = sum(times.items[place] for place in places), sum(times.items)
    return _time(took), f"{100 * took / whole:.0f} %" if whole else ""


def _rows(
    item: Item, measured: tuple[str, str], threads: int, depth: int = 0, times: int = 1
) -> Iterator[Row]:
    """Yield a row for items that are alike, and for each of their body: of one iteration."""
    given = (item.operations, item.read, item.written, item.nanoseconds)
    counted, read, written, predicted = (None if one is None else one * times for one in given)
    if predicted is not None:
        predicted /= min(threads, item.chunks)
    what = "  " * depth + (f"{times} times " if times > 1 else "") + item.what
    chunks = str(item.chunks) if item.chunks > 1 else ""
    numbers = (_number(counted), _size(read), _size(written), _time(predicted))
    yield (what, *numbers, *measured, chunks)
    for inner in item.body:
        yield from _rows(inner, ("", ""), threads, depth + 1)


def _lines(item: Item, depth: int) -> list[str]:
    parts: dict[SourceLine, dict[str, None]] = {}
    for line in item.lines:
        part = "backward" if line.is_late else "forward"
        parts.setdefault(line.origin, {})[part] = None
    found = []
    for origin, which in parts.items():
        text = linecache.getline(origin.file, origin.line).strip()
        place = f"{'  ' * depth}    {origin.short}, {' and '.join(which)}"
        found.append(f"{place}: {text}" if text else place)
    return found


def _laid_out(rows: Sequence[Row], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    for row, below in zip(rows, lines, strict=True):
        cells = [f"{one:>{width}}" for one, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([f"  {row[0]:<{widths[0]}}", *cells]).rstrip()
        yield from (f"  {one}" for one in below)


def _number(number: float | None) -> str:
    return "?" if number is None else quantity(int(number))


def _size(nbytes: float | None) -> str:
    return "?" if nbytes is None else size(int(nbytes))


def _time(nanoseconds: float | None) -> str:
    if nanoseconds is None:
        return "?"
    for unit, factor in (("s", 1e9), ("ms", 1e6)):
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.2f} {unit}"
    return f"{nanoseconds / 1e3:.2f} us"
