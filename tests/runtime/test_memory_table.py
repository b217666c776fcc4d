"""`inspect(what="memory")`: a table that a person can read."""

import numpy as np
import pytest
from gradc.runtime.memory_table import size

import gradc
from gradc import compile_grad


def line(table, start, after=""):
    """Return the first line that begins so, split into words, behind a heading."""
    rest = table.partition(after)[2] if after else table
    return next(one for one in rest.splitlines() if one.strip().startswith(start)).split()


@compile_grad
def recurrent(w, x):
    def body(i, h):
        return np.tanh(h @ w + x[i])

    h = gradc.fori_loop(0, 100, body, np.zeros((10, 10)))
    return np.sum(h * h)


W, X = np.eye(10), np.ones((100, 10, 10))


def test_table_is_a_part():
    assert recurrent.inspect(W, X, what="memory") == recurrent.lower(W, X).memory
    for title in ("value and gradient", "vjp: the value", "vjp: the pullback"):
        assert title in recurrent.lower(W, X).memory


def test_records_are_listed_with_their_rows():
    """Name, rows and bytes of one, all together, and the user's line."""
    table = recurrent.inspect(W, X, what="memory")
    words = line(table, "h_saved", "saved for backward")
    assert words[:7] == ["h_saved", "100", "x", "800", "bytes", "80.0", "kB"]
    assert words[7].startswith("test_memory_table.py:")


def test_unknown_numbers_of_iterations_have_names():
    loop = compile_grad(lambda x, n: np.sum(gradc.fori_loop(0, n, lambda i, y: np.sin(y), x)))
    table = loop.inspect(np.ones(3), np.array(5), what="memory")
    assert "trips1 x 24 bytes" in table


def test_growing_records_are_said_to_be_bounds():
    def halved(x):
        return gradc.while_loop(lambda y: np.max(y) > 1e-3, lambda y: np.sin(y) * 0.5, x)

    table = compile_grad(lambda x: np.sum(halved(x))).inspect(np.ones(3), what="memory")
    assert "at most" in table


def test_what_is_computed_again_is_a_fraction_of_forward():
    loop = compile_grad(
        lambda x: np.sum(gradc.fori_loop(0, 100, lambda i, y: np.sin(np.exp(-y)), x, every=10))
    )
    words = " ".join(line(loop.inspect(np.ones(50), what="memory"), "loop at", "computed again"))
    assert "10 times" in words
    share = float(words.split(" of forward")[0].split()[-1])
    assert 0.9 < share < 1.1  # every iteration once more


def test_blocks_are_counted_together():
    layer = gradc.checkpoint(lambda x: np.sin(np.exp(x) * x))

    def program(x):
        for _ in range(3):
            x = layer(x)
        return np.sum(x)

    table = compile_grad(program).inspect(np.ones(50), what="memory")
    assert "3 times" in " ".join(line(table, "block at", "computed again"))


def test_copies_before_stores_are_named():
    def stored(x):
        y = np.exp(x)
        z = y.copy()
        z[0] = 1.0
        return np.sum(y * z)

    table = compile_grad(stored).inspect(np.ones(500), what="memory")
    assert "an array is copied before the store at test_memory_table.py:" in table


def test_function_without_one_number_has_the_programs_of_vjp():
    table = compile_grad(lambda x: np.exp(x)).inspect(np.ones(5), what="memory")
    assert "value and gradient" not in table
    assert "saved for the pullback" in table


def test_nothing_saved_is_nothing_listed():
    table = compile_grad(lambda x: np.sum(x * 2.0)).inspect(np.ones(5), what="memory")
    assert "saved" not in table.replace("beside what was saved", "")
    assert "again" not in table


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (32768, "32.8 kB"),
        (655360, "655 kB"),
        (6_553_600, "6.55 MB"),
        (2 * 10**9, "2.00 GB"),
    ],
)
def test_sizes(nbytes, text):
    assert size(nbytes) == text
