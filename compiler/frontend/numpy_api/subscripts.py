"""The subscripts of ``np.einsum``: which label each axis of each operand has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import index as integer
from typing import Any, NamedTuple

# A letter, an integer, or for an axis under an ellipsis its place, counted from the last one.
Label = Any
Labels = tuple[Label, ...]


class _Hidden(NamedTuple):
    """An axis under an ellipsis."""

    place: int


class Subscripts(NamedTuple):
    """Labels of the axes of the operands and of the result."""

    inputs: tuple[Labels, ...]
    output: Labels


def parse_operands(operands: Sequence[Any]) -> tuple[Sequence[Any], list[Labels], Any]:
    """Split the operands of ``np.einsum`` into arrays, their labels and those of the output.

    Both forms are taken: a string and arrays, or arrays each with a list of integers. Ellipses
    stand among the labels as ``...``; the labels of the output are None where none are given.

    Raises:
        ValueError: In about NumPy's words.
    """
    if not operands:
        raise ValueError("must specify the einstein sum subscripts string and at least one operand")
    if isinstance(operands[0], str):
        before, arrow, after = operands[0].replace(" ", "").partition("->")
        inputs = [_letters(one) for one in before.split(",")]
        return operands[1:], inputs, _letters(after) if arrow else None
    if len(operands) < 2:
        raise ValueError("each operand of np.einsum needs its list of subscripts")
    count = len(operands) // 2
    inputs = [_numbers(one) for one in operands[1 : 2 * count : 2]]
    output = _numbers(operands[-1]) if len(operands) % 2 else None
    return operands[0 : 2 * count : 2], inputs, output


def _letters(text: str) -> Labels:
    before, dots, after = text.partition("...")
    if not (before + after).isascii() or not (before + after or "a").isalpha():
        raise ValueError(f"invalid subscripts {text!r}: letters and one ellipsis, '...'")
    return (*before, ..., *after) if dots else tuple(before)


def _numbers(labels: Any) -> Labels:
    found = tuple(one if one is Ellipsis else integer(one) for one in labels)
    if found.count(...) > 1:
        raise ValueError("an operand of np.einsum has more than one ellipsis")
    return found


def resolve(inputs: Sequence[Labels], output: Labels | None, ranks: Sequence[int]) -> Subscripts:
    """Give each axis a label of its own in place of the ellipses, and work out the output's.

    Without labels for the output these are the axes under ellipses, and the labels that occur once,
    sorted.

    Raises:
        ValueError: Labels and operands do not fit.
    """
    if len(inputs) != len(ranks):
        raise ValueError(f"{len(inputs)} lists of subscripts for {len(ranks)} operands")
    found = []
    widest = 0
    for place, (labels, rank) in enumerate(zip(inputs, ranks, strict=True)):
        hidden = rank - len([one for one in labels if one is not Ellipsis])
        if hidden < 0 or (hidden > 0 and ... not in labels):
            raise ValueError(
                f"operand {place} has {rank} axes, but its subscripts name "
                f"{len(labels) - (... in labels)}"
            )
        widest = max(widest, hidden)
        found.append(_spelled(labels, hidden))
    counts = Counter(one for labels in found for one in labels)
    if output is None:
        single = [one for one, n in counts.items() if n == 1 and not isinstance(one, _Hidden)]
        return Subscripts(tuple(found), (*_hidden_axes(widest), *sorted(single)))
    if widest and ... not in output:
        raise ValueError("the output has no ellipsis, but there are axes that it would stand for")
    spelled = _spelled(output, widest)
    for one, n in Counter(spelled).items():
        if n > 1:
            raise ValueError(f"the output has the subscript {one!r} more than once")
        if one not in counts:
            raise ValueError(f"the output has the subscript {one!r}, which no operand has")
    return Subscripts(tuple(found), spelled)


def _hidden_axes(count: int) -> Labels:
    return tuple(_Hidden(place) for place in range(count, 0, -1))


def _spelled(labels: Labels, hidden: int) -> Labels:
    """Return labels with those of the hidden axes in place of the ellipsis."""
    if ... not in labels:
        return labels
    at = labels.index(...)
    return (*labels[:at], *_hidden_axes(hidden), *labels[at + 1 :])
