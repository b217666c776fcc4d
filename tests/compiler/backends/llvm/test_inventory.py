"""What a program consists of: every step of a plan is in the inventory, with what it computes."""

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.costs import operations
from gradc.compiler.backends.llvm.inventory import title
from gradc.compiler.backends.llvm.program import Program
from gradc.compiler.backends.llvm.target import Target
from gradc.compiler.pipeline import Log, lower_native

from gradc import compile_grad, spec
from gradc.nn import functional


def program_of(function, *specs, wrt=0):
    """Return the program for value and gradient, or for the value of no single number."""
    compiled = compile_grad(function, wrt=wrt, backend="numpy")
    made = compiled.lower(*map(spec, specs))._made
    graph = made.joint(seeded=True) if made.is_scalar else made.graph
    graph = lower_native(graph, Log())
    return Program(graph, ir.Module("gradc"), "run", Target.host(), 2)


def product(x, y):
    return np.matmul(x, y)  # np.matmul itself has no signature before NumPy 2.4


def test_items_cover_all_steps_in_order():
    program = program_of(lambda x: np.sum(np.sort(np.tanh(x @ x)) ** 2), "f8[40,40]")
    items = program.items()
    starts = [item.start for item in items]
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    assert [item.what for item in items].count("call numpy.sort") == 1


def test_every_captured_operation_is_counted():
    """An elementwise operation once for each element, wherever it is computed."""
    (item,) = program_of(lambda x: np.exp(x) * 2.0 + 1.0, "f8[1000]").items()
    assert item.what == "map (1000,) float64"
    assert (item.operations, item.read, item.written) == (3000, 8000, 8000)


def test_a_view_is_read_as_far_as_it_shows():
    """And something that is broadcast once, though it is used at each point."""
    (item,) = program_of(lambda x, y: x[::4, :100] + y, "f8[80,400]", "f8[100]").items()
    assert item.read == 20 * 100 * 8 + 100 * 8
    (item,) = program_of(lambda x: x[3] * 2.0, "f8[80,400]").items()
    assert item.read == 400 * 8


@pytest.mark.parametrize(
    ("function", "shapes", "what", "count"),
    [
        (product, ("f4[30,50]", "f4[50,40]"), "product 30x40x50 float32", 2 * 30 * 40 * 50),
        (product, ("f8[50]", "f8[50,40]"), "product 1x40x50 float64", 2 * 40 * 50),
        (
            product,
            ("f8[7,30,50]", "f8[7,50,40]"),
            "product 7 x 30x40x50 float64",
            2 * 7 * 30 * 40 * 50,
        ),
        (
            lambda x, k: functional.conv2d(x, k),
            ("f4[2,3,8,8]", "f4[5,3,3,3]"),
            "convolution (2, 5, 6, 6) float32",
            2 * 2 * 5 * 36 * 27,
        ),
        (
            lambda x: functional.max_pool2d(x, 2),
            ("f4[2,3,8,8]",),
            "maximum of windows (2, 3, 4, 4) float32",
            2 * 3 * 16 * 4,
        ),
    ],
)
def test_products_and_windows_have_the_operations_of_their_formulas(function, shapes, what, count):
    item = program_of(function, *shapes).items()[0]
    assert (item.what, item.operations) == (what, count)


def test_gradients_of_convolutions_cost_what_these_do():
    """Each of them multiplies the same pairs."""
    shapes = "f4[2,3,8,8]", "f4[5,3,3,3]"
    program = program_of(lambda x, k: np.sum(functional.conv2d(x, k) ** 2), *shapes, wrt=(0, 1))
    found = [one for one in program.items() if "gradient" in one.what or "convol" in one.what]
    assert [one.operations for one in found] == [2 * 2 * 5 * 36 * 27] * 3


def test_a_store_in_place_writes_its_part_only():
    def function(x, y):
        x = x * 2.0
        x[5] = y
        return x

    items = program_of(function, "f8[400,300]", "f8[300]").items()
    stores = [one for one in items if one.what.startswith("update")]
    assert [(one.read, one.written) for one in stores] == [(2400, 2400)]


def test_names_of_what_is_called():
    graph = program_of(lambda x: np.sum(np.sort(x) ** 3.5), "f8[40]").section.graph
    called = [node for node in graph.nodes if title(node).startswith("call")]
    assert [title(node) for node in called] == ["call numpy.sort", "call numpy.argsort"]
    assert [operations(node) for node in called] == [0, 0]


def test_a_clock_changes_no_result():
    """The program with a clock computes the same, to the bit."""
    compiled = compile_grad(lambda x: np.sum(np.tanh(x @ x)), backend="llvm")
    x = np.random.default_rng(0).normal(size=(40, 40))
    program = compiled.lower(x)._made.executable("value_and_grad").program
    expected, timed = program.run(x), program.timed()
    for _ in range(2):
        took = timed.run(x)
        assert all(one >= 0 for one in took)
    for one, other in zip(timed.program.run(x), expected, strict=True):
        assert np.array_equal(one, other)
