"""What follows a product is done with it, part by part: where it can be, and with the same bits."""

import numpy as np
import pytest
from gradc.compiler.backends.llvm import section

import gradc
from gradc import compile_grad
from gradc.nn import functional

from .test_inventory import program_of


def softmax(x):
    shifted = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return shifted / np.sum(shifted, axis=-1, keepdims=True)


def long(x):
    """More than one nest: the second one reads what the first one has turned."""
    for _ in range(50):
        x = np.sin(x) + 0.1
    return x


def twice(x, w):
    p = x @ w
    return p * np.sin(p), p


def stored(x, w, b):
    p = x @ w
    y = np.tanh(p)
    p[3] = b
    return y, p


# A product in rows, in columns, in rows and columns; of vectors; of a batch: by name the function,
# the shapes, and how many nests are done with products.
TALL, WIDE, BOTH = ((600, 50), (50, 40)), ((40, 50), (50, 3000)), ((600, 90), (90, 700))
BATCH, BATCHES = ((24, 40, 50), (24, 50, 40)), ((4, 6, 40, 50), (4, 6, 50, 40))
CASES = {
    "layer": (lambda x, w, b: np.tanh(x @ w + b), (*TALL, (40,)), 1),
    "layer, wide": (lambda x, w, b: np.tanh(x @ w + b), (*WIDE, (3000,)), 1),
    "layer, both": (lambda x, w, b: np.tanh(x @ w + b), (*BOTH, (700,)), 1),
    "by row": (lambda x, w, b: np.tanh(x @ w + b), (*TALL, (600, 1)), 1),
    "by row, both": (lambda x, w, b: np.tanh(x @ w + b), (*BOTH, (600, 1)), 1),
    "no bias": (lambda x, w: np.tanh(x @ w), WIDE, 1),
    "no bias, both": (lambda x, w: np.tanh(x @ w), BOTH, 1),
    "added": (lambda x, w, y: y + x @ w, (*BOTH, (600, 700)), 1),
    "number": (lambda x, w, a: a * (x @ w), (*TALL, ()), 1),
    "transposed": (lambda x, w: np.exp(x.T @ w.T), ((50, 300), (40, 50)), 1),
    "vector": (lambda x, w, b: np.tanh(x @ w + b), ((2000,), (2000, 300), (300,)), 1),
    "by vector": (lambda x, w, b: np.tanh(x @ w + b), ((6000, 200), (200,), (6000,)), 1),
    "one column": (lambda x, w, b: np.tanh(x @ w + b), ((3000, 200), (200, 1), (1,)), 1),
    "one row": (lambda x, w, b: np.tanh(x @ w + b), ((1, 2000), (2000, 300), (300,)), 1),
    "batch": (lambda x, w, b: np.tanh(x @ w + b), (*BATCH, (40,)), 1),
    "batches": (lambda x, w, b: np.tanh(x @ w + b), (*BATCHES, (6, 1, 40)), 1),
    "batch of one": (lambda x, w, b: np.tanh(x @ w + b), ((1, 300, 50), (1, 50, 40), (40,)), 1),
    "shared": (lambda x, w, b: np.tanh(x @ w + b), ((24, 40, 50), (50, 40), (40,)), 1),
    "small ones": (lambda x, w, b: np.tanh(x @ w + b), ((9, 299, 9, 9), (9, 299, 9, 9), (9,)), 0),
    "small, alike": (lambda x, w: np.tanh(x @ w), ((9, 299, 9, 9), (9, 299, 9, 9)), 1),
    "read twice": (twice, BOTH, 1),
    "stored to": (stored, (*TALL, (40,)), 0),
    "cast": (lambda x, w: np.tanh(x @ w).astype(np.float32), TALL, 1),
    "softmax": (lambda x, w: softmax(x @ w), ((3000, 50), (50, 40)), 3),
    "sums of rows": (lambda x, w: np.log(np.sum(np.exp(x @ w), axis=1)), TALL, 3),
    "sums of rows of a batch": (lambda x, w: np.log(np.sum(np.exp(x @ w), axis=2)), BATCH, 3),
    "softmax of a batch": (lambda x, w: softmax(x @ w * 0.1), BATCHES, 3),
    "softmax of columns": (lambda x, w: softmax((x @ w).T).T, WIDE, 3),
    "softmax of both": (lambda x, w: softmax(x @ w), BOTH, 0),
    "turned in a batch": (lambda x, w: np.tanh((x @ w).swapaxes(1, 2) + x @ w), BATCH, 1),
    "turned": (lambda x, w: np.tanh((x @ w).T), BOTH, 1),
    "backwards": (lambda x, w: np.tanh((x @ w)[::-1]), BOTH, 0),
    "moved": (lambda x, w: np.tanh((x @ w)[1:] + (x @ w)[:-1]), BOTH, 0),
    "turned, and long": (lambda x, w: long((x @ w).T), ((3000, 50), (50, 40)), 2),
    "turned twice": (lambda x, w: (np.tanh((x @ w).T), np.exp(np.tanh((x @ w).T).T)), TALL, 2),
    "half": (lambda x, w: np.tanh((x @ w)[:, ::2]), BOTH, 0),
    "chain": (lambda x, w: np.tanh(np.tanh(x @ w) @ w.T), BOTH, 2),
    "all of it": (lambda x, w: np.sum(x @ w), BOTH, 0),
    "joined": (lambda x, w, y: np.concatenate([np.tanh(x @ w), y]), (*TALL, (9, 40)), 0),
    "too small": (lambda x, w, b: np.tanh(x @ w + b), ((20, 30), (30, 20), (20,)), 0),
    "empty": (lambda x, w, b: np.tanh(x @ w + b), ((0, 30), (30, 20), (20,)), 0),
    "nothing summed": (lambda x, w, b: np.tanh(x @ w + b), ((30, 0), (0, 20), (20,)), 0),
}  # fmt: skip


