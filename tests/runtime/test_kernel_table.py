"""`inspect(what="kernels")`: what native code consists of, with the user's lines and times."""

import re

import numpy as np
import pytest

import gradc
from gradc import GradcError, compile_grad

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@compile_grad(backend="llvm", wrt=("w", "b"))
def layer(w, b, x):
    h = np.tanh(x @ w + b)
    return np.mean(np.sum(h * h, axis=1))


RNG = np.random.default_rng(0)
ARGS = RNG.normal(size=(96, 64)), RNG.normal(size=64), RNG.normal(size=(128, 96))


def row_of(table, start):
    """Return the first row that begins so, split where there are two spaces."""
    found = next(one for one in table.splitlines() if one.strip().startswith(start))
    return re.split(r"  +", found.strip())


def seconds(text):
    """Read a time as the table writes it."""
    number, unit = text.split()
    return float(number) * UNITS[unit]


def test_each_kernel_says_what_it_is_and_computes():
    """A product's operations and bytes are known by its shape; every byte is counted once."""
    table = layer.inspect(*ARGS, what="kernels")
    what, operations, read, written, *_ = row_of(table, "product")
    assert what == "product 128x64x96 float64, map, fold over axis 1"
    assert operations == "1.65 M"  # 2 * 128 * 64 * 96, and 9 for each element of the result
    assert read == "148 kB"  # (128 * 96 + 96 * 64 + 64) * 8
    assert written == "66.6 kB"  # (128 * 64 + 128) * 8
    what, operations, read, written, *_ = row_of(table, "product 96x")
    assert what == "product 96x64x128 float64"
    assert operations == "1.57 M"
    assert read == "164 kB"  # (96 * 128 + 128 * 64) * 8
    assert written == "49.2 kB"
    assert "fold over axis 0 (128, 64) float64" in table


def test_the_users_lines_stand_below_their_kernels():
    """With their text, and whether they are there for the derivative."""
    table = layer.inspect(*ARGS, what="kernels").splitlines()
    place = next(i for i, one in enumerate(table) if one.strip().startswith("product"))
    first = layer.__wrapped__.__code__.co_firstlineno
    assert table[place + 1].strip() == (
        f"test_kernel_table.py:{first + 2}, forward and backward: h = np.tanh(x @ w + b)"
    )
    assert any(", backward: h = np.tanh(x @ w + b)" in one for one in table)


def test_times_add_up_to_what_a_call_takes():
    """Within a wide margin: other programs run on the machine too."""
    table = layer.inspect(*ARGS, what="kernels")
    measured = re.findall(r"([\d.]+ \w+)  +\d+ %", table)
    together = seconds(row_of(table, "together")[1])
    assert sum(map(seconds, measured)) == pytest.approx(together, rel=0.05, abs=1e-6)
    call = seconds(row_of(table, "a call from Python")[1])
    assert 0.3 * together < call < 3 * together + 20e-6


def test_a_spec_gives_a_table_without_times():
    specs = gradc.spec("f8[96,64]"), gradc.spec("f8[64]"), gradc.spec("f8[128,96]")
    table = layer.inspect(*specs, what="kernels")
    assert "product 128x64x96" in table
    assert "predicted" in table
    assert "measured" not in table
    assert "together" not in table


def test_bodies_of_loops_are_indented():
    """The row of the loop is all its iterations; below it stands one of them."""

    @compile_grad(backend="llvm")
    def loss(w):
        return np.sum(gradc.fori_loop(0, 25, lambda i, h: np.tanh(h @ w), np.ones((32, 32))))

    table = loss.inspect(np.eye(32), what="kernels")
    what, operations, *_ = row_of(table, "loop")
    assert what == "loop, 25 times"
    below = table.partition("  loop, 25 times")[2].partition("\n  loop")[0]
    inside = re.findall(r"^    (\w+) .*?  +([\d.]+) k  ", below, re.MULTILINE)
    assert inside[0] == ("product", "65.5")  # 2 * 32**3
    each = sum(float(thousands) for _, thousands in inside)
    assert float(operations.split()[0]) == pytest.approx(25 * each / 1000, rel=0.01)


