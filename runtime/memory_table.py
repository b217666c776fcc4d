"""What a compiled function needs of memory, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from ..compiler.backends.numpy_source import Module
from ..compiler.backends.numpy_source.memory import Array, Memory
from ..compiler.ir import Graph, SourceLine, Value
from ..compiler.passes.residuals import residuals
from ..compiler.passes.work import Recomputed, again, recomputed, total_work
from ..compiler.primitives.regions import Again
from ..compiler.types import Dim
from .executable import Executable
from .specialisation import Specialisation

if TYPE_CHECKING:
    from .native_calls import NativeProgram

MOST_LISTED = 8  # arrays; what is smaller is summed
SAVED = "saved for the pullback, which holds it"
UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def memory_table(made: Specialisation) -> str:
    """Return what the programs of a function need beside their arguments, and what they save.

    Sizes that are known only when a program runs stand there by their names.

    Args:
        made: What was compiled for one signature; programs that are missing are compiled now.
    """
    forward = total_work(made.graph)
    parts: list[str] = []
    if made.is_scalar:
        joint = made.joint(seeded=True)
        parts += _joint(made.executable("value_and_grad"), joint, forward)
        parts.append("")
    parts += _split(made, forward)
    return "\n".join(parts).rstrip() + "\n"


def _joint(executable: Executable, graph: Graph, forward: int) -> Iterator[str]:
    title = "value and gradient"
    if executable.program is not None:
        yield from _native(title, executable.program)
        yield from _again(recomputed(graph), forward)
        return
    module = executable.module
    yield from _program(title, module.memory)
    late = [one for one in module.memory.records if one.is_late]
    yield from _saved("saved for backward", module.memory.held)
    yield from _saved("saved again in backward, for one segment of a loop at a time", late)
    yield from _again(recomputed(graph), forward)
    yield from _copies(module)


def _split(made: Specialisation, forward: int) -> Iterator[str]:
    count, late = len(made.graph.outputs), len(made.differentiable)
    first, second = (made.executable(one) for one in ("forward", "backward"))
    early, rest = residuals(made.joint(seeded=False), count, late)
    title = "vjp: the value"
    if first.program is not None:
        yield from _native(title, first.program, early.outputs[count:])
    else:
        memory = first.module.memory
        yield from _program(title, memory)
        arrays = [one for one in dict.fromkeys(memory.returned[count:]) if one is not None]
        yield from _saved(SAVED, arrays)
        yield from _copies(first.module)
    yield ""
    title = "vjp: the pullback, beside what was saved"
    if second.program is not None:
        yield from _native(title, second.program)
    else:
        yield from _program(title, second.module.memory)
        again_saved = "saved again, for one segment of a loop at a time"
        yield from _saved(again_saved, second.module.memory.records)
    shared = set(early.nodes).intersection(rest.nodes)
    whole = again(early.nodes, early.outputs, [one for one in rest.nodes if one in shared])
    found = [Recomputed(None, "program", whole, 1)] if whole.nodes else []
    yield from _again([*found, *recomputed(rest)], forward)
    if second.program is None:
        yield from _copies(second.module)


def _native(title: str, program: NativeProgram, saved: Sequence[Value] = ()) -> Iterator[str]:
    """Yield what native code needs: its results, and one block for everything else."""
    yield title
    held = program.compiled(level=0).program.contents()
    rows = f" and {len(held.rows)} records as long as its loops run" if held.rows else ""
    totals = [
        ("peak", size(held.workspace + held.results) + rows),
        ("results", size(held.results)),
        ("workspace", size(held.workspace)),
    ]
    yield from (f"  {name:<9}  {one}" for name, one in totals)
    largest = sorted(held.blocks, key=lambda one: -one.nbytes)
    listed = [
        (f"  {one.label}", "", size(one.nbytes), one.origin.short if one.origin else "")
        for one in largest[:MOST_LISTED]
    ]
    rest = largest[MOST_LISTED:]
    if rest:
        listed.append((f"  {len(rest)} more", "", size(sum(one.nbytes for one in rest)), ""))
    if listed:
        yield "  in the workspace, where places are used again"
        yield from _aligned(listed)
    records = [
        (f"  {one.label}", "a row", size(one.nbytes), one.origin.short if one.origin else "")
        for one in held.rows
    ]
    if records:
        yield "  records"
        yield from _aligned(records)
    if saved:
        arrays = [one for one in dict.fromkeys(saved) if one.ndim]
        sizes: list[Dim] = [one.type.size * one.dtype.itemsize for one in arrays]
        kept = [
            (f"  {one.name or 'array'}", "", size(nbytes), "")
            for one, nbytes in zip(arrays, sizes, strict=True)
        ]
        total: Dim = 0
        for nbytes in sizes:
            total = total + nbytes
        yield f"  {SAVED}"
        yield from _aligned([*kept, ("  together", "", size(total), "")])


def _program(title: str, memory: Memory) -> Iterator[str]:
    yield title
    totals = (("peak", memory.peak), ("results", memory.results))
    yield from _aligned([(name, "", size(nbytes), "") for name, nbytes in totals])
    held = Counter((one.label.removesuffix(".copy()"), one.nbytes) for one in memory.at_peak)
    listed = sorted(held.items(), key=lambda one: -_number(one[0][1]) * one[1])
    names = []
    for (label, nbytes), count in listed[:MOST_LISTED]:
        times = f"{count} x " if count > 1 else ""
        names.append(f"{label or 'temporaries'} {times}{size(nbytes)}")
    if len(listed) > MOST_LISTED:
        names.append(f"{len(listed) - MOST_LISTED} more")
    if names:
        yield f"  at the peak: {', '.join(names)}"


def _saved(title: str, arrays: Sequence[Array]) -> Iterator[str]:
    if not arrays:
        return
    yield f"  {title}"
    rows = []
    total: Dim = 0
    listed = sorted(arrays, key=lambda one: (one.rows is None, -_number(one.nbytes)))
    for place, one in enumerate(listed):
        total = total + one.nbytes
        if place < MOST_LISTED or one.rows is not None:
            line = one.origin.short if one.origin else ""
            label = one.label.removesuffix(".copy()")
            rows.append((f"  {label}", _each(one), _bound(one), line))
    if len(listed) > len(rows):
        rows.append((f"  {len(listed) - len(rows)} more", "", "", ""))
    rows.append(("  together", "", size(total), ""))
    yield from _aligned(rows)


def _each(array: Array) -> str:
    if array.rows is None:
        return ""
    return f"{array.rows.count} x {size(array.rows.nbytes)}"


def _bound(array: Array) -> str:
    is_bound = array.rows is not None and array.rows.grows
    return f"at most {size(array.nbytes)}" if is_bound else size(array.nbytes)


def _again(found: Sequence[Recomputed], forward: int) -> Iterator[str]:
    if not found:
        return
    yield "  computed again"
    rows = []
    for (kind, origin, part, _), same in groupby(found, _kind):
        alike = list(same)
        runs = alike[0].runs
        times: Dim | None = None if runs is None else runs * len(alike)
        label = f"  {kind}" + (f" at {origin.short}" if origin else "")
        nodes = f"{part.nodes} node{'s' if part.nodes > 1 else ''}"
        nodes += f", {quantity(part.work)} operations"
        if isinstance(times, int):
            share = part.work * times / forward if forward else 0.0
            total = f"{quantity(part.work * times)}, {share:.2f} of forward"
            rows.append((label, nodes, f"{times} times" if times > 1 else "once", total))
        else:
            share = part.work / forward if forward else 0.0
            rows.append((label, nodes, f"{times or 'some'} times", ""))
    yield from _aligned(rows)


def _kind(one: Recomputed) -> tuple[str, SourceLine | None, Again, str]:
    return one.kind, one.origin, one.again, str(one.runs)


def _copies(module: Module) -> Iterator[str]:
    for line in dict.fromkeys(module.copies):
        yield f"  an array is copied before the store at {line.short if line else 'a line'}"


def _aligned(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for name, each, total, line in rows:
        text = f"  {name:<{widths[0]}}  {each:>{widths[1]}}  {total:>{widths[2]}}  {line}"
        yield text.rstrip()


def size(nbytes: Dim) -> str:
    """Return a number of bytes as people write it: ``6.55 MB``, ``24 bytes``, ``8*n bytes``."""
    if not isinstance(nbytes, int):
        return f"{nbytes} bytes"
    for unit, factor in UNITS:
        if nbytes >= factor:
            return f"{_digits(nbytes / factor)} {unit}"
    return f"{nbytes} bytes"


def quantity(number: int) -> str:
    """Return a number as people write it: ``6.55 M``."""
    for unit, factor in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= factor:
            return f"{_digits(number / factor)} {unit}"
    return str(number)


def _digits(number: float) -> str:
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:.0f}"


def _number(nbytes: Dim) -> int:
    """Return a number of bytes for sorting, unknown ones first."""
    return nbytes if isinstance(nbytes, int) else 1 << 62
