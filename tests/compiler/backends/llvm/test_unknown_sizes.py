"""Which arrays of unknown length have native code: what would read a row too late has none."""

import numpy as np
import pytest
from gradc.compiler.backends.llvm.unknown_sizes import refused_size
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.primitives.elementwise import less
from gradc.compiler.primitives.index import gather, update
from gradc.compiler.primitives.records import push, record, trim
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.regions import INDEX, cond, for_loop
from gradc.compiler.primitives.selection import Gather, Slice
from gradc.compiler.primitives.shape import transpose
from gradc.compiler.types import ArrayType, Sym

ROW = ArrayType((3,), np.dtype(np.float64))


def built(write):
    """Return a graph that a function writes with a record of an unknown number of rows."""
    count, row = Value(INDEX, "count"), Value(ROW, "row")
    with Builder() as builder:
        attrs = {"size": Sym.named("n"), "shape": (3,), "dtype": ROW.dtype, "grows": True}
        (rows,) = builder.add(record, (count,), attrs)
        outputs = write(rows, row, count)
    return Graph((count, row), tuple(builder.nodes), tuple(outputs))


def read(rows, place):
    return gather(rows, place, index=(Gather(), Slice()))


def stored(rows, row, place):
    return update(rows, row, place, index=(Gather(), Slice()))


def store_and_read(rows, row, count):
    return (read(trim(push(rows, row, count), count, size=Sym.named("k")), count),)


def read_the_older(rows, row, count):
    later = stored(push(rows, row, count), row * 2.0, count)
    return read(later, count), read(rows, count)


def read_before_a_store(rows, row, count):
    """The row may be read in the code of any later step, and the store is one."""
    first = read(rows, count)
    return first, read(push(rows, row, count), count)


def store_after_the_cut(rows, row, count):
    return (read(push(trim(rows, count, size=Sym.named("k")), row, count), count),)


def give_twice(rows, row, count):
    rows = push(rows, row, count)
    return rows, trim(rows, count, size=Sym.named("k"))


def give_the_older(rows, row, count):
    return read(push(rows, row, count), count), rows


def fold(rows, row, count):
    return (sum_(rows, axes=(0,), keepdims=False),)


def turn(rows, row, count):
    """The axis that counts may be any; the others stay in their order."""
    (square,) = Builder.current().add(
        record,
        (count,),
        {"size": Sym.named("n"), "shape": (3, 2), "dtype": ROW.dtype, "grows": True},
    )
    turned = transpose(square, axes=(2, 1, 0))
    return (gather(turned, count, index=(Slice(), Slice(), Gather())),)


def lend_twice(rows, row, count):
    """A loop that stores to a record, and reads what it takes for another one."""
    index, taken, other, given = (Value(one.type) for one in (count, rows, rows, row))
    with Builder() as builder:
        kept = stored(taken, read(other, index) + given, index)
    body = Graph((index, taken, other, given), tuple(builder.nodes), (kept,))
    attrs = {"body": body, "carried": 1, "reverse": False, "most": None, "checkpoint": None}
    (rows,) = Builder.current().add(for_loop, (count, count, count, rows, rows, row), attrs)
    return (read(rows, count),)


def change_places(rows, row, count):
    """A loop that gives the one record for the other."""
    attrs = {"size": Sym.named("n"), "shape": (3,), "dtype": ROW.dtype, "grows": True}
    (more,) = Builder.current().add(record, (count,), attrs)
    index, one, other = (Value(value.type) for value in (count, rows, rows))
    body = Graph((index, one, other), (), (other, one))
    attrs = {"body": body, "carried": 2, "reverse": False, "most": None, "checkpoint": None}
    given, _ = Builder.current().add(for_loop, (count, count, count, rows, more), attrs)
    return (read(given, count),)


def choose(rows, row, count):
    operand, given, place = (Value(one.type) for one in (rows, row, count))
    with Builder() as builder:
        kept = push(operand, given, place)
    true = Graph((operand, given, place), tuple(builder.nodes), (kept,))
    params = tuple(Value(one.type) for one in (rows, row, count))
    attrs = {"true": true, "false": Graph(params, (), params[:1])}
    (made,) = Builder.current().add(cond, (less(count, 3), rows, row, count), attrs)
    return (read(made, count),)


def test_a_record_by_rows_has_native_code():
    assert refused_size(built(store_and_read)) is None


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (read_the_older, "as it was before a store"),
        (read_before_a_store, "read before"),
        (store_after_the_cut, "read before"),
        (give_twice, "no memory of its own"),
        (give_the_older, "no memory of its own"),
        (fold, "sum of"),
        (turn, "transpose of"),
        (lend_twice, "in two places"),
        (change_places, "does not keep"),
        (choose, "makes a record"),
    ],
)
def test_what_has_no_native_code(write, what):
    """It runs as NumPy."""
    assert what in str(refused_size(built(write)))
