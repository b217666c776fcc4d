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
    borders = (one for one in steps if isinstance(one, Border))
    return next((found.later[border] for border in borders), set())


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
        self.bound: dict[Step, set[str]] = {}
        self.at_exit: set[str] | None = None

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
        """Note what is read behind each step; return what is read from its first one on.

        Args:
            steps: The steps.
            later: What is read behind the last one.
            behind: What is read behind the loop whose body they are.
        """
        for step in reversed(steps):
            self.later[step] = later
            if isinstance(step, Statement):
                later = (later - {one.label for one in step.binds}) | self.read(step.text)
                if step.exits:
                    later = self.at_exit = later | behind
            elif isinstance(step, Call):
                later = (later - set(step.targets)) | self.read(step.text)
            elif isinstance(step, Branch):
                first = self.backwards(step.first, later)
                later = first | self.backwards(step.second, later) | self.read(step.text)
            elif isinstance(step, Loop):
                later = self.around(step, later)
        return later

    def around(self, loop: Loop, later: set[str]) -> set[str]:
        """Note what is read in a loop, round and round; return what is read before it."""
        around, outer = later | self.read(loop.text), self.at_exit
        while True:
            self.at_exit = None
            entry = self.backwards(loop.body, around, later)
            if entry <= around:
                break
            around = around | entry
        # What is bound when the loop ends: what is read from there on, and from its start on.
        self.entry[loop] = entry
        self.bound[loop] = later | (entry if self.at_exit is None else entry & self.at_exit)
        self.at_exit = outer
        return around

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
                bound = bound & self.bound[step]
            if isinstance(step, Border):
                continue
            dead = bound - self.later[step]
            if dead:
                self.found[step] = sorted(dead)
                bound = bound - dead
        return bound
