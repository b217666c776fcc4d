"""Places of the outside, what was found there, and the generated reader that looks again."""

from collections import OrderedDict, namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
from gradc.compiler.frontend.places import Place, Read, Root, alike
from gradc.compiler.frontend.reader import reader

ARRAY = np.arange(3.0)
Pair = namedtuple("Pair", "a b")


def found_at(value):
    """A place in a dict of globals, and that dict."""
    names = {"name": value}
    return Place(Root("global", names, "name")), names


def cell_of(value):
    return (lambda: value).__closure__[0]


# Places


def test_place_is_found_and_stored_to():
    """Through attributes and items, from each kind of root."""
    owner = SimpleNamespace(rows=[{"w": 1.0}, {"w": 2.0}])
    for root, values in [
        (Root("global", {"model": owner}, "model"), ()),
        (Root("cell", cell_of(owner), "model"), ()),
        (Root("object", owner, "model"), ()),
        (Root("argument", 1, "model"), (None, owner)),
    ]:
        place = Place(root).attribute("rows").item(1).item("w")
        assert str(place) == "model.rows[1]['w']"
        before = place.find(values)
        place.put(values, before + 1)
        assert place.find(values) == before + 1
        assert owner.rows[0]["w"] == 1.0


def test_names_themselves_are_stored_to():
    """A global, and a closure variable."""
    place, names = found_at(1.0)
    place.put((), 5.0)
    assert names == {"name": 5.0}
    cell = cell_of(1.0)
    Place(Root("cell", cell, "value")).put((), 5.0)
    assert cell.cell_contents == 5.0


def test_places_are_equal_where_they_are_one():
    """Of the same dict, not of an equal one; parameters by position."""
    first, second = {"a": 1}, {"a": 1}
    one = Place(Root("global", first, "a")).attribute("b")
    assert one == Place(Root("global", first, "a")).attribute("b")
    assert hash(one) == hash(Place(Root("global", first, "a")).attribute("b"))
    assert one != Place(Root("global", second, "a")).attribute("b")
    assert one != Place(Root("global", first, "a")).item("b")
    assert one != Place(Root("global", first, "c")).attribute("b")
    assert Place(Root("argument", 0, "x")) == Place(Root("argument", 0, "x"))
    assert Place(Root("argument", 0, "x")) != Place(Root("argument", 1, "x"))


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Place(Root("global", {}, "w")), "w"),
        (Place(Root("object", None, "Model")).attribute("w").item("a b"), "Model_w_a_b"),
        (Place(Root("global", {}, "t")).item((0, "x")).item(-1), "t_0_x_1"),
        (Place(Root("global", {}, "_")), "value"),
    ],
)
def test_identifiers(place, name):
    """Names for generated code, whatever the keys are."""
    assert place.identifier == name
    assert name.isidentifier()


# What was read


SAME = object()
READS = [
    # kind, expected, what holds, what does not
    ("equal", 2, [2], [3, 2.0, True, np.int64(2), "2", None]),
    ("equal", 2.0, [2.0], [2, 2.5, np.float64(2.0), np.float32(2.0)]),
    ("equal", True, [True], [1, 1.0, False, np.True_]),
    ("equal", 0.0, [0.0], [-0.0, 0, False]),
    ("equal", -0.0, [-0.0], [0.0]),
    ("equal", float("nan"), [float("nan"), -float("nan")], [1.0, np.float64("nan")]),
    ("equal", float("inf"), [float("inf")], [-float("inf"), 1e308]),
    ("equal", 1 + 2j, [1 + 2j], [1 - 2j, 1.0]),
    ("equal", 2**70, [2**70], [2**70 + 1, 2.0**70]),
    ("equal", "a", ["a"], ["b", b"a", None]),
    ("equal", None, [None], [0, False]),
    ("equal", np.float32(1.5), [np.float32(1.5)], [np.float64(1.5), 1.5, np.float32(2.5)]),
    ("equal", np.int8(3), [np.int8(3)], [np.int64(3), 3]),
    ("equal", range(3), [range(3)], [range(4), [0, 1, 2]]),
    ("equal", slice(1, 2), [slice(1, 2)], [slice(1, 3)]),
    ("equal", frozenset({1}), [frozenset({1})], [frozenset({2}), {1}]),
    ("equal", [1, 2.0], [[1, 2.0]], [[1, 2], [1.0, 2.0], (1, 2.0), [1]]),
    ("equal", {"a": 1, "b": -0.0}, [{"a": 1, "b": -0.0}], [{"b": -0.0, "a": 1}, {"a": 1}]),
    ("same", SAME, [SAME], [object(), None]),
    ("same", ARRAY, [ARRAY], [ARRAY.copy(), ARRAY.view()]),
    ("type", SimpleNamespace, [SimpleNamespace(a=1)], [object(), 1]),
    ("number", float, [1.0, float("nan")], [1, np.float64(1.0), True]),
    ("number", int, [1, -(2**40)], [1.0, True, np.int64(1)]),
    (
        "array",
        (np.ndarray, np.dtype("f8"), (3,)),
        [ARRAY, ARRAY[::-1], np.zeros(6)[::2]],
        [ARRAY[:2], ARRAY.astype("f4"), ARRAY.astype(">f8"), ARRAY[None], [0.0, 1.0, 2.0]],
    ),
    ("array", (np.ndarray, np.dtype("f8"), ()), [np.array(2.0)], [np.float64(2.0), 2.0]),
    ("length", (list, 2), [[1, 2], ["a", None]], [[1], (1, 2), {1: 2, 3: 4}, "ab"]),
    ("length", (Pair, 2), [Pair(1, 2)], [(1, 2)]),
    ("keys", (dict, ("a", "b")), [{"a": 0, "b": 0}], [{"b": 0, "a": 0}, {"a": 0}]),
    ("keys", (dict, ("a",)), [{"a": 0}], [OrderedDict(a=0)]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "expected", "holding", "others"), READS)
