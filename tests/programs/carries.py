"""What loops may carry, and what they may do with it: swaps, views, stores, structures, dtypes."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradc

from .structured import looped

Pair = namedtuple("Pair", "first second")


@dataclass
class Body:
    """Where something is and how fast it moves, with a tag that is no array."""

    place: Any
    speed: Any
    name: str = "body"


def _two(rng):
    return rng.normal(size=4), rng.normal(size=4)


def _swap_plain(a, b, steps=5):
    for _ in range(steps):
        a, b = b, np.sin(a)
    return np.sum(a * np.arange(4.0)) + np.sum(b**2)


@looped(_two, plain=_swap_plain, wrt=("a", "b"), jax=True)
def swap(a, b, steps=5):
    def body(i, carry):
        a, b = carry
        return b, np.sin(a)

    a, b = gradc.fori_loop(0, steps, body, (a, b))
    return np.sum(a * np.arange(4.0)) + np.sum(b**2)


def _pure_swap_plain(a, b, steps=5):
    for _ in range(steps):
        a, b = b, a
    return a + 2 * b


@looped(_two, plain=_pure_swap_plain, wrt=("a", "b"), scalar=False, jax=True)
def pure_swap(a, b, steps=5):
    """Nothing is computed; after an odd number of trips the two have changed places."""
    a, b = gradc.fori_loop(0, steps, lambda i, c: (c[1], c[0]), (a, b))
    return a + 2 * b


def _swap_and_store_plain(a, b, steps=5):
    a, b = a.copy(), b.copy()
    for _ in range(steps):
        a[0] = b[1] * a[2]
        b[1:] += 0.1 * a[:-1]
        a, b = b, a
    return a, b


@looped(_two, plain=_swap_and_store_plain, wrt=("a", "b"), scalar=False)
def swap_and_store(a, b, steps=5):
    """Stores into one carry from the other, which then change places."""

    def body(i, carry):
        a, b = carry
        a[0] = b[1] * a[2]
        b[1:] += 0.1 * a[:-1]
        return b, a

    return gradc.fori_loop(0, steps, body, (a, b))


def _unchanged_plain(a, b, steps=5):
    total = 0.0
    for i in range(steps):
        total = total + np.sum(np.sin(a) * b) + b[i % 4]
    return total + a[0]


@looped(_two, plain=_unchanged_plain, wrt=("a", "b"))
def unchanged_carry(a, b, steps=5):
    """One carry comes back as it was: it might as well be an invariant."""

    def body(i, carry):
        a, total = carry
        return a, total + np.sum(np.sin(a) * b) + b[i % 4]

    a, total = gradc.fori_loop(0, steps, body, (a, 0.0 * a[0]))
    return total + a[0]


def _unchanged_by_some_plain(a, b, steps=5):
    for _ in range(steps):
        b = b * a
    return a, b


@looped(_two, plain=_unchanged_by_some_plain, wrt=("a", "b"), scalar=False, jax=True)
def carried_as_it_was(a, b, steps=5):
    """The carry that never changes is a result too: its gradient comes from both."""
    return gradc.fori_loop(0, steps, lambda i, c: (c[0], c[1] * c[0]), (a, b))


def _last_row_plain(x, data, steps=3):
    for i in range(steps):
        x = data[i]
    return np.sum(x**2)


def _table(rng):
    return rng.normal(size=4), rng.normal(size=(7, 4))


@looped(_table, plain=_last_row_plain, wrt=("x", "data"), jax=True)
def replaced_by_row(x, data, steps=3):
    """The carry is a view of an invariant; the start gets no gradient at all."""
    return np.sum(gradc.fori_loop(0, steps, lambda i, x: data[i], x) ** 2)


def _store_into_row_plain(x, data, steps=4):
    x = x.copy()
    for i in range(steps):
        x[0] = 5.0 * x[1]
        x[2] *= x[0]
        x = data[i + 1].copy() if i % 2 == 0 else x
    return np.sum(x**2) + np.sum(data)


@looped(_table, plain=_store_into_row_plain, wrt=("x", "data"), counts=(0, 1, 2, 5))
def store_into_replaced_row(x, data, steps=4):
    """Storing into a carry that was a row of an invariant leaves the invariant as it is."""

    def body(i, x):
        x[0] = 5.0 * x[1]
        x[2] *= x[0]
        return gradc.cond(i % 2 == 0, lambda x: data[i + 1], lambda x: x, x)

    return np.sum(gradc.fori_loop(0, steps, body, x) ** 2) + np.sum(data)


def _invariant_plain(x, w, steps=3):
    x = w if steps else x
    return np.sum(np.sin(x) * w)


@looped(_two, plain=_invariant_plain, wrt=("x", "w"))
def replaced_by_invariant(x, w, steps=3):
    return np.sum(np.sin(gradc.fori_loop(0, steps, lambda i, x: w, x)) * w)


def _constant_plain(x, w, steps=3):
    total = np.zeros_like(x)
    for _ in range(steps):
        total = total + x * w
        x = np.full(4, 0.5)
    return x + total


@looped(_two, plain=_constant_plain, wrt=("x", "w"), scalar=False, single=None)
def replaced_by_constant(x, w, steps=3):
    """After one trip the carry depends on nothing."""

    def body(i, carry):
        x, total = carry
        return np.full(4, 0.5), total + x * w

    x, total = gradc.fori_loop(0, steps, body, (x, np.zeros_like(x)))
    return x + total


def _same_twice_plain(a, b, steps=4):
    first, second = a.copy(), a.copy()
    for _ in range(steps):
        first[0] += second[1] * b[0]
        second[1:] = np.cos(first[1:])
    return first, second, a


@looped(_two, plain=_same_twice_plain, wrt=("a", "b"), scalar=False)
def same_array_twice(a, b, steps=4):
    """One array starts both carries; they are stored into apart, and it stays what it was."""

    def body(i, carry):
        first, second = carry
        first[0] += second[1] * b[0]
        second[1:] = np.cos(first[1:])

    first, second = gradc.fori_loop(0, steps, body, (a, a))
    return first, second, a * 1.0


def _become_one_plain(a, b, steps=4):
    a, b = a.copy(), b.copy()
    for _ in range(steps):
        a[0] = np.sin(b[1])
        b[1] += a[2]
        joined = a * b
        a, b = joined.copy(), joined.copy()
    return a, b


@looped(_two, plain=_become_one_plain, wrt=("a", "b"), scalar=False)
def carries_become_one(a, b, steps=4):
    """Both carries get the same array; in the next trip they are stored into apart."""

    def body(i, carry):
        a, b = carry
        a[0] = np.sin(b[1])
        b[1] += a[2]
        joined = a * b
        return joined, joined

    return gradc.fori_loop(0, steps, body, (a, b))


def _views_plain(a, b, steps=4):
    for _ in range(steps):
        a, b = b[::-1].copy(), a[::-1] * b[0]
    return np.sum(a * b[1])


@looped(_two, plain=_views_plain, wrt=("a", "b"))
def carries_are_views(a, b, steps=4):
    """A reversed view of one carry becomes the other, while that one is stored into."""

    def body(i, carry):
        a, b = carry
        flipped = b[::-1]
        scaled = a[::-1] * b[0]
        return flipped, scaled

    a, b = gradc.fori_loop(0, steps, body, (a, b))
    return np.sum(a * b[1])


def _store_through_view_plain(x, steps=3):
    x = x.copy()
    for _ in range(steps):
        x.T[0] += np.sin(x[:, 1])
        x.reshape(-1)[::4] *= 0.9
    return x


@looped(lambda rng: (rng.normal(size=(3, 3)),), plain=_store_through_view_plain, scalar=False)
def store_through_views(x, steps=3):
    """A carry changed through a transpose and through a slice of a reshaped view."""

    def body(i, x):
        column = x.T[0]
        column += np.sin(x[:, 1])
        flat = x.reshape(-1)
        flat[::4] *= 0.9

    return gradc.fori_loop(0, steps, body, x)


def _structure_plain(place, speed, table, steps=4):
    for i in range(steps):
        place = place + 0.1 * speed + table[i % 2]
        speed = 0.9 * speed - place
    return place, speed


@looped(
    lambda rng: (rng.normal(size=2), rng.normal(size=2), rng.normal(size=(2, 2))),
    plain=_structure_plain,
    wrt=(0, 1, 2),
    scalar=False,
)
def nested_structure(place, speed, table, steps=4):
    """A dataclass in a dict, beside a named tuple and None."""

    def body(i, carry):
        body = carry["body"]
        place = body.place + 0.1 * body.speed + carry["pair"].second
        pair = Pair(carry["pair"].second, carry["pair"].first)
        speed = 0.9 * body.speed - place
        return {"body": Body(place, speed, body.name), "pair": pair, "nothing": None}

    init = {"body": Body(place, speed), "pair": Pair(table[1], table[0]), "nothing": None}
    end = gradc.fori_loop(0, steps, body, init)
    return end["body"].place, end["body"].speed


def _gather_plain(w, idx, x, steps=4):
    for i in range(steps):
        x = x + np.tanh(w[idx] * w[i % 3]) + w[1:5] * np.sum(w)
    return x


@looped(
    lambda rng: (rng.normal(size=6), np.array([0, 5, 5, 2]), rng.normal(size=4)),
    plain=_gather_plain,
    wrt=("w", "x"),
    scalar=False,
    jax=True,
)
def invariant_read_every_way(w, idx, x, steps=4):
    """An invariant is gathered with duplicates, indexed, sliced and summed in each trip."""

    def body(i, x):
        return x + np.tanh(w[idx] * w[i % 3]) + w[1:5] * np.sum(w)

    return gradc.fori_loop(0, steps, body, x)


def _gather_by_carry_plain(w, x, steps=5):
    place = np.array([0, 1, 2])
    for _ in range(steps):
        x = x * np.cos(w[place])
        place = (2 * place + 1) % 5
    return x, place


@looped(
    lambda rng: (rng.normal(size=5), rng.normal(size=3)),
    plain=lambda w, x, steps=5: _gather_by_carry_plain(w, x, steps)[0],
    wrt=("w", "x"),
    scalar=False,
    jax=True,
)
def gather_by_carried_indices(w, x, steps=5):
    """Integers that are carried say which entries are read."""

    def body(i, carry):
        x, place = carry
        return x * np.cos(w[place]), (2 * place + 1) % 5

    return gradc.fori_loop(0, steps, body, (x, np.array([0, 1, 2])))[0]


def _flags_plain(x, steps=5):
    seen = np.zeros(x.shape, bool)
    for _ in range(steps):
        x = np.where(seen, 0.9 * x, 1.5 * x)
        seen = seen | (np.abs(x) > 1)
    return np.sum(x), seen


@looped(lambda rng: (rng.normal(size=6),), plain=_flags_plain, has_aux=True, jax=True)
def carried_flags(x, steps=5):
    """Booleans are carried beside what they decide about."""

    def body(i, carry):
        x, seen = carry
        x = np.where(seen, 0.9 * x, 1.5 * x)
        return x, seen | (np.abs(x) > 1)

    x, seen = gradc.fori_loop(0, steps, body, (x, np.zeros(x.shape, bool)))
    return np.sum(x), seen


def _shapes_plain(zero, one, none, steps=3):
    for _ in range(steps):
        zero, one, none = np.sin(zero) + one[0], one * zero, none * zero
    return zero, one, none


@looped(
    lambda rng: (np.array(0.3), np.array([1.2]), np.zeros((0, 2))),
    plain=_shapes_plain,
    wrt=(0, 1, 2),
    scalar=False,
    jax=True,
)
def small_shapes(zero, one, none, steps=3):
    """Carries of rank 0, of one element, and of none."""

    def body(i, carry):
        zero, one, none = carry
        return np.sin(zero) + one[0], one * zero, none * zero

    return gradc.fori_loop(0, steps, body, (zero, one, none))


def _kept_plain(u, steps=3):
    v = u.copy()
    for _ in range(steps):
        v[1:] = v[:-1] * u[1:]
    return np.sum(u * v), u


@looped(lambda rng: (rng.normal(size=5),), plain=_kept_plain, has_aux=True)
def start_read_again(u, steps=3):
    """What a loop starts from is read in its body and after it: it never changes."""

    def body(i, v):
        v[1:] = v[:-1] * u[1:]

    v = gradc.fori_loop(0, steps, body, u)
    return np.sum(u * v), u
