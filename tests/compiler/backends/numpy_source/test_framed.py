"""Loops, branches and blocks as text: in place, in the user's names, and no larger than needed."""

import re
from typing import Any

import numpy as np
import pytest

import gradc
from gradc import compile_grad

X = np.array([0.5, -1.0, 2.0, 3.0])
LARGE = np.linspace(0.1, 1.0, 1000)
GRID = np.arange(12.0).reshape(3, 4)


def code(function: Any, *args: Any, **options: Any) -> str:
    """Return the statements of the module's function, indented, without comments; ``del`` apart."""
    module = compile_grad(function, **options).inspect(*args)
    _, _, text = module.rpartition('"""\n')
    lines = [line.partition("  # ")[0].rstrip() for line in text.splitlines()]
    kept = [line for line in lines if line.strip() and not line.strip().startswith(("del ", "#"))]
    return "\n".join(line[4:] for line in kept)


def loop_of(text: str, which: int = 0) -> str:
    """Return the body of one of the loops."""
    lines = text.split("\n")
    starts = [i for i, line in enumerate(lines) if line.lstrip().startswith(("for ", "while "))]
    start = starts[which]
    depth = len(lines[start]) - len(lines[start].lstrip())
    found = []
    for line in lines[start + 1 :]:
        if len(line) - len(line.lstrip()) <= depth:
            break
        found.append(line[depth + 4 :])
    return "\n".join(found)


