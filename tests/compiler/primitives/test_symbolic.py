"""Type rules and adjoints with one size that is known only when the program runs.

Each size of a case is replaced by ``n``: at every place where this number stands, and at each place
alone. Where the rule takes the operands at several values of ``n``, it has to take ``n`` itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import DerivativeError, TypeRuleError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.primitives.selection import Mask
from gradc.compiler.types import ArrayType, Sym, type_of

from ..substitution import substitute, substitute_graph
from .cases import CASES, DIFFERENTIABLE, Case, emitted, joint_of, one_node, random_like, second_of

# What is not worked out for an unknown size, by primitive and the error that says so.
REFUSED = {
    "slice": TypeRuleError,  # steps other than 1, and ends that may cross
    "diagonal": TypeRuleError,  # of matrices that need not be square
    "prod": DerivativeError,  # over the unknown axis
    "cumprod": DerivativeError,  # along the unknown axis
    # The extents of images and windows.
    **dict.fromkeys(("conv", "conv_kernel_gradient", "max_pool", "avg_pool"), TypeRuleError),
    **dict.fromkeys(("max_pool_gradient", "max_pool_choice"), TypeRuleError),
}
N = Sym.named("n")


@dataclass(frozen=True)
class Symbolic:
    """A case with ``n`` at some places; at ``size`` it is the case."""

    case: Case
    size: int
    places: tuple[tuple[int, int], ...]
    attrs: dict[str, Any]

    @property
    def types(self) -> list[ArrayType]:
        """The operand types, with ``n`` in them."""
        types = [type_of(array) for array in self.case.arrays()]
        for position, axis in self.places:
            shape = list(types[position].shape)
            shape[axis] = N
            types[position] = types[position].with_shape(shape)
        return types

    def at(self, number: int) -> tuple[list[ArrayType], dict[str, Any]]:
        """Return types and attrs where ``n`` is a number."""
        sizes = {"n": number}
        return [substitute(one, sizes) for one in self.types], substitute(self.attrs, sizes)

    def holds_at(self, number: int) -> bool:
        """Whether the type rule takes it where ``n`` is a number."""
        types, attrs = self.at(number)
        try:
            self.case.primitive.infer(types, attrs)
        except TypeRuleError:
            return False
        return True


def with_n(item: Any, number: int) -> Any:
    """Return an attr with ``n`` for the sizes in it that are this number."""
    if isinstance(item, Mask):
        return replace(item, count=with_n(item.count, number))
    if isinstance(item, tuple):
        return tuple(
            N if one == number and type(one) is int else with_n(one, number) for one in item
        )
    return N if type(item) is int and item == number else item


def symbolic_forms(case: Case) -> Iterator[Symbolic]:
    """Yield the ways to put ``n`` into a case that make sense at several sizes."""
    shapes = [np.shape(array) for array in case.arrays()]
    everywhere = [(i, axis) for i, shape in enumerate(shapes) for axis in range(len(shape))]
    choices = [(place,) for place in everywhere]
    for number in {shapes[i][axis] for i, axis in everywhere}:
        choices.append(tuple(one for one in everywhere if shapes[one[0]][one[1]] == number))
    for places in dict.fromkeys(choices):
        number = shapes[places[0][0]][places[0][1]]
        changed = {
            key: with_n(value, number) if key in {"shape", "index"} else value
            for key, value in case.attrs.items()
        }
        for attrs in [case.attrs] if changed == case.attrs else [case.attrs, changed]:
            form = Symbolic(case, number, places, attrs)
            if all(form.holds_at(one) for one in (number, number + 1, number + 4)):
                yield form


def label_of(form: Symbolic) -> str:
    places = "-".join(f"{position}.{axis}" for position, axis in form.places)
    return f"{form.case.label}-{places}"


FORMS = [form for case in CASES for form in symbolic_forms(case)]
WITH_GRADIENT = [form for form in FORMS if form.case in DIFFERENTIABLE]


@pytest.mark.parametrize("form", FORMS, ids=label_of)
def test_type_rule_at_a_size_is_the_concrete_one(form: Symbolic) -> None:
    """N put in before the rule or after it: the same type; or it is refused as is listed."""
    primitive = form.case.primitive
    try:
        (found,) = primitive.infer(form.types, form.attrs)
    except TypeRuleError:
        assert REFUSED.get(primitive.name) is TypeRuleError
        return
    for number in (form.size, form.size + 1, form.size + 4):
        types, attrs = form.at(number)
        assert substitute(found, {"n": number}) == primitive.infer(types, attrs)[0]


@pytest.mark.parametrize("form", WITH_GRADIENT, ids=label_of)
def test_gradient_at_a_size_is_the_concrete_one(form: Symbolic) -> None:
    """First and second order: n put in before differentiation or after it."""
    case = form.case
    wanted = case.wanted()
    try:
        joint = joint_of(one_node(case.primitive, form.types, form.attrs), wanted)
        second = second_of(joint, wanted)
    except REFUSED.get(case.primitive.name, ()):
        return
    concrete = joint_of(case.graph(), wanted)
    arrays = case.arrays()
    (ct,) = random_like(evaluate(case.graph(), *arrays))
    weights = random_like([arrays[i] for i in wanted], seed=2)
    pairs = [(second, second_of(concrete, wanted), (*arrays, ct, *weights))]
    pairs.append((joint, concrete, (*arrays, ct)))
    for with_name, expected, operands in pairs:
        at_size = substitute_graph(with_name, {"n": form.size})
        # Generated code takes the size from the arrays that it gets.
        for found in (evaluate(at_size, *operands), emitted(with_name)(*operands)):
            for one, other in zip(found, evaluate(expected, *operands), strict=True):
                assert type_of(one) == type_of(other)
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


def test_every_primitive_takes_an_unknown_size() -> None:
    """With some example at least, whatever its refusals."""
    taken = set()
    for form in FORMS:
        try:
            form.case.primitive.infer(form.types, form.attrs)
        except TypeRuleError:
            continue
        taken.add(form.case.primitive.name)
    named = {case.primitive.name for case in CASES if case.operands}
    assert named - taken == set()


def test_refusals_are_what_is_refused() -> None:
    """A primitive that learns to do without the size leaves the list."""
    found = {}
    for form in FORMS:
        try:
            graph = one_node(form.case.primitive, form.types, form.attrs)
            if form.case in DIFFERENTIABLE:
                joint_of(graph, form.case.wanted())
        except (TypeRuleError, DerivativeError) as error:
            found[form.case.primitive.name] = type(error)
    assert found == REFUSED
