"""What a gradient is where the function has none: kinks, ties, zeros, infinities, doubled places.

The conventions are PyTorch's (semantics.md, row 27); where PyTorch is installed it has its say.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.passes.dce import dce
from gradc.compiler.primitive import REGISTRY
from gradc.compiler.primitives.selection import Gather, Mask, Slice
from gradc.compiler.types import type_of

from .cases import EXECUTORS, joint_of, one_node, second_of

inf, nan = np.inf, np.nan


def gradients(name: str, operands: Any, *, ct: Any = None, wrt: Any = None, **attrs: Any) -> Any:
    """Return (out, *gradients) of a primitive; the cotangent is 1 everywhere if not given."""
    arrays = [np.asarray(one) for one in operands]
    wanted = wrt or [i for i, array in enumerate(arrays) if array.dtype.kind == "f"]
    joint = dce(joint_of(one_node(REGISTRY[name], [type_of(a) for a in arrays], attrs), wanted))
    ct = np.ones(joint.params[-1].shape) if ct is None else np.asarray(ct, float)
    found = [executor(joint)(*arrays, ct) for executor in EXECUTORS.values()]
    for other in found[1:]:
        for one, another in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, another, rtol=1e-13)
    return found[0]


def torch_gradients(function: Callable[..., Any], operands: Any) -> list[Any]:
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in operands]
    function(torch, *tensors).sum().backward()
    return [tensor.grad.numpy() for tensor in tensors]


ALL = {"axes": (0,), "keepdims": False}
POWERS = ([0.0, 0.0, 0.0, 0.0, -2.0, 2.0, 0.0, 1.0], [0.0, 2.0, 1.0, 0.5, 3.0, 0.0, -1.0, 0.0])

# name, operands, attrs, the gradient of each operand, the same in PyTorch.
AT_KINKS = [
    ("absolute", [[0.0, -0.0]], {}, [[0, 0]], lambda torch, x: x.abs()),
    ("sign", [[0.0, 2.0]], {}, [[0, 0]], lambda torch, x: x.sign()),
    ("floor", [[1.0]], {}, [[0]], lambda torch, x: x.floor()),
    ("sqrt", [[0.0]], {}, [[inf]], lambda torch, x: x.sqrt()),
    (
        "maximum",
        [[1.0, 2.0, 0.0], [1.0, 0.0, 2.0]],
        {},
        [[0.5, 1, 0], [0.5, 0, 1]],
        lambda torch, x, y: torch.maximum(x, y),
    ),
    (
        "minimum",
        [[1.0, 2.0, 0.0], [1.0, 0.0, 2.0]],
        {},
        [[0.5, 0, 1], [0.5, 1, 0]],
        lambda torch, x, y: torch.minimum(x, y),
    ),
    ("max", [[2.0, 5.0, 5.0]], ALL, [[0, 0.5, 0.5]], lambda torch, x: x.max()),
    ("min", [[2.0, 2.0, 5.0, 2.0]], ALL, [[1 / 3, 1 / 3, 0, 1 / 3]], lambda torch, x: x.amin()),
    ("std", [[3.0, 3.0]], {**ALL, "ddof": 0}, [[0, 0]], lambda torch, x: x.std(correction=0)),
    ("hypot", [[0.0], [0.0]], {}, [[0], [0]], lambda torch, x, y: torch.stack([x, y]).norm()),
    (
        "power",
        POWERS,
        {},
        [[0, 0, 1, inf, 12, 0, -inf, 0], [0, 0, 0, 0, nan, np.log(2), -inf, 0]],
        lambda torch, x, y: x**y,
    ),
    ("prod", [[2.0, 0.0, 3.0]], ALL, [[0, 6, 0]], lambda torch, x: x.prod()),
    ("prod", [[2.0, 0.0, 0.0]], ALL, [[0, 0, 0]], lambda torch, x: x.prod()),
    ("norm", [[0.0, 0.0]], ALL, [[0, 0]], lambda torch, x: x.norm()),
    ("cumprod", [[2.0, 0.0, 3.0]], {"axis": 0}, [[1, 8, 0]], lambda torch, x: x.cumprod(0)),
    ("cumprod", [[0.0, 0.0, 3.0]], {"axis": 0}, [[1, 0, 0]], lambda torch, x: x.cumprod(0)),
    (
        "cummax",
        [[1.0, 3.0, 3.0, 2.0]],
        {"axis": 0},
        [[1, 1, 2, 0]],
        lambda torch, x: x.cummax(0).values,
    ),
    (
        "cummin",
        [[3.0, 1.0, 1.0, 2.0]],
        {"axis": 0},
        [[1, 1, 2, 0]],
        lambda torch, x: x.cummin(0).values,
    ),
    (
        "log_sigmoid",
        [[-800.0, 0.0, 800.0]],
        {},
        [[1, 0.5, 0]],
        lambda torch, x: torch.nn.functional.logsigmoid(x),
    ),
    ("sigmoid", [[-800.0, 0.0, 800.0]], {}, [[0, 0.25, 0]], lambda torch, x: x.sigmoid()),
    ("expit", [[-800.0, 0.0, 800.0]], {}, [[0, 0.25, 0]], lambda torch, x: x.sigmoid()),
    ("tanh", [[-800.0, 800.0]], {}, [[0, 0]], lambda torch, x: x.tanh()),
    ("logaddexp", [[800.0], [-800.0]], {}, [[1], [0]], lambda torch, *both: torch.logaddexp(*both)),
    ("logaddexp", [[inf], [0.0]], {}, [[1], [0]], lambda torch, *both: torch.logaddexp(*both)),
    (
        "fmax",
        [[1.0, nan, 1.0, 2.0], [1.0, 1.0, nan, 3.0]],
        {},
        [[1, 0, 1, 0], [0, 1, 0, 1]],
        lambda torch, *both: torch.fmax(*both),
    ),
    (
        "fmin",
        [[1.0, nan, 1.0, 2.0], [1.0, 1.0, nan, 3.0]],
        {},
        [[1, 0, 1, 1], [0, 1, 0, 0]],
        lambda torch, *both: torch.fmin(*both),
    ),
    (
        "copysign",
        [[0.0, 2.0, -2.0], [1.0, -1.0, -1.0]],
        {},
        [[0, -1, 1], [0, 0, 0]],
        lambda torch, *both: torch.copysign(*both),
    ),
    ("sinc", [[0.0]], {}, [[0]], lambda torch, x: x.sinc()),
    ("erfinv", [[0.0, 1.0]], {}, [[np.sqrt(np.pi) / 2, inf]], lambda torch, x: x.erfinv()),
    ("entr", [[0.0, 1.0]], {}, [[inf, -1]], lambda torch, x: torch.special.entr(x)),
    ("i1", [[0.0]], {}, [[0.5]], lambda torch, x: torch.special.i1(x)),
    (
        "softmax",
        [[800.0, -inf, -800.0]],
        {"axes": (0,)},
        [[0, 0, 0]],
        lambda torch, x: x.softmax(0),
    ),
    (
        "logsumexp",
        [[800.0, -inf, 800.0]],
        ALL,
        [[0.5, 0, 0.5]],
        lambda torch, x: x.logsumexp(0),
    ),
]


@pytest.mark.parametrize(
    ("name", "operands", "attrs", "expected", "torch_function"),
    AT_KINKS,
    ids=[f"{row[0]}-{number}" for number, row in enumerate(AT_KINKS)],
)
def test_gradient_at_a_kink(
    name: str, operands: Any, attrs: Any, expected: Any, torch_function: Any
) -> None:
    """The stated gradient, which is PyTorch's."""
    with np.errstate(all="ignore"):  # infinities and NaN are the answer
        _, *found = gradients(name, operands, **attrs)
    for one, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-13)  # exp(x - 800.7) rounds like 800.7
    for one, wanted in zip(found, torch_gradients(torch_function, operands), strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-13)