def arguments(shapes, dtype="float64"):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) / 4 for shape in shapes]


def count(program):
    """Return how many nests are done with products."""
    return len(program.section.fusion.places)


def alone(monkeypatch):
    """Do each nest by itself from now on."""
    monkeypatch.setattr(section, "division_of", lambda *_: None)
    monkeypatch.setattr(section, "division_of_images", lambda *_: None)


def same_in_threads(function, *given):
    """Return what a compiled function gives, with any number of threads."""
    before = gradc.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            gradc.set_num_threads(threads)
            results.append(leaves(function(*given)))
    finally:
        gradc.set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
    return results[0]


def leaves(results):
    return (
        [one for part in results for one in leaves(part)] if type(results) is tuple else [results]
    )


FLOATS = ("layer", "layer, both", "batches", "softmax", "added", "by vector")  # of 32 bits too


@pytest.mark.parametrize(
    ("case", "dtype"),
    [*((case, "float64") for case in CASES), *((case, "float32") for case in FLOATS)],
)
def test_same_bits_as_one_after_the_other(case, dtype, monkeypatch):
    function, shapes, fused = CASES[case]
    given = arguments(shapes, dtype)
    short = {"float32": "f4", "float64": "f8"}[dtype]
    specs = [f"{short}[{','.join(map(str, shape))}]" for shape in shapes]
    assert count(program_of(function, *specs)) == fused
    found = same_in_threads(compile_grad(function, backend="llvm"), *given)
    alone(monkeypatch)
    assert count(program_of(function, *specs)) == 0
    apart = leaves(compile_grad(function, backend="llvm")(*given))
    for one, other, exact in zip(found, apart, leaves(function(*given)), strict=True):
        np.testing.assert_array_equal(one, other)
        # Sums of up to 2000 products around 1/16, and what follows does not magnify their errors.
        np.testing.assert_allclose(one, exact, rtol=0, atol=300 * np.finfo(one.dtype).eps)


def loss_of_layers(w, v, b, x):
    hidden = np.tanh(x @ w + b)
    return np.mean(np.square(hidden @ v))


def loss_of_attention(q, k, v):
    return np.sum((softmax(q @ k.swapaxes(-1, -2) / 7.0) @ v) ** 2)


def loss_of_images(image, kernels, bias):
    return np.mean(
        functional.max_pool2d(functional.relu(functional.conv2d(image, kernels, bias)), 2)
    )


def recurrent(x, w):
    """What a step carries on could lie where it was carried, but the product reads all of that."""
    return gradc.fori_loop(0, 3, lambda i, h: np.tanh(h @ w) + 0.5 * h, x)


def residual(x, w):
    """The sum could be written over ``h``, of which the product reads all, part by part."""
    h = np.sin(x) + np.sort(x, axis=0)
    return np.sort(h + np.tanh(h @ w), axis=1)


def replaced_twice(x, w):
    """A fold reads the product too, and is done with it, before something is written over that."""
    p = x @ w
    return (p - np.max(p, axis=1, keepdims=True)) * 0.5


@pytest.mark.parametrize("function", [recurrent, residual, replaced_twice])
@pytest.mark.parametrize("rows", [90, 700])
def test_nothing_is_written_over_what_another_part_reads(function, rows, monkeypatch):
    given = arguments(((rows, 90), (90, 90)))
    found = same_in_threads(compile_grad(function, backend="llvm"), *given)
    expected = compile_grad(function, backend="numpy")(*given)
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-13)
    alone(monkeypatch)
    np.testing.assert_array_equal(found[0], compile_grad(function, backend="llvm")(*given))


LOSSES = {
    "layers": (loss_of_layers, ((50, 40), (40, 30), (40,), (300, 50)), 1),
    "layers, both": (loss_of_layers, ((90, 700), (700, 30), (700,), (600, 90)), 1),
    "attention": (loss_of_attention, ((4, 6, 50, 30),) * 3, 5),
    "images": (loss_of_images, ((40, 3, 16, 16), (8, 3, 3, 3), (8,)), 1),
}


