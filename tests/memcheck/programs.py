"""What is run: each way in which native code goes through memory, with sizes that leave a rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradc
from gradc import special
from gradc.nn import functional


@dataclass(frozen=True)
class Program:
    """A function of arrays that gives a number, and its arguments.

    Attributes:
        name: Of a C identifier's form.
        function: By whose floating-point arguments it is differentiated.
        arguments: Of the function.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


PROGRAMS: list[Program] = []


def program(*shapes: tuple[int, ...], dtype: str = "float64", more: tuple[Any, ...] = ()) -> Any:
    """Take up a function, with an array of each shape, and what follows these."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        rng = np.random.default_rng(len(PROGRAMS))
        arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
        name = f"{function.__name__}_{dtype}"
        given = [np.asarray(one) for one in (*arrays, *more)]
        PROGRAMS.append(Program(name, function, tuple(given)))
        return function

    return add


def both(*shapes: tuple[int, ...], more: tuple[Any, ...] = ()) -> Any:
    """Take up a function in both precisions."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for dtype in ("float64", "float32"):
            program(*shapes, dtype=dtype, more=more)(function)
        return function

    return add


@both((37,), (37,))
def maps(x, y):
    return np.sum(np.exp(x) * np.tanh(y) + np.sin(x * y) / (1 + x * x))


@both((5, 7, 3), (7, 1), (3,))
def broadcast(x, y, z):
    return np.sum(np.arctan(x * y + z) * x[:, ::-1, ::2].sum() + np.where(x > y, x, z))


@program((41,))
def functions(x):
    some = special.erf(x) + special.gammaln(np.abs(x) + 0.5) + np.log1p(x * x) + np.cbrt(x)
    return np.sum(some + np.arcsinh(x) ** 3 + special.i0(x) + np.arctan2(x, 0.5) + x % 1.3)


@both((13, 19))
def rows(x):
    return np.sum(special.logsumexp(x, axis=1) ** 2) + np.sum(
        np.max(x, axis=1) * np.mean(x, axis=1)
    )


@both((19, 13))
def columns(x):
    return np.sum(np.sum(x * x, axis=0) ** 1.5) + np.sum(np.var(x, axis=0) * np.min(x, axis=0))


@program((7, 5, 6, 3))
def middle_axes(x):
    return np.sum(np.sin(np.sum(x, axis=(1, 3)))) + np.sum(np.prod(1 + 0.1 * x, axis=(0, 2)))


@both((3, 4), (4, 5))
def small_products(x, y):
    return np.sum(np.tanh(x @ y))


@both((37, 41), (41, 43))
def packed_products(x, y):
    return np.sum(np.tanh(x @ y))


@program((131, 70), (70, 97), dtype="float32")
def large_products(x, y):
    return np.sum(np.tanh(x @ y) ** 2)


@both((129, 5), (5,), (3, 129))
def thin_products(x, y, z):
    return np.sum(np.tanh(x @ y)) + np.sum(np.sin(z @ x)) + np.sum((x.T @ x) ** 2)


@both((3, 9, 11), (3, 11, 7))
def batched_products(x, y):
    return np.sum(np.tanh(x @ y)) + np.sum(np.einsum("bij,bjk->ik", x, y) ** 2)


@both((2, 3, 9, 11), (5, 3, 3, 3), (5,))
def convolution(images, weights, bias):
    return np.sum(np.tanh(functional.conv2d(images, weights, bias, padding=1)))


@program((2, 4, 10, 9), (6, 2, 3, 2), dtype="float32")
def strided_convolution(images, weights):
    return np.sum(functional.conv2d(images, weights, stride=2, groups=2) ** 2)


@both((2, 3, 9, 10))
def pooling(images):
    return np.sum(functional.max_pool2d(images, 2) ** 2) + np.sum(
        functional.avg_pool2d(np.sin(images), 3, stride=2, padding=1) ** 3
    )