def second_derivatives(name: str, operands: Any, **attrs: Any) -> Any:
    """Return d^2/(d operand i, d operand j) of a primitive of scalars, as a matrix."""
    graph = one_node(REGISTRY[name], [type_of(np.asarray(one)) for one in operands], attrs)
    wanted = list(range(len(operands)))
    second = second_of(joint_of(graph, wanted), wanted)
    rows = []
    for i in wanted:
        weights = [float(i == j) for j in wanted]
        rows.append(evaluate(second, *operands, 1.0, *weights)[-len(wanted) - 1 : -1])
    return np.array(rows)


@pytest.mark.parametrize("x", [0.5, 3.0])
@pytest.mark.parametrize("y", [0.0, 1.0, 2.0, -1.0])
def test_second_derivatives_of_power_at_special_exponents(x: float, y: float) -> None:
    """The care taken for x = 0 must not touch the derivatives elsewhere, d^2/dxdy at y = 0 too."""
    log = np.log(x)
    mixed = x ** (y - 1) * (1 + y * log)
    expected = [[y * (y - 1) * x ** (y - 2), mixed], [mixed, x**y * log * log]]
    np.testing.assert_allclose(second_derivatives("power", (x, y)), expected, rtol=1e-14)


@pytest.mark.parametrize(("exponent", "expected"), [(0.0, 0.0), (1.0, 0.0), (2.0, 2.0), (3.0, 0.0)])
def test_second_derivative_of_a_power_of_zero(exponent: float, expected: float) -> None:
    """x^2 is a parabola at 0 as anywhere; no 0 x infinity from the general formula."""
    with np.errstate(all="ignore"):  # other entries of the matrix are infinite
        assert second_derivatives("power", (0.0, exponent))[0, 0] == expected