def test_guards(kind, expected, holding, others):
    """``Read.holds``, which explains, and the generated reader, which serves calls, agree."""
    place, names = found_at(None)
    read = Read(place, kind, expected)
    look = reader([read], [])
    for value in [*holding, *others]:
        names["name"] = value
        holds = any(value is one for one in holding)
        assert read.holds(()) is holds, value
        assert (look(()) == ()) is holds, value


class Explodes:
    """An object whose attributes raise what is asked for."""

    def __init__(self, error):
        self.error = error

    @property
    def w(self):
        raise self.error


@pytest.mark.parametrize(
    "spoil",
    [
        lambda names: names.clear(),
        lambda names: names.update(name=None),
        lambda names: names.update(name=SimpleNamespace()),
        lambda names: names.update(name=SimpleNamespace(rows=[])),
        lambda names: names.update(name=SimpleNamespace(rows=[{}])),
        lambda names: names.update(name=SimpleNamespace(rows=3)),
        lambda names: names.update(name=SimpleNamespace(rows=[{"w": None}])),
    ],
)
def test_what_is_no_longer_there(spoil):
    """A missing name, attribute or item means that the program does not serve."""
    place, names = found_at(SimpleNamespace(rows=[{"w": ARRAY}]))
    place = place.attribute("rows").item(0).item("w")
    read = Read(place, "array", (np.ndarray, ARRAY.dtype, ARRAY.shape))
    look = reader([read], [place])
    assert look(())[0] is ARRAY
    spoil(names)
    assert look(()) is None
    assert not read.holds(())


def test_empty_closure_variable():
    """A variable that was deleted since."""

    def make():
        value = 1.0

        def read():
            return value

        def drop():
            nonlocal value
            del value

        return read.__closure__[0], drop

    cell, drop = make()
    read = Read(Place(Root("cell", cell, "value")), "equal", 1.0)
    look = reader([read], [])
    assert look(()) == ()
    drop()
    assert look(()) is None
    assert not read.holds(())


def test_comparison_of_an_array_with_a_number():
    """A scalar that became an array is not "equal to some degree"."""
    place, names = found_at(np.zeros(3))
    for expected in (0.0, 0, "a", None, [0.0, 0.0, 0.0]):
        read = Read(place, "equal", expected)
        assert reader([read], [])(()) is None
        assert not read.holds(())
    names["name"] = [np.zeros(3)]
    assert reader([Read(place, "equal", [0.0])], [])(()) is None


def test_inputs_are_read_in_order_and_as_code_takes_them():
    """Numbers as NumPy scalars, arrays of native byte order, the very array otherwise."""
    names = {"a": ARRAY, "b": 2.5, "c": 3, "d": ARRAY.astype(">f8")}
    places = [Place(Root("global", names, name)) for name in "dbca"]
    reads = [
        Read(places[3], "array", (np.ndarray, names["a"].dtype, (3,))),
        Read(places[0], "array", (np.ndarray, names["d"].dtype, (3,))),
        Read(places[1], "number", float),
        Read(places[2], "number", int),
    ]
    swapped, number, integer, array = reader(reads, places)(())
    assert array is ARRAY
    assert (type(number), number) == (np.float64, 2.5)
    assert (type(integer), integer) == (np.int64, 3)
    assert swapped.dtype.isnative
    np.testing.assert_array_equal(swapped, ARRAY)
    names["c"] = 2**80  # no 64 bits
    assert reader(reads, places)(()) is None


def test_attributes_whose_names_are_no_identifiers():
    """``setattr(model, "layer 1", ...)`` is Python."""
    owner = SimpleNamespace(**{"layer 1": ARRAY, "class": ARRAY})
    for name in ("layer 1", "class"):
        place = Place(Root("object", owner, "owner")).attribute(name)
        read = Read(place, "array", (np.ndarray, ARRAY.dtype, (3,)))
        assert reader([read], [place])(())[0] is ARRAY


def test_names_of_the_generated_code_do_not_meet_those_of_the_user():
    names = {"c0": 1, "v0": 2, "values": 3, "alike": 4}
    places = [Place(Root("global", names, name)) for name in names]
    look = reader([Read(place, "equal", place.find(())) for place in places], [])
    assert look(()) == ()
    names["alike"] = 5
    assert look(()) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([1, [2.0, {"a": None}]], [1, [2.0, {"a": None}]], True),
        ([float("nan")], [float("nan")], True),
        ([0.0], [-0.0], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        (Pair(1, 2), (1, 2), False),
        (b"a", b"a", True),
        (1, True, False),
    ],
)
def test_alike(one, other, same):
    """The same type and value, all the way down."""
    assert alike(one, other) is same
    assert alike(other, one) is same
