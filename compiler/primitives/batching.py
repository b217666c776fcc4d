"""How operations go over a batch: rules for the field ``batch`` of an entry.

A rule ``(primitive, operands, is_batched, attrs)`` gives the results of a whole batch. Those
operands that are batched, at least one of them, have the batch as their first axis, and so has the
result. An elementwise primitive needs no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..primitive import REGISTRY, Attrs, Primitive
from ..types import Dim

BatchRule = Callable[[Primitive, Sequence[Any], Sequence[bool], Attrs], Any]


def batch_size(operands: Sequence[Any], is_batched: Sequence[bool]) -> Dim:
    """Return the length of the axis that batched operands have in front."""
    one, *_ = (x for x, batched in zip(operands, is_batched, strict=True) if batched)
    size: Dim = one.shape[0]
    return size


def repeated(x: Any, size: Dim) -> Any:
    """Return what is the same for the whole batch with the axis of the batch."""
    return REGISTRY["broadcast_to"](x, shape=(size, *x.shape))


def all_batched(operands: Sequence[Any], is_batched: Sequence[bool], size: Dim) -> list[Any]:
    """Return the operands, all of them with the axis of the batch."""
    return [
        x if batched else repeated(x, size) for x, batched in zip(operands, is_batched, strict=True)
    ]


def along(*names: str) -> BatchRule:
    """Return the rule that counts the axes in some attrs one further.

    Args:
        *names: Attrs that hold an axis, or a tuple of them, counted from the front.
    """

    def rule(
        primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
    ) -> Any:
        moved = dict(attrs)
        for name in names:
            axes = attrs[name]
            moved[name] = axes + 1 if isinstance(axes, int) else tuple(axis + 1 for axis in axes)
        size = batch_size(operands, is_batched)
        return primitive(*all_batched(operands, is_batched, size), **moved)

    return rule


def move_axis(x: Any, source: int, target: int) -> Any:
    """Return a view with one axis at another place, the others in their order."""
    axes = [axis for axis in range(len(x.shape)) if axis != source]
    axes.insert(target, source)
    if axes == sorted(axes):
        return x
    return REGISTRY["transpose"](x, axes=tuple(axes))
