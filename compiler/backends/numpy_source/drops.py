"""Which variables are deleted, and where, so that their arrays do not live until the return."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set

from ...primitives.records import FIRST_ROOM
from .liveness import deaths
from .memory import largest
from .steps import Call, Loop, Rows, Statement, Step, Steps, walk

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
    found = deaths(steps, labels)
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
        if one.rows is not None and _is_worth(one.rows)
    }


def _is_worth(rows: Rows) -> bool:
    count = rows.count if isinstance(rows.count, int) else FIRST_ROOM
    return not isinstance(rows.nbytes, int) or count * rows.nbytes >= SMALL_RECORD


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
