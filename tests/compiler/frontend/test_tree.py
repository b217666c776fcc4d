"""Containers are taken apart and put together again as they were."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import CaptureError
from gradc.compiler.frontend.tree import (
    Leaf,
    Static,
    count_leaves,
    flatten,
    is_leaf,
    unflatten,
)

Point = namedtuple("Point", ["x", "y"])


@dataclass
class Layer:
    weight: Any
    name: str = "dense"
    units: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    weight: Any
    scale: float = 2.0


@dataclass(frozen=True, slots=True)
class Slotted:
    weight: Any


@dataclass
class Derived:
    weight: Any
    doubled: Any = field(init=False)

    def __post_init__(self):
        self.doubled = self.weight * 2


A, B = np.arange(3.0), np.ones((2, 2))
TREES = {
    "array": A,
    "number": 2.5,
    "numpy_scalar": np.float32(1.5),
    "nothing": None,
    "text": "relu",
    "bool": True,
    "tuple": (A, B),
    "empty": ((), [], {}),
    "nested": {"layers": [(A, None), {"b": B, "act": "relu"}], "rate": 0.5},
    "namedtuple": Point(A, [B, Point(1.0, "label")]),
    "ordered": OrderedDict(z=A, a=B),
    "dataclass": Layer(A, units=[B, 3]),
    "frozen": (Frozen(A), Frozen(B, 3.0)),
    "slotted": Slotted(A),
    "field_without_init": Derived(A),
}


def same(left, right):
    """Whether two trees have equal types, keys and leaves, in the same order."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(same, left, right))
    if hasattr(left, "__dataclass_fields__"):
        return all(same(getattr(left, k), getattr(right, k)) for k in left.__dataclass_fields__)
    return left is right


def taken_apart(value):
    leaves, names = [], []
    return flatten(value, "p", leaves, names), leaves, names


@pytest.mark.parametrize("name", TREES)
def test_round_trip(name):
    """The same containers with the very same leaves, in the same order."""
    tree, leaves, names = taken_apart(TREES[name])
    assert count_leaves(tree) == len(leaves) == len(names)
    assert all(is_leaf(leaf) for leaf in leaves)
    assert same(unflatten(tree, leaves), TREES[name])


@pytest.mark.parametrize("name", TREES)
def test_trees_are_keys(name):
    """Equal trees hash equal, whatever numbers lie in them: they are keys of the cache."""
    first, leaves, _ = taken_apart(TREES[name])
    second, _, _ = taken_apart(unflatten(first, [leaf * 2 for leaf in leaves]))
    assert first == second
    assert hash(first) == hash(second)


def test_leaves_are_named_by_their_place():
    """Generated code calls its parameters so."""
    _, _, names = taken_apart({"w": [A, B], "at": Point(1.0, 2.0), "layer": Layer(A)})
    assert names == ["p_w_0", "p_w_1", "p_at_x", "p_at_y", "p_layer_weight"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (1, True),
        ("1", 1),
        (None, 0),
        (True, False),
        ((1.0,), [1.0]),
        ({"a": A}, {"b": A}),
    ],
)
def test_different_trees(left, right):
    assert taken_apart(left)[0] != taken_apart(right)[0]


def test_equal_statics_of_different_types_are_different():
    """``True == 1`` in Python; a program specialised on one is wrong for the other."""
    assert Static(bool, True) != Static(int, 1)
    assert Static(str, "a") == Static(str, "a")


def test_order_of_a_dictionary_is_part_of_its_tree():
    """Leaves come in its order."""
    assert taken_apart({"a": A, "b": B})[0] != taken_apart({"b": B, "a": A})[0]


def test_numbers_are_leaves_and_bools_are_not():
    assert isinstance(taken_apart(2)[0], Leaf)
    assert isinstance(taken_apart(np.True_)[0], Leaf)
    assert isinstance(taken_apart(True)[0], Static)


def test_dataclass_type_itself_is_static():
    """Only instances have fields with values."""
    assert taken_apart(Layer)[0] == Static(type, Layer)


def test_what_cannot_be_hashed_is_refused_by_its_place():
    with pytest.raises(CaptureError, match="p_a_1 is no array"):
        taken_apart({"a": [A, {1, 2}]})
