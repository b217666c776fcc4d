"""Each way to view and store, once: results, arguments and gradients equal NumPy's."""

import types

import numpy as np
import pytest

from gradc import compile_grad

CASES = []


def vector():
    return np.arange(1.0, 5.0)


def matrix():
    return np.arange(12.0).reshape(3, 4) + 1


def square():
    return np.arange(9.0).reshape(3, 3) + 1


def case(make):
    """Enter a function as a case; it runs on what ``make`` returns."""

    def enter(function):
        CASES.append(pytest.param(function, make, id=function.__name__))
        return function

    return enter


@case(vector)
def returned_itself(x):
    x += 1
    return x


@case(vector)
def returned_view(x):
    x += 1
    return x[1:]


@case(vector)
def returned_twice(x):
    x += 1
    return x, x, x[::-1]


@case(matrix)
def returned_view_of_view(x):
    y = x.T[1:]
    y *= 2
    return y, x


@case(vector)
def dict_of_boxes(x):
    d = {}
    d["a"] = x[1:]
    d["b"] = d["a"][::-1]
    d["b"][0] = 100.0
    d["a"] += 1
    return x, d["a"], d["b"]


@case(matrix)
def star_rows(x):
    first, *rest = x
    rest[0][0] = first[1] * 3
    first -= rest[1]
    return x, first, rest


@case(vector)
def generator(x):
    def gen(z):
        for i in range(len(z) - 1):
            yield z[i : i + 2]

    for w in gen(x):
        w[1] += w[0]
    return x


@case(vector)
def named(x):
    from_ = types.SimpleNamespace(w=x[1:])
    from_.w *= 2
    from_.w[0] = 7
    return x, from_.w


@case(matrix)
def out_view_of_arg(x):
    np.sum(x, axis=0, out=x[0])
    return x


@case(square)
def imatmul(x):
    y = x
    y @= np.eye(3) * 2
    return x, y


@case(square)
def iadd_transpose(x):
    x += x.T
    return x


@case(vector)
def clip_out(x):
    np.clip(x, 1.5, 2.5, out=x)
    return x


@case(vector)
def sort_inplace(x):
    y = x[::-1]
    y.sort()
    return x, y


@case(vector)
def nan_to_num_inplace(x):
    np.nan_to_num(x[1:], copy=False)
    r = np.nan_to_num(x, copy=False)
    r += 1
    return x, r


@case(vector)
def asarray_alias(x):
    y = np.asarray(x)
    y += 1
    z = np.ascontiguousarray(x)
    z += 1
    w = np.asarray(x, dtype=float)
    w *= 2
    v = np.array(x, copy=False) if False else x
    v -= 1
    return x, y, z, w


@case(matrix)
def unstack_(x):
    a, b, c = np.unstack(x)
    a += 1
    b[...] = c
    return x, a


@case(matrix)
def ndenumerate_flat(x):
    for i, v in enumerate(x.flat):
        if i % 2 == 0:
            x.flat[i] = v * 2
    return x


@case(matrix)
def flat_slice(x):
    y = x.flat[2:5]
    y += 100
    x.flat[[0, 0, 3]] = [1.0, 2.0, 3.0]
    x.T.flat[:3] = -1.0
    return x, y


@case(lambda: np.zeros((0, 3)))
def empty(x):
    x += 1
    x[:] = 5
    y = x.T
    y[...] = 2.0
    x[np.zeros(0, dtype=int)] += 1
    return x.sum(), x, y


@case(vector)
def recursion(x):
    def go(z):
        if len(z) > 1:
            z[0] += z[-1]
            go(z[1:])

    go(x)
    return x


@case(vector)
def tuple_assign(x):
    a, b = x[:2], x[2:]
    a[:], b[:] = b, a
    return x


@case(vector)
def f32(x):
    f = np.zeros(4, dtype=np.float32)
    f[:] = x / 3
    f += x / 7
    g = f[1:]
    g *= 3
    return f, g


@case(vector)
def concrete_then_traced(x):
    idx = np.array([2, 0])
    y = x[idx]
    idx[0] = 1
    z = x[idx]
    w = np.zeros(3)
    if w[0] == 0:
        w[1] = x[0]
    w[2] = 1
    view = w[1:]
    view *= 2
    return y, z, w, view


@case(vector)
def concrete_alias(x):
    w = np.zeros(4)
    v = w[1:]
    w[2] = 5.0
    if v[1] == 5:
        v[1] = x[0]
    u = w[2:]
    u[0] += 1
    return w, v, u


