"""Slots of bodies: what is carried gets one type, which the body keeps."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import CaptureError
from gradc.compiler.frontend.bodies import Slot
from gradc.compiler.frontend.carrying import as_given, fields, structure

import gradc
from gradc import compile_grad

ARRAY = Slot.of(np.zeros((2, 3)), "a")


def of(value: Any) -> Slot:
    """Return the slot of a value."""
    return Slot.of(value, "x")


@pytest.mark.parametrize(
    ("value", "kind"), [(1.5, "number"), (np.float64(1.5), "scalar"), (np.array(1.5), "array")]
)
def test_slots_tell_numbers_scalars_and_arrays(value: Any, kind: str) -> None:
    """NumPy promotes them differently, and only the last can be stored to."""
    assert of(value).kind == kind


@pytest.mark.parametrize(
    ("first", "second", "dtype", "kind"),
    [
        (0, 1.5, np.float64, "number"),
        (0, np.float32(1), np.float32, "scalar"),
        (0.0, np.float32(1), np.float32, "scalar"),
        (np.float32(0), 1.5, np.float32, "scalar"),
        (np.float32(0), np.float64(1), np.float64, "scalar"),
        (np.int64(0), 1.5, np.float64, "scalar"),
        (np.int8(0), np.int64(1), np.int64, "scalar"),
        (np.array(0), np.float64(1), np.float64, "array"),
        (np.bool_(True), 1, np.int64, "scalar"),
    ],
)
def test_joined_slots_hold_both(first: Any, second: Any, dtype: Any, kind: str) -> None:
    """As NumPy promotes: Python numbers yield to dtypes."""
    joined = of(first).joined(of(second), "it")
    assert joined.type.dtype == dtype
    assert joined.kind == kind
    assert joined.joined(of(second), "it") == joined, "or the search for types would not end"


def test_slots_of_other_shapes_do_not_join() -> None:
    with pytest.raises(CaptureError, match="the carried a changes its shape"):
        ARRAY.joined(of(np.zeros(3)), "the carried a")


def test_layout_is_known_where_both_have_it() -> None:
    assert ARRAY.row_major
    assert not ARRAY.joined(of(np.zeros((3, 2)).T), "it").row_major


def test_structures_are_compared() -> None:
    given, leaves, _ = fields({"a": 1.0, "b": (2.0, [3.0])}, "it")
    other, values, _ = fields({"b": [20.0, (30.0,)], "a": 10.0}, "it")
    assert as_given(other, given, iter(values)) == [10.0, 20.0, 30.0]
    assert len(leaves) == 3
    for unlike in ({"a": 1.0}, {"a": 1.0, "b": (2.0, 3.0)}, [1.0, 2.0, 3.0], None):
        found, parts, _ = fields(unlike, "it")
        assert as_given(found, given, iter(parts)) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "array"),
        ((1.0,), "(array,)"),
        ([1.0, (2.0, None)], "[array, (array, None)]"),
        ({"a": 1.0, "b": "text"}, "{'a': array, 'b': 'text'}"),
    ],
)
def test_structures_are_shown(value: Any, text: str) -> None:
    assert structure(fields(value, "it")[0]) == text


def test_body_is_captured_until_its_types_stay() -> None:
    """The first carry becomes int16 at the second, and float64 at the third attempt."""

    def f(x: Any) -> Any:
        start = (np.int8(1), np.int16(2), x)
        return gradc.fori_loop(0, 3, lambda i, carry: (carry[1], carry[2], carry[2]), start)[0]

    assert compile_grad(f).value_and_grad(2.5) == (2.5, 1.0)


def test_hidden_inputs_of_bodies_are_inputs_of_the_program() -> None:
    weights = np.array([1.0, 2.0])
    f = compile_grad(lambda x: np.sum(gradc.fori_loop(0, 2, lambda i, y: y * weights, x)))
    assert "weights" in f.inspect(np.ones(2)).partition("Args:")[0]