@program((21, 17))
def stores(x):
    y = x * 1.5
    y[1:-1, ::2] = np.sin(x[2:, 1::2][:, :1])
    y[3] *= x[4]
    y[:, 5:] += x[:, :-5]
    y[::-1][:4] = 0.5
    return np.sum(y * y * x)


@program((23, 5))
def sweeps(x):
    y = x * 1.0
    for _ in range(3):
        y[1:-1] = 0.25 * (y[:-2] + 2 * y[1:-1] + y[2:])
    return np.sum(np.sin(y))


@program((17, 6), more=(np.array([0, 16, -1, 3, 3, -17]),))
def gathers(x, places):
    return np.sum(np.sin(x[places]) * x[:6]) + np.sum(
        np.take(x, places, axis=0)[:, places % 6] ** 2
    )


@program((17, 6), more=(np.array([0, 16, -1, 3, 3]),))
def scatters(x, places):
    y = x * 2.0
    y[places] += np.cos(x[:5])
    np.add.at(y, places, x[5:10])
    y[places, places % 6] = 0.5
    return np.sum(y**3)


@program((9, 14))
def joined(x):
    y = np.concatenate([x, np.sin(x[:3]), np.pad(x, 1)[:2, 1:-1]])
    return np.sum(np.roll(y, 3, axis=1) * np.stack([y, y * y])) + np.sum(
        np.repeat(x, 2, axis=0) ** 2
    )


@program((15, 8))
def running(x):
    return np.sum(np.cumsum(x, axis=0) ** 2) + np.sum(np.cumprod(1 + 0.1 * x, axis=1) * x)


@program((12, 9))
def sorted_places(x):
    return np.sum(np.argmax(x, axis=1) * x[:, 0]) + np.sum(x.T.reshape(12, 9) * x)


@program((11,), (6, 11))
def loops(x, rows):
    def body(i, y):
        return np.tanh(y * 0.9 + rows[i])

    def step(carry, row):
        carry = np.tanh(carry + row)
        return carry, carry * row

    last, kept = gradc.scan(step, x, rows, reverse=True)
    return np.sum(gradc.fori_loop(0, 6, body, x) * last) + np.sum(kept**2)


@program((5,), (5, 5))
def scalar_loops(x, m):
    y = np.zeros(5)
    for i in range(5):
        y[i] = x[i]
        for j in range(i):
            y[i] = y[i] - m[i, j] * y[j]
    return np.sum(y * y)


@program((13,), more=(np.array(40),))
def records(x, trips):
    """What a loop of unknown length saves lies in memory that it allocates, and frees."""

    def body(carry):
        y, i = carry
        return np.sin(y) * x, i + 1

    return np.sum(gradc.while_loop(lambda carry: carry[1] < trips, body, (x, 0))[0])


@program((7,), more=(np.array(5),))
def nested_records(x, trips):
    def outer(i, total):
        def inner(y):
            return gradc.fori_loop(0, i, lambda j, y: y - 0.01 * np.sin(y) * x, 0.7 * y)

        y = gradc.while_loop(lambda y: np.sum(y) > 0.5, inner, np.abs(x) * (i + 1))
        return total + np.sum(y) ** 2

    return gradc.fori_loop(0, trips, outer, 0.0)


@program((6, 4), more=(np.array(True),))
def branches(x, flag):
    y = gradc.cond(flag, lambda: np.sin(x), lambda: x * 2)
    return np.sum(gradc.cond(np.sum(y) > 100.0, lambda: y, lambda: np.exp(y)))


@program((0, 5), (3, 1), (1,))
def empty_and_single(x, y, z):
    return np.sum(x) + np.sum(np.exp(y * z)) + np.sum(x[:0] * z)


# Large enough for threads


@both((40_003,))
def threads_of_maps(x):
    return np.sum(np.exp(np.sin(x)) * np.tanh(x))


@program((401, 203))
def threads_of_folds(x):
    return np.sum(np.sin(np.sum(np.exp(x), axis=0))) + np.sum(np.max(np.tanh(x), axis=1) ** 2)


@program((260, 190), (190, 150), dtype="float32")
def threads_of_products(x, y):
    return np.sum(np.tanh(x @ y))
