"""Branches with structure, loops in them, and loops within loops."""

import numpy as np

import gradc

from .structured import looped


def _choice_plain(x, y):
    return np.sum(x * y) if np.sum(x) > 0 else np.sum(np.sin(x) - y**2)


def _pair(rng):
    return rng.normal(size=3), rng.normal(size=3)


@looped(_pair, plain=_choice_plain, wrt=("x", "y"), jax=True)
def choice(x, y):
    """The branches use different operands in different ways."""
    return gradc.cond(
        np.sum(x) > 0,
        lambda x, y: np.sum(x * y),
        lambda x, y: np.sum(np.sin(x) - y**2),
        x,
        y,
    )


@looped(_pair, plain=_choice_plain, wrt=("x", "y"), jax=True)
def choice_by_closures(x, y):
    """The same with branches that take no operand."""
    return gradc.cond(np.sum(x) > 0, lambda: np.sum(x * y), lambda: np.sum(np.sin(x) - y**2))


def _several_plain(x, flag):
    return (x * 2, {"all": np.sum(x)}) if flag else (x * 1.0, {"all": x[0] * 3})


@looped(
    lambda rng: (rng.normal(size=3), np.array(True)),
    plain=_several_plain,
    wrt="x",
    scalar=False,
    jax=True,
)
def branches_of_structures(x, flag):
    """A flag as an argument; one branch gives an operand as it is."""
    return gradc.cond(
        flag,
        lambda x: (x * 2, {"all": np.sum(x)}),
        lambda x: (x * 1.0, {"all": x[0] * 3}),
        x,
    )


def _stores_in_branch_plain(x, y):
    z = x.copy()
    if x[0] < y[0]:
        z[1:] = y[:-1] * x[0]
    else:
        z[0] = np.sin(y[2])
    return z * x


@looped(_pair, plain=_stores_in_branch_plain, wrt=("x", "y"), scalar=False)
def stores_in_branches(x, y):
    """Each branch stores into an array of its own; the operand stays as it was."""

    def one(z):
        z = z * 1.0
        z[1:] = y[:-1] * x[0]
        return z

    def other(z):
        z = z * 1.0
        z[0] = np.sin(y[2])
        return z

    return gradc.cond(x[0] < y[0], one, other, x) * x


def _constant_branch_plain(x):
    return np.sum(x**2) * (x[0] if x[0] > 5 else 1.0)


@looped(lambda rng: (rng.normal(size=3),), plain=_constant_branch_plain, jax=True)
def branch_of_a_constant(x):
    """The branch that is taken depends on nothing."""
    return np.sum(x**2) * gradc.cond(x[0] > 5, lambda: x[0], lambda: 1.0)


def _loops_in_branches_plain(x, steps=4):
    if np.sum(x) < 0:
        for i in range(steps):
            x = x + 0.1 * i * np.sin(x)
    else:
        while np.sum(x**2) > 0.5:
            x = 0.7 * x
    return np.sum(x)


@looped(lambda rng: (-np.abs(rng.normal(size=4)),), plain=_loops_in_branches_plain, jax=True)
def loops_in_branches(x, steps=4):
    return np.sum(
        gradc.cond(
            np.sum(x) < 0,
            lambda x: gradc.fori_loop(0, steps, lambda i, x: x + 0.1 * i * np.sin(x), x),
            lambda x: gradc.while_loop(lambda x: np.sum(x**2) > 0.5, lambda x: 0.7 * x, x),
            x,
        )
    )


@looped(lambda rng: (np.abs(rng.normal(size=4)) + 0.5,), plain=_loops_in_branches_plain, jax=True)
def loops_in_the_other_branch(x, steps=4):
    """The same, with arguments that take the other branch."""
    return loops_in_branches(x, steps)


def _alternating_plain(x, w, steps=5):
    for i in range(steps):
        x = x * w if i % 2 == 0 else np.tanh(x)
    return x


@looped(_pair, plain=_alternating_plain, wrt=("x", "w"), scalar=False, jax=True)
def alternating(x, w, steps=5):
    """Which branch is taken depends on the index alone."""

    def body(i, x):
        return gradc.cond(i % 2 == 0, lambda x: x * w, lambda x: np.tanh(x), x)

    return gradc.fori_loop(0, steps, body, x)


def _nested_plain(x, w, steps=3):
    for i in range(steps):
        for j in range(4):
            x = np.sin(x) + 0.1 * w[i % 3] * w[j % 3] * j
    return x