@case(vector)
def concrete_out(x):
    w = np.zeros(4)
    np.add(x, 1, out=w)
    v = w.reshape(2, 2)
    np.multiply(v, v, v)
    np.add(x[:2], 1, out=v[:, 0])
    return w, v


@case(vector)
def const_index_shares(x):
    w = np.eye(4)
    w[1] = x
    w.T[2] += x
    d = np.diagonal(w)
    w[0, 0] = x[3]
    return w, d


@case(matrix)
def ix(x):
    x[np.ix_([0, 2], [1, 3])] *= 10
    x[[0, 1], 1:3] = x[[1, 0], 1:3]
    x[:, [0, 0]] += 1
    return x


@case(matrix)
def mask_rows(x):
    m = x[:, 0] > 4
    x[m] = x[0]
    x[~m, 1] = 100
    x[m, ::2] += 1
    return x


@case(matrix)
def swap_rows(x):
    x[0], x[1] = x[1], x[0]
    x[[1, 2]] = x[[2, 1]]
    x[:, 0], x[:, 1] = x[:, 1].copy(), x[:, 0].copy()
    return x


@case(matrix)
def reshape_views(x):
    y = x.reshape(4, 3)
    y[0] = 1
    z = x.reshape(2, 6)[:, ::2]
    z += 5
    w = x[1].reshape(2, 2)
    w.T[0] = 8
    q = x.reshape(-1)
    q[::5] = 0
    return x, y, z, w, q


@case(matrix)
def stack_copies(x):
    y = np.stack([x, x])
    y[0] = 0
    z = np.concatenate([x, x])
    z[0] = 9
    w = np.array([x[0], x[1]])
    w += 1
    l = [x[0], x[1]]
    q = np.asarray(l)
    q += 1
    return x, y, z, w, q


@case(vector)
def lambda_setitem(x):
    x.__setitem__(0, 5.0)
    x.__iadd__(1.0)
    y = x.__getitem__(slice(1, None))
    y.__imul__(2.0)
    return x, y


@case(matrix)
def sorted_rows(x):
    rows = sorted([x[2], x[0]], key=len)
    rows[0][0] = -1
    z = list(zip(x, x[::-1], strict=True))
    z[0][1][1] = -2
    return x


def flat(result):
    """Return the arrays in a result that may be a tuple or hold lists."""
    if isinstance(result, list | tuple):
        return [part for one in result for part in flat(one)]
    return [result]


@pytest.mark.parametrize(("function", "make"), CASES)
def test_case(function, make):
    """The same arrays, of the same kind, twice; and no result is a view of the argument."""
    expected_argument = make()
    expected = flat(function(expected_argument))
    compiled = compile_grad(function)
    for _ in range(2):  # the second call takes the short way
        argument = make()
        results = flat(compiled(argument))
        np.testing.assert_array_equal(argument, expected_argument)
        assert len(results) == len(expected)
        for ours, theirs in zip(results, expected, strict=True):
            assert type(ours) is type(theirs)
            assert np.asarray(ours).dtype == np.asarray(theirs).dtype
            np.testing.assert_allclose(ours, theirs, rtol=1e-14)
            if theirs is expected_argument:
                assert ours is argument
            elif isinstance(ours, np.ndarray):
                assert not np.shares_memory(ours, argument)


@pytest.mark.parametrize(("function", "make"), CASES)
def test_gradient_of_case(function, make):
    """Central differences of the floating-point results, weighted."""

    def weighted(x):
        arrays = [np.asarray(one) for one in flat(function(x))]
        return sum(np.sum(one * weights(one.shape)) for one in arrays if one.dtype.kind == "f")

    outputs, pullback = compile_grad(function).vjp(make())
    expected = flat(function(make()))
    cotangents = [weights(one.shape) for one in map(np.asarray, expected)]
    if any(np.asarray(one).dtype != np.float64 for one in expected):
        pytest.skip("differences say nothing of numbers that are rounded")
    gradient = pullback(_like(outputs, iter(cotangents)))
    step = 1e-6
    differences = np.zeros(make().shape)
    for place in np.ndindex(differences.shape):
        values = []
        for signed in (step, -step):
            moved = make()
            moved[place] += signed
            values.append(weighted(moved))
        differences[place] = (values[0] - values[1]) / (2 * step)
    np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=1e-6)


def _like(result, arrays):
    if isinstance(result, list | tuple):
        return type(result)(_like(one, arrays) for one in result)
    return next(arrays)


def weights(shape):
    return np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)
