"""Random graphs of bounded values with views and stores, for the tests of what reuses memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.primitives.elementwise import cast, copy, exp, where
from gradc.compiler.primitives.elementwise.arithmetic import maximum
from gradc.compiler.primitives.elementwise.comparison import equal, greater, less
from gradc.compiler.primitives.elementwise.logic import logical_and
from gradc.compiler.primitives.elementwise.trigonometric import sin, tanh
from gradc.compiler.primitives.index import add_at, gather, slice_, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import argmax, sum_
from gradc.compiler.primitives.selection import Gather, Slice
from gradc.compiler.primitives.shape import broadcast_to, reshape, transpose
from gradc.compiler.types import ArrayType
from gradc.compiler.verify import verify
from hypothesis import strategies as st

ROW, SQUARE = (4,), (4, 4)
FLOAT = np.dtype("f8")


class Pool:
    """The values so far, newest first."""

    def __init__(self, params: Sequence[Value]) -> None:
        self.values = list(params)

    def take(self, number: int, shape: tuple[int, ...], dtype: Any = FLOAT) -> Value:
        """Return one of the values of a type; there is always one."""
        fitting = [v for v in self.values if v.shape == shape and v.dtype == dtype]
        if not fitting:
            return self.add(greater(self.take(number, shape), 0.0))
        return fitting[-1 - number % min(len(fitting), 5)]

    def add(self, value: Value) -> Value:
        self.values.append(value)
        return value


def _unary(pool: Pool, a: int, b: int) -> Value:
    shape = (ROW, SQUARE, ())[a % 3]
    x = pool.take(b, shape)
    return (sin, tanh, copy, lambda v: exp(-tanh(v)))[(a // 3) % 4](x)


def _binary(pool: Pool, a: int, b: int) -> Value:
    shape = (ROW, SQUARE)[a % 2]
    x, y = pool.take(b, shape), pool.take(a // 2, shape)
    return ((x + y) * 0.5, x - y, sin(x * y), maximum(x, y))[(a // 2) % 4]


def _beside_a_row(pool: Pool, a: int, b: int) -> Value:
    x, row = pool.take(a, SQUARE), pool.take(b, ROW)
    return (x + broadcast_to(row, shape=SQUARE)) * 0.5


def _compared(pool: Pool, a: int, b: int) -> Value:
    shape = (ROW, SQUARE)[a % 2]
    return (greater, less, equal)[b % 3](pool.take(b, shape), pool.take(a, shape))


def _logic(pool: Pool, a: int, b: int) -> Value:
    x, y = pool.take(a, SQUARE, bool), pool.take(b, SQUARE, bool)
    return (equal, less, logical_and)[a % 3](x, y)


def _chosen(pool: Pool, a: int, b: int) -> Value:
    shape = (ROW, SQUARE)[a % 2]
    mask = pool.take(b, shape, bool)
    if a % 3:
        return where(mask, pool.take(a, shape), pool.take(b, shape))
    return cast(mask, dtype=FLOAT) * pool.take(a, shape)


def _view(pool: Pool, a: int, b: int) -> Value:
    x = pool.take(b, SQUARE)
    return (
        lambda: slice_(x, index=(a % 4, Slice())),
        lambda: slice_(x, index=(Slice(None, None, -1), Slice())),
        lambda: transpose(x, axes=(1, 0)),
        lambda: slice_(pool.take(b, ROW), index=(Slice(None, None, -1),)),
        lambda: slice_(reshape(x, shape=(16,)), index=(Slice(a % 4, a % 4 + 4),)),
        lambda: broadcast_to(pool.take(b, ROW), shape=SQUARE),
        lambda: slice_(pool.take(b, ROW), index=(a % 4,)),
    )[a % 7]()


def _store(pool: Pool, a: int, b: int) -> Value:
    put = (update, add_at)[a % 2]
    base, row = pool.take(b, SQUARE), pool.take(a // 2, ROW)
    if a % 3 == 0:
        return put(base, row, index=(b % 4, Slice()))
    if a % 3 == 1:
        part = slice_(row, index=(Slice(0, 2),))
        return put(pool.take(b, ROW), part, index=(Slice(b % 3, b % 3 + 2),))
    indices = Builder.current().constant(np.array([[0, 1, 2, 3], [1, 1, 3, 0]][b % 2]))
    return put(pool.take(b, ROW), row, indices, index=(Gather(),))


def _gathered(pool: Pool, a: int, b: int) -> Value:
    x = pool.take(b, SQUARE)
    place = argmax(pool.take(a, ROW), axes=(0,), keepdims=False)
    return gather(x, place, index=(Gather(), Slice()))


def _summed(pool: Pool, a: int, b: int) -> Value:
    x = pool.take(b, SQUARE)
    return tanh(sum_(x, axes=((0,), (1,), (0, 1))[a % 3], keepdims=False))


def _product(pool: Pool, a: int, b: int) -> Value:
    return tanh(matmul(pool.take(a, SQUARE), pool.take(b, SQUARE)))


STEPS: tuple[Callable[[Pool, int, int], Value], ...] = (
    _unary, _binary, _view, _store, _beside_a_row, _compared, _logic, _chosen, _gathered, _summed,
    _product, _store, _view,
)  # fmt: skip


def steps() -> st.SearchStrategy[Any]:
    """Draw what ``graph_of`` makes a graph of: for each step its kind, two choices, and a name."""
    small = st.integers(0, 30)
    kind = st.integers(0, len(STEPS) - 1)
    drawn = st.lists(st.tuples(kind, small, small, st.booleans()), min_size=2, max_size=25)
    return st.tuples(drawn, st.lists(small, min_size=1, max_size=4))


def graph_of(drawn: Any) -> Graph:
    """Return the graph of drawn steps; its outputs are some of the latest values."""
    made, wanted = drawn
    types = {"x": SQUARE, "y": SQUARE, "row": ROW, "scalar": ()}
    params = tuple(Value(ArrayType(shape, FLOAT), name) for name, shape in types.items())
    with Builder() as builder:
        pool = Pool(params)
        for number, (kind, a, b, named) in enumerate(made):
            value = pool.add(STEPS[kind](pool, a, b))
            if named:
                value.name = value.name or f"v{number}"
    outputs = [pool.values[-1 - one % min(len(pool.values), 8)] for one in wanted]
    return dce(verify(Graph(params, tuple(builder.nodes), tuple(outputs))))


def arguments() -> list[Any]:
    """Return arrays for the params of these graphs."""
    rng = np.random.default_rng(11)
    return [rng.normal(size=SQUARE), rng.normal(size=SQUARE), rng.normal(size=ROW), np.float64(0.7)]
