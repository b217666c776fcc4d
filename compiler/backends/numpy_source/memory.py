"""How much memory a generated function needs, worked out from what its lines do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ...ir import SourceLine
from ...types import Dim, Sym
from .liveness import read_behind
from .steps import Binding, Border, Branch, Call, Loop, Rows, Statement, Step, Steps

ASSUMED_SIZE = 1000  # what a size is taken to be that is not known, where sums are compared
FEW_TRIPS = 3  # after so many iterations a loop holds what it always holds


@dataclass(eq=False, slots=True)
class Array:
    """Memory that was allocated.

    Attributes:
        nbytes: How much.
        label: The variable that it was allocated for.
        origin: The user's line.
        rows: What is said of a record.
        is_late: Whether it was allocated in the backward part.
    """

    nbytes: Dim
    label: str
    origin: SourceLine | None = None
    rows: Rows | None = None
    is_late: bool = False


class Memory(NamedTuple):
    """What a generated function needs, in bytes, beside its arguments.

    Attributes:
        peak: The most that it holds at once, results and all.
        results: What it returns.
        returned: The arrays of that, one for each result; None for numbers and arguments.
        at_peak: What it holds then, in the order in which it was allocated.
        held: What it holds where the backward part begins, and this reads; nothing where there is
            none.
        records: The records of its loops.
    """

    peak: Dim
    results: Dim
    returned: tuple[Array | None, ...]
    at_peak: tuple[Array, ...]
    held: tuple[Array, ...]
    records: tuple[Array, ...]


def predict(steps: Steps, sizes: Mapping[str, int] | None = None) -> Memory:
    """Work out what a function needs, as CPython runs it.

    A variable holds its array, and the array of which it is a view, until it is assigned again or
    deleted, or until its function returns; what it held goes when the new array is there.

    Args:
        steps: The function.
        sizes: Sizes that are not known in its text; others are taken for large.

    Returns:
        What it needs. Records that grow, and what NumPy needs inside its functions, are bounds.
    """
    known = sizes or {}
    first = _Run(known)
    first.function(steps)
    second = _Run(known, first.moment)  # stops and looks at the moment of the peak
    second.function(steps)
    extra = second.found_extra
    peak: Dim = extra
    for one in second.found:
        peak = peak + one.nbytes
    results: Dim = 0
    for given in dict.fromkeys(first.results):
        results = results + (given.nbytes if given is not None else 0)
    at_peak = [*second.found, Array(extra, "")] if weight(extra, known) else second.found
    return Memory(
        valued(peak, known),
        valued(results, known),
        tuple(first.results),
        tuple(at_peak),
        _read_later(steps, first.held),
        tuple(first.records.values()),
    )


def _read_later(steps: Steps, held: Mapping[str, _Cell | None]) -> tuple[Array, ...]:
    """Return the arrays that the backward part reads, by the variables in which it reads them."""
    labels = {label for label, cell in held.items() if cell is not None}
    later = read_behind(steps.body, labels)
    found = {cell: label for label, cell in held.items() if cell and label in later}
    return tuple(replace(cell.array, label=label) for cell, label in found.items())


def largest(steps: Steps) -> int:
    """Return the peak as a number, unknown sizes being taken for large."""
    run = _Run({})
    run.function(steps)
    return run.peak


def weight(size: Dim, sizes: Mapping[str, int]) -> int:
    """Return a number of bytes as a number, unknown sizes being taken for large."""
    if isinstance(size, int):
        return size
    total = 0
    for names, factor in size.terms:
        for name in names:
            factor *= sizes.get(name, ASSUMED_SIZE)
        total += factor
    return max(total, 0)


def valued(size: Dim, sizes: Mapping[str, int]) -> Dim:
    """Return a number of bytes as a number where all sizes in it are given."""
    if isinstance(size, Sym) and size.names <= sizes.keys():
        return weight(size, sizes)
    return size


@dataclass(eq=False, slots=True)
class _Cell:
    """An array, and how many variables hold it."""

    array: Array
    weight: int
    count: int = 0


Frame = dict[str, _Cell | None]


@dataclass
class _Run:
    """One run of a function, of which only the allocations happen.

    Attributes:
        sizes: What unknown sizes are.
        stop_at: The moment at which to look what is held.
        peak: The most that was held.
        moment: When that was.
        now: What is held.
    """

    sizes: Mapping[str, int]
    stop_at: int = -1
    peak: int = -1
    moment: int = 0
    now: int = 0
    clock: int = 0
    is_late: bool = False
    found: list[Array] = field(default_factory=list)
    found_extra: Dim = 0
    held: Frame = field(default_factory=dict)
    records: dict[int, Array] = field(default_factory=dict)
    results: list[Array | None] = field(default_factory=list)
    alive: dict[_Cell, None] = field(default_factory=dict)

    def function(self, steps: Steps) -> None:
        """Run it from its arguments to its results."""
        frame: Frame = dict.fromkeys(steps.params)
        self.run(steps.body, frame)
        cells = self.handed(steps.results, frame)
        self.look(0)
        self.results = [one.array if one is not None else None for one in cells]

    def run(self, steps: Sequence[Step], frame: Frame) -> None:
        """Run steps in the frame of one call."""
        for step in steps:
            if isinstance(step, Statement):
                self.statement(step, frame)
            elif isinstance(step, Loop):
                self.loop(step, frame)
            elif isinstance(step, Branch):
                self.branch(step, frame)
            elif isinstance(step, Call):
                self.call(step, frame)
            elif isinstance(step, Border):
                self.held = dict(frame)
                self.is_late = True
            for label in step.drops:
                self.release([frame.pop(label, None)])

    def statement(self, step: Statement, frame: Frame) -> None:
        """Allocate, then bind."""
        if not step.binds:
            if step.extra:
                self.look(step.extra)
            return
        cells = self.handed(step.binds, frame, step.origin, id(step))
        self.look(step.extra)
        self.bind([one.label for one in step.binds], cells, frame)

    def loop(self, step: Loop, frame: Frame) -> None:
        """Run the first iterations: those that follow hold the same."""
        trips = FEW_TRIPS if step.trips is None else min(weight(step.trips, self.sizes), FEW_TRIPS)
        for _ in range(trips):
            self.run(step.body, frame)

    def branch(self, step: Branch, frame: Frame) -> None:
        """Run both sides, and go on behind the one that holds more."""
        other = dict(frame)
        for cell in other.values():
            if cell is not None:
                cell.count += 1
        before, held = self.now, dict(self.alive)
        self.run(step.first, frame)
        first = self.now
        self.now, after = before, self.alive
        self.alive = held
        self.run(step.second, other)
        if self.now > first:
            kept, gone = other, frame
        else:
            self.now, self.alive, kept, gone = first, after, frame, other
        for cell in gone.values():
            if cell is not None:
                cell.count -= 1
        if kept is other:
            frame.clear()
            frame.update(other)

    def call(self, step: Call, frame: Frame) -> None:
        """Run an inner function; all its variables go but what it returns."""
        given = self.handed(step.params, frame, step.origin)
        inner: Frame = {}
        self.bind([one.label for one in step.params], given, inner)
        self.run(step.body, inner)
        results = self.handed(step.results, inner, step.origin)
        self.look(0)
        for cell, label in zip(results, step.targets, strict=True):
            if cell is not None:
                cell.count += 1
                if cell not in given:
                    cell.array.label = label
        self.release(inner.values())
        self.bind(step.targets, results, frame)
        self.release(results)

    def handed(
        self,
        binds: Sequence[Binding],
        frame: Frame,
        origin: SourceLine | None = None,
        step: int = 0,
    ) -> list[_Cell | None]:
        """Return what variables get: memory that others hold, or memory that is allocated."""
        cells: list[_Cell | None] = []
        for one in binds:
            if one.shares is not None:
                cells.append(frame.get(one.shares))
                continue
            size = weight(one.nbytes, self.sizes)
            if not size:
                cells.append(None)
                continue
            array = Array(one.nbytes, one.label, origin, one.rows, self.is_late)
            if one.rows is not None:
                self.records.setdefault(step, array)
            cell = _Cell(array, size)
            self.alive[cell] = None
            self.now += size
            cells.append(cell)
        return cells

    def bind(self, labels: Sequence[str], cells: Sequence[_Cell | None], frame: Frame) -> None:
        """Let variables hold arrays, and let go of what they held."""
        gone = []
        for label, cell in zip(labels, cells, strict=True):
            if cell is not None:
                cell.count += 1
            gone.append(frame.get(label))
            frame[label] = cell
        self.release(gone)

    def release(self, cells: Iterable[_Cell | None]) -> None:
        """Take one from the counts of arrays; free those that nobody holds."""
        for cell in cells:
            if cell is not None:
                cell.count -= 1
                if cell.count <= 0 and cell in self.alive:
                    del self.alive[cell]
                    self.now -= cell.weight

    def look(self, extra: Dim) -> None:
        """Note how much is held at this moment, temporaries counted."""
        total = self.now + weight(extra, self.sizes)
        if total > self.peak:
            self.peak, self.moment = total, self.clock
        if self.clock == self.stop_at:
            self.found, self.found_extra = [one.array for one in self.alive], extra
        self.clock += 1