@pytest.mark.parametrize("case", LOSSES)
def test_gradients(case):
    """What belongs to the derivative is done with a product too: five nests of attention are."""
    function, shapes, fused = LOSSES[case]
    given = arguments(shapes)
    wrt = tuple(range(len(shapes)))
    specs = [f"f8[{','.join(map(str, shape))}]" for shape in shapes]
    assert count(program_of(function, *specs, wrt=wrt)) >= fused
    found = same_in_threads(compile_grad(function, wrt=wrt, backend="llvm").value_and_grad, *given)
    expected = compile_grad(function, wrt=wrt, backend="numpy").value_and_grad(*given)
    for one, other in zip(found, leaves(expected), strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize(("groups", "fused"), [(1, 1), (2, 0)])
def test_images(groups, fused, monkeypatch):
    """Parts are whole images; the channels of a group are none."""

    def layer(image, kernels, bias):
        return functional.relu(functional.conv2d(image, kernels, bias, padding=1, groups=groups))

    shapes = (9, 4, 16, 16), (6, 4 // groups, 3, 3), (6,)
    assert count(program_of(layer, *(f"f8[{','.join(map(str, one))}]" for one in shapes))) == fused
    given = arguments(shapes)
    found = same_in_threads(compile_grad(layer, backend="llvm"), *given)
    alone(monkeypatch)
    np.testing.assert_array_equal(found[0], compile_grad(layer, backend="llvm")(*given))


def test_a_product_that_is_replaced_has_no_memory_of_its_own():
    """It is written where what replaces it belongs; what another step reads has its own."""
    one = program_of(lambda x, w, b: np.tanh(x @ w + b), "f8[300,50]", "f8[50,40]", "f8[40]")
    assert one.contents().blocks == ()
    chained = program_of(lambda x, w: softmax(x @ w) @ w.T, "f8[3000,50]", "f8[50,40]")
    sizes = [block.nbytes for block in chained.contents().blocks]
    assert sizes.count(3000 * 40 * 8) == 1
    kept = program_of(
        lambda x, w: np.sum(np.tanh(x @ w) * (x @ w)[::-1]), "f8[300,50]", "f8[50,40]"
    )
    sizes = [block.nbytes for block in kept.contents().blocks]
    assert sizes.count(300 * 40 * 8) >= 2


def test_places_that_are_computed():
    """Those that are checked by another step are there when the product begins."""
    x, w, table = arguments(((600, 50), (50, 40), (9, 40)))
    rows = np.arange(600) % 9

    def chosen(x, w, table, rows):
        return np.tanh(x @ w + table[rows])

    def of_the_product(x, w, table, rows):
        p = x @ w
        return np.tanh(p + p[rows])

    for function in (chosen, of_the_product):
        (found,) = same_in_threads(compile_grad(function, backend="llvm"), x, w, table, rows)
        np.testing.assert_allclose(found, function(x, w, table, rows), rtol=0, atol=1e-13)


def test_a_small_result_of_a_large_product_is_read_when_it_is_there():
    """It is divided among threads, and then kept in registers, where nests take it from."""
    x = np.ones((4, 1, 150_000))
    function = compile_grad(lambda x, y: (x @ x.swapaxes(1, 2)) * y, backend="llvm")
    (found,) = same_in_threads(function, x, np.full((4, 30, 3), 2.0))
    assert (found == 300_000).all()


def test_a_fused_step_is_one_item_with_the_lines_of_both():
    program = program_of(lambda x, w, b: np.tanh(x @ w + b), "f8[300,50]", "f8[50,40]", "f8[40]")
    (item,) = program.items()
    assert item.what == "product 300x40x50 float64, map"
    assert item.operations == 2 * 300 * 40 * 50 + 2 * 300 * 40
    assert item.read == 8 * (300 * 50 + 50 * 40 + 40)
    assert item.written == 8 * 300 * 40
    assert item.chunks > 1


def test_layers_that_are_alike_share_their_kernel():
    def network(x, w):
        for _ in range(3):
            x = np.tanh(x @ w)
        return x

    program = program_of(network, "f8[300,60]", "f8[60,60]")
    assert count(program) == 3
    names = [one.name for one in program.function.module.functions if ".nest." in one.name]
    assert len([name for name in names if not name.endswith("task")]) == 1


def test_nests_far_behind_stay_there():
    """Their results would take memory meanwhile."""

    def late(x, w):
        p = x @ w
        q = p
        for _ in range(4):
            q = np.sort(q @ (w.T @ w), axis=0)
        return np.tanh(p) + 0 * np.sum(q)

    assert count(program_of(late, "f8[300,40]", "f8[40,40]")) == 0
