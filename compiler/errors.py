"""The error classes of gradc and the one format of their messages.

A message has up to four parts: what is wrong, what was got, where in the user's code, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable

_MOST_LISTED = 8


class GradcError(Exception):
    """Base of all errors that gradc raises on purpose.

    Args:
        what: What is wrong, as a sentence without its full stop.
        got: What was got: names, types, shapes, values.
        where: The user's source line (anything that prints as ``file.py:12``).
        fix: What the user can do about it.
    """

    def __init__(
        self, what: str, *, got: str | None = None, where: object = None, fix: str | None = None
    ) -> None:
        self.what, self.got, self.where, self.fix = what, got, where, fix
        lines = [what]
        if got:
            lines.append(f"  got:   {got}")
        if where:
            lines.append(f"  where: {where}")
        if fix:
            lines.append(f"  fix:   {fix}")
        super().__init__("\n".join(lines))

    def at(self, where: object) -> GradcError:
        """Return the same error with another line of the user's code."""
        return type(self)(self.what, got=self.got, where=where, fix=self.fix)


def listed(given: Iterable[object]) -> str:
    """Return what was got, one by one; of many the first ones, and how many there are."""
    texts = list(map(str, given))
    more = f", ... ({len(texts)} of them)" if len(texts) > _MOST_LISTED else ""
    return ", ".join(texts[:_MOST_LISTED]) + more


class CaptureError(GradcError):
    """The function cannot be captured as it is written.

    Neither a ``TypeError`` nor a ``ValueError``: NumPy swallows both while it probes its operands.
    """


class TypeRuleError(GradcError, TypeError):
    """Operands of a primitive have shapes or dtypes that do not fit together."""


class IndexRuleError(TypeRuleError, IndexError):
    """An index is out of bounds."""


class DerivativeError(GradcError, NotImplementedError):
    """A derivative was asked for where there is none or where it is not defined."""


class LoweringError(GradcError, NotImplementedError):
    """There is no native code for something in a graph."""


class VerifyError(GradcError):
    """A graph breaks a rule of the IR: a mistake in gradc, never in the user's program."""


class ArtifactError(GradcError):
    """Generated code cannot be written, loaded or trusted."""