def test_loops_whose_length_is_not_known_have_no_totals():
    @compile_grad(backend="llvm")
    def loss(x, n):
        return np.sum(gradc.fori_loop(0, n, lambda i, h: np.sin(h), x))

    table = loss.inspect(np.ones(100), 5, what="kernels")
    what, operations, *_ = row_of(table, "loop")
    assert (what, operations) == ("loop", "?")


def test_alike_kernels_that_follow_each_other_share_a_row():
    """An unrolled program is as short as a person wants it."""

    @compile_grad(backend="llvm")
    def loss(x):
        for _ in range(40):
            x = x[::-1] @ np.eye(30)
        return np.sum(x)

    assert "times product" in loss.inspect(np.ones(30), what="kernels")


def test_calls_back_into_numpy_are_named():
    """In the table and in the log, with the line."""

    @compile_grad(backend="llvm")
    def loss(x):
        return np.sum(np.sort(x) ** 2)

    assert "call numpy.sort" in loss.inspect(np.ones(30), what="kernels")
    log = loss.inspect(np.ones(30), what="log")
    line = loss.__wrapped__.__code__.co_firstlineno + 2
    assert re.search(rf"loss_value_and_grad calls back numpy\.sort at \S+:{line} in loss", log)


def test_what_calls_the_users_python_runs_once():
    seen = []

    @compile_grad(backend="llvm")
    def loss(x):
        gradc.debug.callback(seen.append, x[0])
        return np.sum(x * x)

    table = loss.inspect(np.ones(30), what="kernels")
    assert len(seen) == 1
    assert "a call from Python" not in table


def test_arguments_stay_as_they_are():
    """Although the function changes one: nothing is written back."""

    @compile_grad(backend="llvm")
    def loss(x):
        x *= 2.0
        return np.sum(x)

    x = np.ones(30)
    loss.inspect(x, what="kernels")
    assert np.array_equal(x, np.ones(30))


def test_an_output_that_is_no_number_has_two_programs():
    """That of the value, and that of the pullback, run with ones."""
    table = compile_grad(lambda x: np.tanh(x), backend="llvm").inspect(np.ones(64), what="kernels")
    value, pullback = table.split("vjp: the pullback")
    assert "map (64,) float64" in value
    assert "map (64,) float64" in pullback
    assert pullback.count("together") == 1


def test_nothing_to_do_is_a_table_too():
    """Zero-size arrays, and results that are arguments."""
    compiled = compile_grad(lambda x: np.sum(x), backend="llvm")
    assert "value and gradient" in compiled.inspect(np.zeros((0, 3)), what="kernels")
    assert "together" in compile_grad(lambda x: x, backend="llvm").inspect(2.0, what="kernels")


@pytest.mark.parametrize("what", ["kernels", "llvm", "unoptimised", "asm"])
def test_functions_without_native_code_say_what_to_do(what):
    with pytest.raises(GradcError, match=r'say compile_grad\(backend="llvm"\)'):
        compile_grad(np.sum, backend="numpy").inspect(np.ones(3), what=what)


def test_programs_that_run_as_numpy_say_why():
    compiled = compile_grad(lambda x: np.sum(x * x), backend="llvm")
    with pytest.raises(GradcError, match="sizes are known at run time only"):
        compiled.inspect(gradc.spec("f8[n]"), what="asm")


def test_texts_of_native_code():
    """LLVM's text before and after its passes, and the machine code."""
    lowered = layer.lower(*ARGS)
    assert "define" in lowered.unoptimised
    assert "target triple" in lowered.llvm
    assert "\t.text" in lowered.asm
    for what in ("llvm", "unoptimised", "asm"):
        assert layer.inspect(*ARGS, what=what) == getattr(lowered, what)
