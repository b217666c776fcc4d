"""How calls are bound to parameters, which calls share code, and what a guard is."""

import numpy as np
import pytest
from gradc.compiler.frontend.signature import Parameters, sign

import gradc
from gradc import compile_grad

VECTOR = np.array([1.0, 2.0, 3.0])


def signature(function, *args, static=(), **kwargs):
    parameters = Parameters(function, static)
    return sign(parameters, parameters.bind(args, kwargs))[0]


def one(x):
    return x


# Binding


def everything(a, b=2.0, *rest, scale=3.0, **named):
    total = a + b * scale
    for part in rest:
        total = total + part
    for key, part in named.items():
        total = total + part * len(key)
    return np.sum(total)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((VECTOR,), {}),
        ((VECTOR, 5.0), {}),
        ((VECTOR, 5.0, VECTOR * 2, 1.0), {}),
        ((VECTOR,), {"scale": 1.5}),
        ((VECTOR,), {"b": VECTOR, "xyz": 4.0, "k": VECTOR}),
        ((VECTOR, 1.0, 2.0), {"scale": 2.0, "more": VECTOR}),
        ((), {"b": 1.0, "a": VECTOR}),
    ],
)
def test_every_kind_of_parameter(args, kwargs):
    """The compiled function takes what the plain one takes, and gives the same."""
    compiled = compile_grad(everything, wrt="a")
    expected = everything(*args, **kwargs)
    np.testing.assert_allclose(compiled(*args, **kwargs), expected)
    value, gradient = compiled.value_and_grad(*args, **kwargs)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_array_equal(gradient, np.ones(3))


def test_gradient_by_collected_parameters():
    """``*rest`` is a tuple and ``**named`` a dictionary."""
    compiled = compile_grad(everything, wrt=("rest", "named"))
    rest, named = compiled.grad(VECTOR, 1.0, 2.0, VECTOR, ab=3.0)
    assert [float(rest[0]), rest[1].tolist()] == [3.0, [1.0, 1.0, 1.0]]
    assert named == {"ab": 6.0}


def test_positional_only_parameters():
    def product(x, y=2.0, /, *, z=3.0):
        return x * y * z

    compiled = compile_grad(product)
    assert compiled.grad(1.0) == 6.0
    assert compiled.grad(1.0, 5.0, z=1.0) == 5.0


def test_ufuncs_and_numpy_functions_are_functions():
    """Of their many keyword-only parameters most are left out."""
    np.testing.assert_allclose(gradc.func.grad(np.sin)(1.0), np.cos(1.0))
    np.testing.assert_allclose(gradc.func.grad(np.mean)(VECTOR), np.full(3, 1 / 3))


# Signatures


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (VECTOR, VECTOR * 2),
        (VECTOR, np.asfortranarray(VECTOR)),
        (VECTOR, VECTOR.astype(">f8")),
        (VECTOR, np.frombuffer(VECTOR.tobytes())),
        (2.0, 3.5),
        (2, 3),
        ({"a": VECTOR}, {"a": VECTOR + 1}),
        (gradc.spec("f8[3]"), VECTOR),
    ],
)
def test_equal_signatures(left, right):
    """They share code, so they must hash equal too."""
    first, second = signature(one, left), signature(one, right)
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (VECTOR, VECTOR[:2]),
        (VECTOR, VECTOR.astype("f4")),
        (VECTOR, [*VECTOR]),
        (2, 2.0),
        (1, True),
        (2.0, np.float64(2.0)),
        (np.float64(2.0), np.array(2.0)),
        (np.float64(2.0), np.float32(2.0)),
        ("a", "b"),
        (None, False),
    ],
)
def test_different_signatures(left, right):
    """NumPy treats them differently: by promotion, by mutability, or by value."""
    assert signature(one, left) != signature(one, right)


def test_static_arguments_are_told_apart_by_value_and_type():
    def scaled(x, n):
        return x * (n if type(n) is int else 10)

    compiled = compile_grad(scaled, static_argnames="n")
    assert [compiled.grad(2.0, n) for n in (1, True, 1.0, 2)] == [1.0, 10.0, 10.0, 2.0]
    assert len(compiled.history) == 4


def test_byte_order_is_made_native():
    leaves = sign(Parameters(one, ()), (VECTOR.astype(">f8"),))[1]
    assert leaves[0].dtype.isnative
    np.testing.assert_array_equal(leaves[0], VECTOR)


# Guards


def test_number_read_as_a_shape_is_a_guard():
    """Another number compiles anew; the same one does not."""
    compiled = compile_grad(lambda x, n: np.sum(x[:n]))
    for n in (2, 3, 2, 3):
        np.testing.assert_array_equal(compiled.grad(VECTOR, n), np.arange(3) < n)
    assert len(compiled.history) == 2
    assert "only where n == 2" in gradc.explain(compiled)


def test_number_that_is_not_read_is_no_guard():
    compiled = compile_grad(lambda x, n: np.sum(x * n))
    for n in (2, 3, 4):
        np.testing.assert_array_equal(compiled.grad(VECTOR, n), np.full(3, n))
    assert len(compiled.history) == 1


def test_guard_through_arithmetic_and_branches():
    """What is computed of numbers is known, and guards all of them."""

    def loss(x, n, rate):
        if n + 1 > 2 and rate < 0.5:
            return np.sum(x) * rate
        return np.sum(x[: n // 1]) * 10

    compiled = compile_grad(loss)
    for n, rate in [(2, 0.25), (1, 0.25), (2, 0.75), (2, 0.25)]:
        expected = np.full(3, rate) if n > 1 and rate < 0.5 else 10.0 * (np.arange(3) < n)
        np.testing.assert_array_equal(compiled.grad(VECTOR, n, rate), expected)


def test_guard_on_not_a_number_holds():
    """NaN is not equal to itself; without care each call would compile anew."""
    compiled = compile_grad(lambda x, limit: x if limit != limit else x * limit)
    for _ in range(3):
        assert compiled.grad(2.0, float("nan")) == 1.0
    assert len(compiled.history) == 1


def test_guard_inside_a_nested_compiled_function():
    """An inner function's guard is one of the outer function too."""
    inner = compile_grad(lambda x, n: np.sum(x[:n]))
    outer = compile_grad(lambda x, n: inner(x * 2, n))
    for n in (1, 3, 2):
        np.testing.assert_array_equal(outer.grad(VECTOR, n), 2.0 * (np.arange(3) < n))


# Weak numbers


@pytest.mark.parametrize("number", [2, 2.5])
def test_python_numbers_keep_float32(number):
    """As in NumPy; as arguments, constants, and after arithmetic among themselves."""

    def scaled(x, n):
        return np.sum(x * n * (n + 1) + 0.5)

    x = VECTOR.astype("f4")
    value, gradient = compile_grad(scaled).value_and_grad(x, number)
    assert value.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(value, scaled(x, number), rtol=1e-6)


def test_numpy_scalars_do_not_yield():
    x = VECTOR.astype("f4")
    assert compile_grad(lambda x, n: x * n)(x, np.float64(2.0)).dtype == np.float64
    assert compile_grad(lambda x, n: x * n)(x, np.float32(2.0)).dtype == np.float32


def test_python_int_is_int64_among_integers():
    assert compile_grad(lambda x, n: x + n)(np.arange(3, dtype=np.int8), 2).dtype == np.int8
    assert compile_grad(lambda n: n * 2)(3).dtype == np.int64