def agrees(function: Any, *args: Any, **options: Any) -> None:
    """Compare value and gradient with plain NumPy and with central differences."""
    compiled = compile_grad(function, **options)
    value, gradient = compiled.value_and_grad(*args)
    assert value == pytest.approx(function(*args), rel=1e-12)
    way, step = np.random.default_rng(0).normal(size=np.shape(args[0])), 1e-6
    ends = [function(args[0] + sign * step * way, *args[1:]) for sign in (1, -1)]
    # Central differences of functions of size 1 to 100: good to 1e-8 of that.
    assert np.sum(gradient * way) == pytest.approx(
        (ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-6
    )


# Carried arrays


def sweeps(x: Any) -> Any:
    def body(i: Any, y: Any) -> Any:
        y[1:-1] = 0.5 * (y[:-2] + y[2:])
        return y

    return np.sum(gradc.fori_loop(0, 5, body, x) ** 2)


def test_stored_array_is_changed_in_place() -> None:
    """One copy before the loop, of the argument; none in it, forward or backward."""
    text = code(sweeps, LARGE)
    assert "copy" not in loop_of(text)
    assert "copy" not in loop_of(text, 1)
    assert text.count("x.copy()") == 1
    assert "np.zeros" not in loop_of(text, 1)
    agrees(sweeps, LARGE)


def test_linear_loop_saves_nothing() -> None:
    assert "np.empty" not in code(sweeps, LARGE)


def test_argument_that_no_one_changes_is_not_copied() -> None:
    text = code(lambda x, w: np.sum(gradc.fori_loop(0, 3, lambda i, y: y * w, x)), X, X)
    assert "w.copy" not in text


def test_old_value_read_after_the_store_is_copied() -> None:
    """A slice of it, or all of it: only here is a copy in the loop."""

    def slices(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            first = y[:2]
            old = first.copy()
            y[:2] = 2.0 * y[2:]
            y[2:] = old * y[2:]
            return y

        return np.sum(gradc.fori_loop(0, 3, body, x))

    agrees(slices, X)

    def both(x: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            a, b = carry
            b = a.copy()
            a[0] = 2.0 * np.sum(b)
            return a, b

        a, b = gradc.fori_loop(0, 3, body, (x, x))
        return np.sum(a * b)

    assert re.search(r"copy|np\.array\(", loop_of(code(both, X)))
    agrees(both, X)


def test_swap_is_one_statement() -> None:
    """No third name, and no copies: the names change places."""

    def swap(x: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            a, b = carry
            return b, a + b

        a, b = gradc.fori_loop(0, 5, body, (x, 2.0 * x))
        return np.sum(a * b)

    forward = loop_of(code(swap, X))
    assert re.search(r"^(\w+), (\w+) = \2, ", forward, re.MULTILINE), forward
    assert "copy" not in forward
    agrees(swap, X)


def test_carried_values_bear_the_names_of_the_body() -> None:
    def named(x: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            position, speed = carry
            speed = speed - 0.1 * np.sin(position)
            position = position + 0.1 * speed
            return position, speed

        position, speed = gradc.fori_loop(0, 5, body, (x, 0.0 * x))
        return np.sum(position**2)

    text = code(named, X)
    assert re.search(r"^    position = ", text, re.MULTILINE)
    assert re.search(r"^    speed = ", text, re.MULTILINE)


def test_text_does_not_depend_on_the_number_of_iterations() -> None:
    def power(x: Any, n: Any) -> Any:
        return np.sum(gradc.fori_loop(0, n, lambda i, y: np.sin(y) * x, x))

    few, many = (code(power, X, n, static_argnames=("n",)) for n in (3, 1000))
    assert few.replace("3", "n") == many.replace("1000", "n").replace("3", "n")


def test_number_of_iterations_of_the_call() -> None:
    """One program for all numbers."""
    f = compile_grad(lambda x, n: np.sum(gradc.fori_loop(0, n, lambda i, y: np.sin(y), x)))
    assert "range(n)" in f.inspect(X, np.array(3))
    for n in (0, 1, 5):
        expected = X
        for _ in range(n):
            expected = np.sin(expected)
        assert f(X, np.array(n)) == np.sum(expected)
        assert f.value_and_grad(X, np.array(n))[0] == np.sum(expected)


# The index


def test_index_that_selects_stays_an_int() -> None:
    """In places, and in sums of them."""
    text = code(lambda x: gradc.fori_loop(1, 3, lambda i, y: y + x[i] * x[i - 1], 0.0), X)
    assert "np.int64" not in text


def test_index_that_is_a_number_is_typed() -> None:
    """Where Python's integers would give other dtypes than NumPy's."""

    def counted(x: Any) -> Any:
        body = lambda i, c: (c[0] + i, c[1] * np.sin(x[0] + i // 2))  # noqa: E731
        k, y = gradc.fori_loop(0, 4, body, (np.int32(0), x))
        return np.sum(y) * k

    assert "= np.int64(i)" in loop_of(code(counted, X))
    agrees(counted, X)
    assert compile_grad(lambda x: gradc.fori_loop(0, 4, lambda i, k: k + i, x * 0))(1) == 6


def test_loops_in_sequence_and_in_each_other() -> None:
    """Those in sequence use one name for their index, an inner one has another."""

    def two(x: Any) -> Any:
        y = gradc.fori_loop(0, 3, lambda i, y: y * x, x)
        return np.sum(gradc.fori_loop(0, 4, lambda i, y: np.sin(y), y))

    def nested(x: Any) -> Any:
        inner = lambda i, y: gradc.fori_loop(0, 4, lambda i, y: np.sin(y) + y, y)  # noqa: E731
        return np.sum(gradc.fori_loop(0, 3, inner, x))

    assert set(re.findall(r"for (\w+) in", code(two, X))) == {"i"}
    text = code(nested, X)
    assert re.search(r"for i in range\(3\):\n(?:    .*\n)*?    for i_1 in range\(4\)", text), text
    agrees(two, X)
    agrees(nested, X)


def test_backward_runs_from_the_end() -> None:
    text = code(lambda x: np.sum(gradc.fori_loop(2, 9, lambda i, y: np.sin(y), x, step=3)), X)
    assert "for i in range(2, 9, 3):" in text
    assert "for i in reversed(range(2, 9, 3)):" in text


# What is saved


def test_row_is_saved_and_not_the_array() -> None:
    def rows(a: Any) -> Any:
        def body(i: Any, a: Any) -> Any:
            a[i] = a[i] ** 2
            return a

        return np.sum(gradc.fori_loop(0, 3, body, a))

    text = code(rows, GRID)
    assert "np.empty((3, 4))" in text
    assert "np.empty((3, 3, 4))" not in text
    agrees(rows, GRID)


def test_gradient_by_what_is_read_by_rows() -> None:
    """Added to a row of one array, made before the loop."""

    def total(a: Any, x: Any) -> Any:
        return np.sum(gradc.fori_loop(0, 3, lambda i, y: y * 0.5 + a[i] * x, x))

    backward = loop_of(code(total, GRID, X), 1)
    assert re.search(r"^ct_a\[i\] \+= ", backward, re.MULTILINE), backward
    assert "np.zeros" not in backward
    agrees(total, GRID, X)


def test_record_has_the_name_and_the_dtype_of_what_it_holds() -> None:
    def f(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            inner = np.exp(y * 0.1)
            return inner * y

        return np.sum(gradc.fori_loop(0, 3, body, x))

    text = code(f, X.astype(np.float32))
    assert re.search(r"inner_saved = np\.empty\(\(3, 4\), dtype=np\.float32\)", text), text


# Conditions and branches


def test_condition_in_one_line() -> None:
    f = lambda x: gradc.while_loop(lambda y: y < 100.0, lambda y: y * x, x)  # noqa: E731
    assert re.search(r"^while \w+ < 100\.0:", code(f, 2.5), re.MULTILINE)
    agrees(f, 2.5)


def test_condition_of_several_statements() -> None:
    """`while True`, and a break."""

    def condition(y: Any) -> Any:
        large = np.sum(np.sort(y)[1:])
        return (large < 50.0) & (large > -50.0)

    f = lambda x: np.sum(gradc.while_loop(condition, lambda y: y * 1.5, x))  # noqa: E731
    text = code(f, X)
    assert "while True:" in text
    assert re.search(r"    if not .*:\n        break", text)
    agrees(f, X)


def test_branch_without_statements_is_left_out() -> None:
    """An array that one branch stores to, and the other one leaves alone."""

    def relax(x: Any, flag: Any) -> Any:
        def store(y: Any) -> Any:
            y[0] = 5.0
            return y

        y = gradc.cond(flag, store, lambda y: y, x * 2.0)
        return np.sum(y**2)

    text = code(relax, LARGE, np.array(True))
    assert "if flag:" in text
    assert "else" not in text
    agrees(relax, X, np.array(True))
    agrees(relax, X, np.array(False))


def test_only_one_branch_runs() -> None:
    """The square root of a negative number would warn, which is an error here."""

    def root(x: Any) -> Any:
        return gradc.cond(x > 0, np.sqrt, lambda x: -x, x)

    f = compile_grad(root)
    assert f.value_and_grad(-2.0) == (2.0, -1.0)
    assert f.value_and_grad(4.0) == (2.0, 0.25)


def test_predicate_that_is_known_leaves_one_branch() -> None:
    text = code(lambda x: np.sum(gradc.cond(len(x) > 3, np.sin, np.cos, x)), X)
    assert "if" not in text
    assert "np.sin" in text


# Blocks


def test_block_is_a_function_with_the_users_names() -> None:
    @gradc.checkpoint
    def layer(inputs: Any, weights: Any) -> Any:
        return np.tanh(inputs @ weights)

    text = code(lambda x, w: np.sum(layer(layer(x, w), w)), GRID, np.eye(4), wrt=1)
    assert re.search(r"^def layer\(inputs, weights\):", text, re.MULTILINE), text
    assert "def layer_backward" in text


# Constants, call-backs and masks in bodies


def test_constants_stand_at_the_head() -> None:
    def weighted(x: Any) -> Any:
        constants = np.array([1.0, 2.0, 4.0, 8.0])
        return np.sum(gradc.fori_loop(0, 3, lambda i, y: np.sin(y) * constants, x))

    module = compile_grad(weighted).inspect(X)
    assert len(re.findall(r"np\.array\(\[1\.0, 2\.0, 4\.0, 8\.0\]", module)) == 1
    assert module.index("np.array([1.0") < module.index("def ")
    assert compile_grad(weighted)(X) == weighted(X)


def test_call_backs_in_loops() -> None:
    """Parameters of the function, called in each iteration."""
    seen: list[float] = []

    def told(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            gradc.debug.callback(lambda one: seen.append(float(one)), y)
            return y * 2.0

        return gradc.fori_loop(0, 3, body, x)

    f = compile_grad(told)
    assert f.value_and_grad(1.5) == (12.0, 8.0)
    assert seen == [1.5, 3.0, 6.0]


def test_masks_in_loops() -> None:
    """How many elements they select is another number in each iteration."""

    def clipped(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            y[y > 1.0] = 1.0
            return y * 1.2 + np.sum(y[y < 0.9])

        return np.sum(gradc.fori_loop(0, 4, body, x))

    agrees(clipped, np.array([0.11, -1.2, 2.3, 0.42]))


def test_helpers_of_bodies_are_emitted_once() -> None:
    """Private functions stand at the head of the module, whoever calls them."""

    def f(x: Any) -> Any:
        y = gradc.fori_loop(0, 3, lambda i, y: gradc.special.erf(y) + y, x)
        return np.sum(gradc.special.erf(y))

    module = compile_grad(f).inspect(X)
    assert module.count("def _erf(") == 1
    agrees(f, X)