@looped(_pair, plain=_nested_plain, wrt=("x", "w"), scalar=False, jax=True)
def nested_loops(x, w, steps=3):
    """The inner body reads both indices and an invariant of the outer function."""

    def outer(i, x):
        def inner(j, x):
            return np.sin(x) + 0.1 * w[i % 3] * w[j % 3] * j

        return gradc.fori_loop(0, 4, inner, x)

    return gradc.fori_loop(0, steps, outer, x)


def _triangle_plain(x, steps=4):
    total = 0.0
    for i in range(steps):
        for j in range(i):
            total = total + x[i % 3] * np.sin(x[j % 3] * total)
    return total + np.sum(x)


@looped(lambda rng: (rng.normal(size=3),), plain=_triangle_plain, jax=True, known=False)
def triangle(x, steps=4):
    """The inner loop runs as often as the outer index says, the first time not at all."""

    def outer(i, total):
        def inner(j, total):
            return total + x[i % 3] * np.sin(x[j % 3] * total)

        return gradc.fori_loop(0, i, inner, total)

    return gradc.fori_loop(0, steps, outer, 0.0 * x[0]) + np.sum(x)


def _while_in_for_plain(x, w, steps=3):
    for i in range(steps):
        while x * x < 4.0 + i:
            x = x * 1.5 + 0.1 * w
        x = x / 3
    return x


@looped(
    lambda rng: (np.array(0.4), np.array(0.9)), plain=_while_in_for_plain, wrt=("x", "w"), jax=True
)
def while_in_for(x, w, steps=3):
    def body(i, x):
        return gradc.while_loop(lambda x: x * x < 4.0 + i, lambda x: x * 1.5 + 0.1 * w, x) / 3

    return gradc.fori_loop(0, steps, body, x)


def _for_in_while_plain(x, w, steps=3):
    count = 0
    while np.max(np.abs(x)) < 10:
        for i in range(steps):
            x = x + w * np.abs(x) + 0.1 * i
        x, count = x + 1, count + 1
    return x * count


@looped(
    lambda rng: (rng.uniform(0.1, 1, size=3), np.array(0.3)),
    plain=_for_in_while_plain,
    wrt=("x", "w"),
    scalar=False,
    jax=True,
)
def for_in_while(x, w, steps=3):
    def body(carry):
        x, count = carry
        x = gradc.fori_loop(0, steps, lambda i, x: x + w * np.abs(x) + 0.1 * i, x)
        return x + 1, count + 1

    x, count = gradc.while_loop(lambda c: np.max(np.abs(c[0])) < 10, body, (x, 0))
    return x * count


def _never_plain(x):
    return np.sum(x * x) + np.sum(x)


@looped(lambda rng: (rng.uniform(1, 2, size=3),), plain=_never_plain, jax=True)
def while_never_true(x):
    """The body is compiled and never runs; the gradient passes the loop by."""
    y = gradc.while_loop(lambda y: np.sum(y) < 0, lambda y: np.sqrt(y) / 0.5, x)
    return np.sum(x * y) + np.sum(y)


def _scan_in_scan_plain(x, w):
    h, rows = np.zeros(2, x.dtype), []
    for block in x:
        for row in block:
            h = np.tanh(w * h + row)
        rows.append(h * block[0])
    return h, np.array(rows)


@looped(
    lambda rng: (rng.normal(size=(3, 4, 2)), rng.normal(size=2)),
    plain=_scan_in_scan_plain,
    wrt=("x", "w"),
    scalar=False,
    jax=True,
)
def scan_in_scan(x, w):
    """Blocks of rows: a batch of short sequences, one after the other."""

    def outer(h, block):
        h, _ = gradc.scan(lambda h, row: (np.tanh(w * h + row), None), h, block)
        return h, h * block[0]

    return gradc.scan(outer, np.zeros(2, x.dtype), x)


def _checkpointed_plain(x, w, steps=4):
    for _ in range(steps):
        x = np.tanh(w * np.sin(x)) + x
    return x


@looped(_pair, plain=_checkpointed_plain, wrt=("x", "w"), scalar=False, jax=True)
def checkpointed_body(x, w, steps=4):
    """Backward computes the inside of the body once more."""
    inside = gradc.checkpoint(lambda x, w: np.tanh(w * np.sin(x)) + x)
    return gradc.fori_loop(0, steps, lambda i, x: inside(x, w), x)


@looped(_pair, plain=_checkpointed_plain, wrt=("x", "w"), scalar=False)
def checkpointed_whole(x, w, steps=4):
    """A loop within what is computed once more; stores are no obstacle."""

    def body(i, x):
        x += np.tanh(w * np.sin(x))

    @gradc.checkpoint
    def run(x, w):
        return gradc.fori_loop(0, steps, body, x)

    return run(x, w)
