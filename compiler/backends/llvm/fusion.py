"""Nests that are done with the product before them, part by part.

A product in chunks makes its result in parts: some matrices, some images, a block of rows and
columns. A nest behind it that needs nothing else of the result, where it is at a point of a part,
is called for each part by the thread that made it, and finds it in the cache.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from math import inf, prod
from typing import NamedTuple

from ...ir import Node, Value
from .borders import axis_of, reads
from .chunks import WORTHWHILE, Part, folded_axes, is_flat
from .costs import of_nest, of_node
from .lowering import is_called
from .plan import Plan
from .steps import Nest, Step, Tiny

Axes = tuple[int, ...] | None  # that a part is a span of; None where it is a run of elements

_MANY = 8  # of fewer parts what takes long is not made: of many threads most would wait
_NEAR = 2  # so many other steps may stand between: results take memory meanwhile


class Division(NamedTuple):
    """How a result comes in parts.

    Attributes:
        axes: A part is a span of each of these axes of the result; None where a nest had better
            not be called so often.
        is_run: Whether a part is one run of elements.
        parts: How many there are.
        elements: Of the result.
    """

    axes: Axes
    is_run: bool
    parts: int
    elements: int


class _Made(NamedTuple):
    """How a value comes in parts with a product's result.

    Attributes:
        axes: A part is a span of each of these axes of the value; None if that is not known.
        is_run: Whether a part is the same run of elements as that of the result.
    """

    axes: Axes
    is_run: bool


class Fusion:
    """Which nests are done with which products.

    Attributes:
        followers: The nests that are done with each product, with the part that each takes.
        places: The place of the product, for each of these nests.
    """

    def __init__(self, plan: Plan, divisions: Mapping[Step, Division]) -> None:
        self.plan = plan
        self.followers: dict[Step, dict[Nest, Part]] = {}
        self.places: dict[Step, int] = {}
        for place, step in enumerate(plan.steps):
            if isinstance(step, Node) and step in divisions:
                self._follow(place, step, divisions[step])

    def place(self, place: int) -> int:
        """Return the place at which a step is done."""
        return self.places.get(self.plan.steps[place], place)

    def _follow(self, place: int, product: Node, division: Division) -> None:
        """Find the nests that are done with a product."""
        made = {product.out: _Made(division.axes, division.is_run)}
        found: dict[Nest, Part] = {}
        others, time = 0, 0.0
        longest = max(of_node(product, self.plan.producers), division.parts * WORTHWHILE)
        if division.parts >= _MANY:
            longest = inf
        for later in range(place + 1, len(self.plan.steps)):
            step, part = self.plan.steps[later], None
            if step in self.places or isinstance(step, Tiny):
                continue
            if isinstance(step, Nest):
                time += of_nest(step, self.plan.leaves(later))
                if time <= longest:
                    part = self._part(place, later, step, made, division)
                if part is not None and not self._keeps(place, later, found, made):
                    part = None
            if part is None or not isinstance(step, Nest):
                others += 1
                if others > _NEAR or (isinstance(step, Node) and _is_long(step)):
                    break
                continue
            found[step] = part
            self.places[step] = place
            made.update(_made_by(step, part, product, division))
        if found:
            self.followers[product] = found

    def _part(
        self,
        place: int,
        later: int,
        nest: Nest,
        made: Mapping[Value, _Made],
        division: Division,
    ) -> Part | None:
        """Return the part of a nest that a part of a product is enough for, if there is one."""
        plan, leaves = self.plan, self.plan.leaves(later)
        roots = {leaf: plan.roots.get(leaf) for leaf in leaves}
        if not any(root in made for root in roots.values()):
            return None
        if not all(plan.is_there(leaf, place) for leaf in leaves if roots[leaf] not in made):
            return None
        if any(plan.placed.get(leaf, 0) > place for leaf in leaves):
            return None
        runs = all(made[root].is_run for root in roots.values() if root and root in made)
        is_whole = prod(nest.shape) == division.elements and not nest.folds
        if runs and is_whole and is_flat(plan, nest, leaves):
            return Part((None,))
        axes = self._spanned(nest, leaves, made)
        if axes is None or set(axes) & set(folded_axes(nest)):
            return None
        if nest.folds and len(nest.shape) - 1 in axes:  # parts of rows are not worth a kernel more
            return None
        return Part(axes)

    def _spanned(self, nest: Nest, leaves: Sequence[Value], made: Mapping[Value, _Made]) -> Axes:
        """Return the axes of a nest along which it reads the axes that parts are spans of."""
        found: Axes = None
        plan = self.plan
        there = {*(plan.roots.get(leaf, leaf) for leaf in leaves), *plan.tiny, *plan.graph.params}
        there |= set(leaves) - plan.producers.keys()  # places that have been checked
        for value, index in reads(plan, nest, there):
            if value not in made:
                continue
            axes = made[value].axes
            if axes is None:
                return None
            along = tuple(axis_of(index[axis]) for axis in axes)
            if -1 in along or found not in (None, along):
                return None
            pairs = zip(along, axes, strict=True)
            if any(nest.shape[one] != value.shape[axis] for one, axis in pairs):
                return None
            found = along
        return found if found is not None and len(set(found)) == len(found) else None

    def _keeps(
        self, place: int, later: int, nests: Collection[Nest], made: Container[Value]
    ) -> bool:
        """Whether a nest may be done earlier: it is not written over what others still read.

        What the product and these nests make, they read for the same part only.
        """
        plan, nest = self.plan, self.plan.steps[later]
        assert isinstance(nest, Nest)
        over = {plan.home(value) for value in nest.values} - set(nest.values)
        own = {plan.home(value) for value in over if value in made}
        for other in range(place, later):
            read = {plan.home(leaf) for leaf in plan.leaves(other)} & over
            if read and not (plan.steps[other] in nests and read <= own):
                return False
        return True


def _made_by(nest: Nest, part: Part, product: Node, division: Division) -> dict[Value, _Made]:
    """Return what a nest makes that is done with a product."""
    is_like = nest.shape == product.out.shape
    if part.axes == (None,):
        one = _Made(division.axes if is_like else None, True)
        return dict.fromkeys(nest.values, one)
    axes = tuple(axis for axis in part.axes if axis is not None)
    is_run = division.is_run and is_like and axes == division.axes
    found = dict.fromkeys(nest.values, _Made(axes, is_run))
    for fold in nest.folds:
        kept = [axis for axis in range(len(nest.shape)) if axis not in fold.attrs["axes"]]
        moved = _Made(tuple(kept.index(axis) for axis in axes), False)
        found.update(dict.fromkeys(fold.outs, moved))
    return found


def _is_long(node: Node) -> bool:
    """Whether a step may take any time, or be noticed."""
    return bool(node.regions) or is_called(node)
