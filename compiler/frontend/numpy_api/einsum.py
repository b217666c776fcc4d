"""``np.einsum`` as sums and matrix products of two operands at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitives import shape
from ...types import BOOL, Dim
from ..tracer import Tracer
from .diagonals import diagonal
from .indexing import getitem
from .memory import check_casting, given
from .nesting import nested
from .operands import check_dtype, common_dtype, tracer
from .products import as_matrix, matmul
from .subscripts import Label, Labels, parse_operands, resolve
from .table import implements


@dataclass(frozen=True, eq=False)
class Factor:
    """An operand, or a product of some, with the labels of its axes."""

    array: Any
    labels: Labels

    def size(self, label: Label) -> Dim:
        """Return the size of the axis of this label."""
        return self.array.shape[self.labels.index(label)]  # type: ignore[no-any-return]

    def axes(self, labels: Sequence[Label]) -> tuple[int, ...]:
        """Return the axes of these labels."""
        return tuple(self.labels.index(one) for one in labels)


@implements(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    """``np.einsum``; in which order products are taken is chosen here, whatever ``optimize`` says.

    Raises:
        ValueError: The subscripts do not fit.
        TypeRuleError: The sizes do not fit.
    """
    unknown = sorted(set(kwargs) - {"dtype", "order", "casting"})
    if unknown:
        raise TypeError(f"np.einsum got unexpected keyword arguments: {', '.join(unknown)}")
    casting = kwargs.get("casting", "safe")
    arrays, inputs, output = parse_operands(operands)
    arrays = [nested(one) for one in arrays]
    wanted = common_dtype(arrays, weak_numbers=False)
    if kwargs.get("dtype") is not None:
        wanted = np.dtype(kwargs["dtype"])
        for one in arrays:
            check_casting(tracer(one).dtype, wanted, casting)
    check_dtype(wanted)
    traced = [tracer(one, wanted) for one in arrays]
    subscripts = resolve(inputs, output, [one.ndim for one in traced])
    factors = [Factor(*pair) for pair in zip(traced, subscripts.inputs, strict=True)]
    sizes = _common_sizes(factors)
    factors = [_thinned(one, sizes) for one in factors]
    result = _contracted(factors, subscripts.output, sizes)
    axes = result.axes(subscripts.output)
    array = result.array
    if axes != tuple(range(len(axes))):
        array = shape.transpose(array, axes=axes)
    return given(out, array, "np.einsum", casting)


def _common_sizes(factors: Sequence[Factor]) -> dict[Label, Dim]:
    sizes: dict[Label, Dim] = {}
    for factor in factors:
        for label, size in zip(factor.labels, factor.array.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                raise TypeRuleError(
                    "shapes do not fit: axes with the same subscript must have equal sizes",
                    got=", ".join(str(one.array.type) for one in factors),
                )
    return sizes


def _thinned(factor: Factor, sizes: Mapping[Label, Dim]) -> Factor:
    """Take diagonals where a label is repeated, and drop axes of size 1 that are broadcast."""
    broadcast = [size == 1 != sizes[one] for one, size in _axes_of(factor)]
    if any(broadcast):
        key = tuple(0 if dropped else slice(None) for dropped in broadcast)
        kept = [one for one, drop in zip(factor.labels, broadcast, strict=True) if not drop]
        factor = Factor(getitem(factor.array, (*key, ...)), tuple(kept))
    for label in dict.fromkeys(factor.labels):
        while factor.labels.count(label) > 1:
            first = factor.labels.index(label)
            second = factor.labels.index(label, first + 1)
            rest = [one for i, one in enumerate(factor.labels) if i not in (first, second)]
            array = diagonal(factor.array, 0, first, second)
            factor = Factor(array, (*rest, label))
    return factor


def _axes_of(factor: Factor) -> Iterator[tuple[Label, Dim]]:
    return zip(factor.labels, factor.array.shape, strict=True)


def _contracted(factors: list[Factor], output: Labels, sizes: Mapping[Label, Dim]) -> Factor:
    """Multiply all factors, two at a time, and sum over what the output does not have."""
    while True:
        factors = [_summed(one, {*output, *_labels_beside(factors, one)}) for one in factors]
        if len(factors) == 1:
            return factors[0]
        first, second = _next_pair(factors, output, sizes)
        rest = [one for one in factors if one is not first and one is not second]
        needed = {*output, *(label for one in rest for label in one.labels)}
        product = _product(first, second, needed, output)
        factors = [*rest, product]


def _labels_beside(factors: Sequence[Factor], factor: Factor) -> set[Label]:
    return {label for one in factors if one is not factor for label in one.labels}


def _summed(factor: Factor, needed: Collection[Label]) -> Factor:
    """Sum over the axes that nothing else needs."""
    axes = tuple(i for i, label in enumerate(factor.labels) if label not in needed)
    if not axes:
        return factor
    kept = tuple(label for label in factor.labels if label in needed)
    return Factor(_total(factor.array, axes), kept)


def _total(array: Tracer, axes: tuple[int, ...]) -> Any:
    if array.dtype == BOOL:
        return np.any(array, axis=axes)
    return np.sum(array, axis=axes, dtype=array.dtype)


def _next_pair(
    factors: Sequence[Factor], output: Labels, sizes: Mapping[Label, Dim]
) -> tuple[Factor, Factor]:
    """Return the two factors whose product is the cheapest; the first two of unknown sizes."""
    if len(factors) == 2 or not all(isinstance(size, int) for size in sizes.values()):
        return factors[0], factors[1]

    def cost(pair: tuple[Factor, Factor]) -> tuple[int, int]:
        both = {*pair[0].labels, *pair[1].labels}
        rest = {label for one in factors if one not in pair for label in one.labels}
        kept = [label for label in both if label in rest or label in output]
        return _count(both, sizes), _count(kept, sizes)

    return min(combinations(factors, 2), key=cost)


def _count(labels: Collection[Label], sizes: Mapping[Label, Dim]) -> int:
    return prod(int(sizes[label]) for label in labels)


def _product(first: Factor, second: Factor, needed: Collection[Label], output: Labels) -> Factor:
    """Multiply two factors and sum over the labels that only they have."""
    both = [one for one in first.labels if one in second.labels]
    summed = [one for one in both if one not in needed]
    batch = _sorted([one for one in both if one in needed], output)
    left = _sorted([one for one in first.labels if one not in both], output)
    right = _sorted([one for one in second.labels if one not in both], output)
    if not summed or (batch and not left and not right):
        kept = _sorted([*batch, *left, *right], output)
        return _spread_product(first, second, kept, summed)
    if right and left and output and _place(right[0], output) < _place(left[0], output):
        first, second, left, right = second, first, right, left
    inner = None if batch else _inner_product(first, second, summed, output)
    if inner is not None:
        return inner
    if not batch:
        array = matmul(
            as_matrix(first.array, first.axes(left), first.axes(summed)),
            as_matrix(second.array, second.axes(summed), second.axes(right)),
        )
    else:
        array = matmul(
            _matrices(first, batch, left, summed), _matrices(second, batch, summed, right)
        )
    labels = (*batch, *left, *right)
    wanted = tuple((first if one in first.labels else second).size(one) for one in labels)
    if array.shape != wanted:
        array = shape.reshape(array, shape=wanted)
    return Factor(array, labels)


def _inner_product(
    first: Factor, second: Factor, summed: Sequence[Label], output: Labels
) -> Factor | None:
    """Return the product where the summed axes lie in the middle of a factor, and stay there.

    As of "nchw,oc->nohw": one matrix times each of a batch, with no axis moved.
    """
    for one, other in ((first, second), (second, first)):
        at = one.labels.index(summed[0])
        before, after = one.labels[:at], one.labels[at + len(summed) :]
        free = [label for label in other.labels if label not in summed]
        labels = (*before, *free, *after)
        in_place = one.labels == (*before, *summed, *after) and _sorted(labels, output) == [*labels]
        if not (before and after and in_place):
            continue
        array = matmul(
            as_matrix(other.array, other.axes(free), other.axes(summed)),
            _matrices(one, before, summed, after),
        )
        wanted = tuple((one if label in one.labels else other).size(label) for label in labels)
        return Factor(
            array if array.shape == wanted else shape.reshape(array, shape=wanted), labels
        )
    return None


def _sorted(labels: Sequence[Label], output: Labels) -> list[Label]:
    """Return labels in the order of the output; those that it has not come last."""
    return sorted(labels, key=lambda one: _place(one, output))


def _place(label: Label, output: Labels) -> int:
    return output.index(label) if label in output else len(output)


def _spread_product(
    first: Factor, second: Factor, kept: Sequence[Label], summed: Sequence[Label]
) -> Factor:
    """Multiply element by element, and sum over the last axes."""
    order = (*kept, *summed)
    product = _spread(first, order) * _spread(second, order)
    if summed:
        product = _total(product, tuple(range(len(kept), len(order))))
    return Factor(product, tuple(kept))


def _spread(factor: Factor, order: Sequence[Label]) -> Any:
    """Return a factor with its axes in an order, and axes of size 1 for what it has not."""
    present = [label for label in order if label in factor.labels]
    array, axes = factor.array, factor.axes(present)
    if axes != tuple(range(len(axes))):
        array = shape.transpose(array, axes=axes)
    lead = next((i for i, label in enumerate(order) if label in factor.labels), len(order))
    key = tuple(slice(None) if one in factor.labels else None for one in order[lead:])
    return getitem(array, (*key, ...)) if None in key else array


def _matrices(
    factor: Factor, batch: Sequence[Label], rows: Sequence[Label], columns: Sequence[Label]
) -> Any:
    """Return a factor as matrices, with the axes of the batch in front."""
    array, axes = factor.array, factor.axes([*batch, *rows, *columns])
    if axes != tuple(range(len(axes))):
        array = shape.transpose(array, axes=axes)
    sizes = [prod([factor.size(one) for one in side], start=1) for side in (rows, columns)]
    wanted = (*(factor.size(one) for one in batch), *sizes)
    return array if array.shape == wanted else shape.reshape(array, shape=wanted)
