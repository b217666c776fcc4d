"""What the lines of a generated function read later, and what is dead."""

from __future__ import annotations

from collections.abc import Sequence, Set

from .steps import Border, Branch, Call, Loop, Statement, Step, Steps, read_in


def deaths(steps: Steps, labels: Set[str]) -> dict[Step, list[str]]:
    """Return behind which steps variables are read no more, though they surely hold something.

    Args:
        steps: The function.
        labels: The variables to look at.
    """
    found = _Deaths(labels)
    found.scope(steps.body, steps.text)
    return found.found


def read_behind(steps: Sequence[Step], labels: Set[str]) -> set[str]:
    """Return the variables that the backward part reads, if there is one."""
    found = _Deaths(labels)
    found.backwards(steps, set())
    return found.behind_border


class _Deaths:
    """Behind which steps variables are read no more.

    It follows what is read later, backwards, and from it what is dead, forwards. A variable that
    is read later is bound: that is what a correct program does.
    """

    def __init__(self, labels: Set[str]) -> None:
        self.labels = labels
        self.found: dict[Step, list[str]] = {}
        self.dying: dict[Step, set[str]] = {}  # what a step has to do with last
        self.entry: dict[Step, set[str]] = {}  # what is read from the start of a loop's body on
        self.bound: dict[Step, set[str]] = {}  # what is bound when a loop ends
        self.at_exit: set[str] | None = None
        self.behind_border: set[str] = set()

    def scope(self, body: Sequence[Step], returned: str) -> None:
        """Find the deaths in the body of one function."""
        self.backwards(body, self.read(returned))
        self.forwards(body, set())

    def read(self, text: str) -> set[str]:
        """Return the variables in question that a text reads."""
        return {one for one in read_in(text) if one in self.labels}

    def backwards(
        self, steps: Sequence[Step], later: set[str], behind: Set[str] = frozenset()
    ) -> set[str]:
        """Note what dies at each step; return what is read from the first one on.

        Args:
            steps: The steps.
            later: What is read behind the last one; it becomes the result.
            behind: What is read behind the loop whose body they are.
        """
        for step in reversed(steps):
            if isinstance(step, Border):
                self.behind_border = set(later)
            elif isinstance(step, Statement | Call):
                made = {one for one in _made(step) if one in self.labels}
                reads = self.read(step.text)
                self.dying[step] = (made | reads) - later
                later -= made
                later |= reads
                if isinstance(step, Statement) and step.exits:
                    later |= behind
                    self.at_exit = set(later)
            elif isinstance(step, Branch):
                entry = self.backwards(step.first, set(later), behind)
                entry |= self.backwards(step.second, set(later), behind) | self.read(step.text)
                self.dying[step] = entry - later
                later |= entry
            else:
                around = self.around(step, later)
                self.dying[step] = around - later
                later |= around
        return later

    def around(self, loop: Loop, later: set[str]) -> set[str]:
        """Note what is read in a loop, round and round; return what is read before it."""
        around, outer = later | self.read(loop.text), self.at_exit
        while True:
            self.at_exit = None
            entry = self.backwards(loop.body, set(around), later)
            if entry <= around:
                break
            around |= entry
        # What is bound when the loop ends: what is read from there on, and from its start on.
        self.entry[loop] = entry
        self.bound[loop] = later | (entry if self.at_exit is None else entry & self.at_exit)
        self.at_exit = outer
        return around

    def forwards(self, steps: Sequence[Step], bound: set[str]) -> set[str]:
        """Note what dies where it surely is bound; return what is bound behind the last step.

        Args:
            steps: The steps.
            bound: What is bound before the first one; it becomes the result.
        """
        for step in steps:
            if isinstance(step, Statement):
                bound |= {one.label for one in step.binds} & self.labels
            elif isinstance(step, Call):
                self.scope(step.body, step.returned)
                bound |= set(step.targets) & self.labels
            elif isinstance(step, Branch):
                bound |= self.forwards(step.first, set()) & self.forwards(step.second, set())
            elif isinstance(step, Loop):
                self.forwards(step.body, set(self.entry[step]))
                bound &= self.bound[step]
            dead = bound & self.dying.get(step, set())
            if dead:
                self.found[step] = sorted(dead)
                bound -= dead
        return bound


def _made(step: Statement | Call) -> Sequence[str]:
    """Return the variables that a line assigns."""
    return step.targets if isinstance(step, Call) else [one.label for one in step.binds]
