"""Which variables are deleted, and where, so that their arrays do not live until the return."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set

from .memory import largest
from .steps import Border, Branch, Call, Loop, Statement, Step, Steps, read_in, walk

LARGE = 64 * 1024  # bytes of an array that may be deleted: smaller ones do not make a peak
WORTHWHILE = 1024 * 1024  # bytes at the peak of a function in which arrays are deleted
LEAST_GAIN = 0.1  # the part of the peak by which deleting has to lower it
SLACK = 0.02  # by which the peak may miss the least, so that less need be deleted
SMALL_RECORD = 4 * 1024  # bytes; larger ones are deleted wherever a loop makes them anew
MOST_RUNS = 200_000  # steps simulated to find out which deletions are not needed

Drops = Mapping[int, tuple[str, ...]]


def choose_drops(steps: Steps) -> Drops:
    """Choose the variables to delete behind the steps of a function.

    Arrays of at least ``LARGE`` bytes go behind their last use, where that lowers the peak of the
    function, taken together, by ``LEAST_GAIN``; of those only the ones that the peak depends on.
    Records that a loop makes in each iteration always go at their last use: two at once would be
    twice what the user allowed.

    Args:
        steps: The function, without deletions.

    Returns:
        Variables by the number of the step behind which they are deleted.
    """
    inner = _records_of_loops(steps.body)
    large = _sharing(steps.body, _large(steps.body))
    if not inner and not large:
        return {}
    before = largest(steps)
    if not inner and before < WORTHWHILE:
        return {}
    labels = _sharing(steps.body, inner) | (large if before >= WORTHWHILE else set())
    found = _Deaths(labels).of(steps)
    always = _sharing(steps.body, inner)
    needed = {step: [one for one in names if one in always] for step, names in found.items()}
    _set(needed)
    with_records = largest(steps)
    _set(found)
    if largest(steps) > (1 - LEAST_GAIN) * with_records:
        found = needed
    else:
        _prune(steps, found, always)
    chosen = {step.number: tuple(names) for step, names in found.items() if names}
    _set(dict.fromkeys(found, ()))
    return chosen


def _set(drops: Mapping[Step, Sequence[str]]) -> None:
    for step, names in drops.items():
        step.drops = tuple(names)


def _prune(steps: Steps, drops: dict[Step, list[str]], always: Set[str]) -> None:
    """Take back the deletions that the peak does not depend on."""
    _set(drops)
    target = largest(steps) * (1 + SLACK)
    runs = MOST_RUNS // max(1, sum(1 for _ in walk(steps.body)))
    for step, names in list(drops.items()):
        spared = [one for one in names if one not in always]
        if not spared or not runs:
            continue
        runs -= 1
        kept = [one for one in names if one in always]
        step.drops = tuple(kept)
        if largest(steps) > target:
            step.drops = tuple(names)
        else:
            drops[step] = kept


def _large(steps: Sequence[Step]) -> set[str]:
    return {
        one.label
        for step in walk(steps)
        if isinstance(step, Statement)
        for one in step.binds
        if isinstance(one.nbytes, int) and one.nbytes >= LARGE
    } | {
        label
        for step in walk(steps)
        if isinstance(step, Call)
        for label, one in zip(step.targets, step.results, strict=True)
        if one.shares is not None or (isinstance(one.nbytes, int) and one.nbytes >= LARGE)
    }


def _records_of_loops(steps: Sequence[Step]) -> set[str]:
    """Return the variables of records that are made inside a loop."""
    return {
        one.label
        for loop in walk(steps)
        if isinstance(loop, Loop)
        for step in walk(loop.body)
        if isinstance(step, Statement)
        for one in step.binds
        if one.rows is not None
        and (not isinstance(one.nbytes, int) or one.nbytes >= SMALL_RECORD)
    }


def _sharing(steps: Sequence[Step], labels: Collection[str]) -> set[str]:
    """Return variables, and those that may lie in the memory of one."""
    found = set(labels)
    pairs = [
        (one.label, one.shares)
        for step in walk(steps)
        if isinstance(step, Statement)
        for one in step.binds
        if one.shares is not None
    ]
    while found:
        more = {label for label, shares in pairs if shares in found} - found
        if not more:
            break
        found |= more
    return found


class _Deaths:
    """Behind which steps variables are read no more, though they surely hold something.

    It follows what is read later, backwards, and from it what is dead, forwards. A variable that
    is read later is bound: that is what a correct program does.
    """

    def __init__(self, labels: Set[str]) -> None:
        self.labels = labels
        self.later: dict[Step, set[str]] = {}
        self.found: dict[Step, list[str]] = {}
        self.entry: dict[Step, set[str]] = {}

    def of(self, steps: Steps) -> dict[Step, list[str]]:
        """Return the variables that die at each step."""
        self.scope(steps.body, steps.text)
        return self.found

    def scope(self, body: Sequence[Step], returned: str) -> None:
        """Find the deaths in the body of one function."""
        self.backwards(body, self.read(returned))
        self.forwards(body, set())

    def read(self, text: str) -> set[str]:
        """Return the variables in question that a text reads."""
        return {one for one in read_in(text) if one in self.labels}

    def backwards(self, steps: Sequence[Step], later: set[str]) -> set[str]:
        """Note what is read behind each step; return what is read from its first one on."""
        for step in reversed(steps):
            self.later[step] = later
            if isinstance(step, Statement):
                later = (later - {one.label for one in step.binds}) | self.read(step.text)
            elif isinstance(step, Call):
                later = (later - set(step.targets)) | self.read(step.text)
            elif isinstance(step, Branch):
                first = self.backwards(step.first, later)
                later = first | self.backwards(step.second, later) | self.read(step.text)
            elif isinstance(step, Loop):
                around = later | self.read(step.text)
                while True:
                    entry = self.backwards(step.body, around)
                    if entry <= around:
                        break
                    around = around | entry
                self.entry[step] = entry
                later = around
        return later

    def forwards(self, steps: Sequence[Step], bound: set[str]) -> set[str]:
        """Note what dies at each step; return what is bound behind the last one."""
        for step in steps:
            if isinstance(step, Statement):
                bound = bound | ({one.label for one in step.binds} & self.labels)
            elif isinstance(step, Call):
                self.scope(step.body, step.returned)
                bound = bound | (set(step.targets) & self.labels)
            elif isinstance(step, Branch):
                first = self.forwards(step.first, set())
                bound = bound | (first & self.forwards(step.second, set()))
            elif isinstance(step, Loop):
                self.forwards(step.body, self.entry[step] & self.labels)
                bound = bound & (self.later[step] | self.entry[step])
            if isinstance(step, Border):
                continue
            dead = bound - self.later[step]
            if dead:
                self.found[step] = sorted(dead)
                bound = bound - dead
        return bound