def test_second_derivative_of_std_of_equal_elements() -> None:
    """0 like the first one, as in PyTorch, and not 0 / 0."""
    attrs = {**ALL, "ddof": 0}
    second = second_of(joint_of(one_node(REGISTRY["std"], [type_of(np.ones(2))], attrs), [0]), [0])
    found = evaluate(second, np.ones(2), np.float64(1), np.array([1.0, -1.0]))[-2:]
    np.testing.assert_array_equal(found[0], [0, 0])
    assert found[1] == 0


@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0, 4.0], [2.0, 0.0, 0.0, 4.0], [1.0, 2.0, 3.0, 4.0]])
def test_second_derivatives_of_a_product_with_zeros(x: list[float]) -> None:
    """d^2 prod / (dx_i dx_j) is the product of all others, whatever is zero."""
    graph = one_node(REGISTRY["prod"], [type_of(np.array(x))], ALL)
    second = second_of(joint_of(graph, [0]), [0])
    found = [evaluate(second, np.array(x), np.float64(1), unit)[-2] for unit in np.eye(4)]
    expected = [
        [0.0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    torch = pytest.importorskip("torch")
    hessian = torch.autograd.functional.hessian(torch.prod, torch.tensor(x, dtype=torch.float64))
    np.testing.assert_allclose(found, hessian.numpy(), rtol=1e-15)


def test_log_sigmoid_stays_finite() -> None:
    """log(sigmoid(-800)) is -800, where the formula as it is written gives -inf; no warning."""
    out, gradient = gradients("log_sigmoid", [[-800.0, 800.0]])
    np.testing.assert_array_equal(out, [-800.0, 0.0])
    np.testing.assert_array_equal(gradient, [1.0, 0.0])


@pytest.mark.parametrize(
    ("x", "expected"), [([-inf, -inf], -inf), ([inf, 0.0], inf), ([-inf, 3.0], 3.0)]
)
def test_logsumexp_of_infinities(x: list[float], expected: float) -> None:
    """No shift by an infinite maximum: inf - inf would make NaN of a value that exists."""
    with np.errstate(divide="ignore", invalid="ignore"):
        assert gradients("logsumexp", [x], **ALL)[0] == expected


def test_expit_is_sigmoid_without_overflow() -> None:
    """Equal to 1 ulp or so where both are finite, and silent where exp(-x) overflows."""
    x = np.linspace(-700, 700, 1001)
    np.testing.assert_allclose(REGISTRY["expit"](x), REGISTRY["sigmoid"](x), rtol=1e-15)
    np.testing.assert_array_equal(REGISTRY["expit"](np.array([-800.0, 800.0])), [0, 1])


def test_place_read_twice_gets_both_gradients() -> None:
    """``x[[1, 1, 0]]``: fancy ``+=`` in NumPy would lose one of them."""
    index = np.array([1, 1, 0, -2])
    _, gradient = gradients("gather", [np.ones(3), index], ct=[1, 10, 100, 1000], index=(Gather(),))
    np.testing.assert_array_equal(gradient, [100, 1011, 0])


def test_place_stored_twice_keeps_the_last_value() -> None:
    """``x[[2, 0, 2]] = v``: the last value wins and alone gets the gradient; x gets none there."""
    index = np.array([2, 0, 2])
    out, by_x, by_value = gradients(
        "update", [np.zeros(3), [5.0, 6.0, 7.0], index], ct=[1, 10, 100], index=(Gather(),)
    )
    np.testing.assert_array_equal(out, [6, 0, 7])
    np.testing.assert_array_equal(by_x, [0, 10, 0])
    np.testing.assert_array_equal(by_value, [0, 1, 100])


def test_place_stored_twice_beside_a_slice() -> None:
    """The same for rows, and for -1 and 2 as the same place."""
    index = np.array([2, 0, -1])
    values = np.arange(6.0).reshape(3, 2)
    ct = np.array([[1, 2], [10, 20], [100, 200]])
    out, by_x, by_value = gradients(
        "update", [np.zeros((3, 2)), values, index], ct=ct, index=(Gather(), Slice())
    )
    np.testing.assert_array_equal(out, [[2, 3], [0, 0], [4, 5]])
    np.testing.assert_array_equal(by_x, [[0, 0], [10, 20], [0, 0]])
    np.testing.assert_array_equal(by_value, [[0, 0], [1, 2], [100, 200]])


def test_place_added_to_twice_takes_both() -> None:
    """``np.add.at``: unlike ``x[[2, 2]] += v``."""
    out, by_x, by_value = gradients(
        "add_at", [np.ones(3), [5.0, 6.0], np.array([2, 2])], ct=[1, 10, 100], index=(Gather(),)
    )
    np.testing.assert_array_equal(out, [1, 1, 12])
    np.testing.assert_array_equal(by_x, [1, 10, 100])
    np.testing.assert_array_equal(by_value, [100, 100])


def test_mask_reads_and_stores() -> None:
    """What a mask leaves out gets no gradient by the read, and keeps it in the store."""
    mask, index = np.array([True, False, True]), (Mask(1, 2),)
    out, gradient = gradients("gather", [[5.0, 6.0, 7.0], mask], ct=[1, 10], index=index)
    np.testing.assert_array_equal(out, [5, 7])
    np.testing.assert_array_equal(gradient, [1, 0, 10])
    out, by_x, by_value = gradients(
        "update", [[5.0, 6.0, 7.0], [1.0, 2.0], mask], ct=[1, 10, 100], index=index
    )
    np.testing.assert_array_equal(out, [1, 6, 2])
    np.testing.assert_array_equal(by_x, [0, 10, 0])
    np.testing.assert_array_equal(by_value, [1, 100])


@pytest.mark.parametrize("bad", [nan, inf])
def test_branch_not_taken_adds_nothing(bad: float) -> None:
    """``where`` selects the cotangent; multiplying by the mask would make NaN of 0 x inf."""
    mask = np.array([True, False])
    _, by_x, by_y = gradients("where", [mask, [1.0, 2.0], [3.0, 4.0]], ct=[bad, 5.0])
    np.testing.assert_array_equal(by_x, [bad, 0])
    np.testing.assert_array_equal(by_y, [0, 5])


def test_with_value_passes_the_gradient_to_the_array_that_was() -> None:
    """A store under no_grad changes numbers unseen by autograd, as in PyTorch."""
    out, by_x, by_value = gradients("with_value", [[1.0], [2.0]], ct=[3.0])
    assert (out, by_x, by_value) == ([2.0], [3.0], [0.0])


def test_stop_gradient_passes_the_value_only() -> None:
    """The number is there, the gradient is not."""
    out, gradient = gradients("stop_gradient", [[1.5]], ct=[3.0])
    assert (out, gradient) == ([1.5], [0.0])


def test_cast_to_int_and_back_cuts_the_gradient() -> None:
    """Integers carry no gradient, and casting between floats does not lose it."""
    _, gradient = gradients("cast", [np.array([1.5], "f4")], dtype=np.dtype("f8"), ct=[3.0])
    assert gradient.dtype == np.float32
    assert gradient == [3.0]


# Indexes of an array of shape (4, 3, 2), as NumPy writes them and as the IR does.
INDEXES = [
    (np.s_[1:, ::-1, 0], (Slice(1), Slice(None, None, -1), 0)),
    (np.s_[-1, None, 2:0:-1], (-1, None, Slice(2, 0, -1), Slice())),
    (np.s_[..., None], (Slice(), Slice(), Slice(), None)),
    (np.s_[[0, 3], :, [1, 1]], (Gather(), Slice(), Gather())),
    (np.s_[:, [0, 2], [1, 1]], (Slice(), Gather(), Gather())),
    (np.s_[1, :, [1, 0, 1]], (1, Slice(), Gather())),
    (np.s_[:, 1, [1, 0, 1]], (Slice(), 1, Gather())),
    (np.s_[[1, 0], None, :, 0], (Gather(), None, Slice(), 0)),
    (np.s_[None, :, [1, 0], 1:], (None, Slice(), Gather(), Slice(1))),
    (np.s_[None, [0, 3], :, [1, 1]], (None, Gather(), Slice(), Gather())),
    (np.s_[:, [0, 2], None, [1, 1]], (Slice(), Gather(), None, Gather())),
    (np.s_[[[0], [3]], [[1, 2]]], (Gather(), Gather(), Slice())),
]


@pytest.mark.parametrize(("key", "index"), INDEXES, ids=[str(row[1]) for row in INDEXES])
def test_index_reads_and_stores_where_numpy_does(key: Any, index: Any) -> None:
    """The text of an index names the same places in the same order as NumPy's own key."""
    x = np.arange(24.0).reshape(4, 3, 2)
    arrays = [
        np.array(part)
        for part in (key if isinstance(key, tuple) else (key,))
        if isinstance(part, list)
    ]
    read = REGISTRY["gather" if arrays else "slice"]
    np.testing.assert_array_equal(read(x, *arrays, index=index), x[key])
    types = [type_of(array) for array in (x, *arrays)]
    assert read.infer(types, {"index": index})[0].shape == x[key].shape
    value, stored, added = -np.ones(x[key].shape), x.copy(), x.copy()
    stored[key] = value
    np.add.at(added, key, value)
    update, add_at = REGISTRY["update"], REGISTRY["add_at"]
    np.testing.assert_array_equal(update(x, value, *arrays, index=index), stored)
    np.testing.assert_array_equal(add_at(x, value, *arrays, index=index), added)
