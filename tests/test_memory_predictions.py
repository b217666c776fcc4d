"""The memory that is predicted is what is used: NumPy tells tracemalloc what it takes."""

import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.numpy_source.memory import Memory, predict

import gradc

# Beside its arrays a program holds frames, views and numbers, a few kB, which nobody predicts; and
# the buffers of NumPy's iterator (64 KiB each) differ between versions.
TOLERANCE, SLACK = 0.1, 64 * 1024


def measured(run: Callable[..., Any], args: Sequence[Any]) -> int:
    """Return the most bytes that a call allocates at once."""
    run(*args)  # what is made once, in the first call, is not counted
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        run(*args)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def executable(function: Any, args: Sequence[Any], mode: str) -> Any:
    """Return what was compiled for these arguments."""
    function.lower(*args)
    return function.history[-1][1].executable(mode)


def predicted(function: Any, args: Sequence[Any], mode: str = "value_and_grad") -> Memory:
    """Return what a program is said to need."""
    memory: Memory = executable(function, args, mode).module.memory
    return memory


def check(function: Any, *args: Any, mode: str = "value_and_grad") -> int:
    """Compare the predicted peak of a program with the real one; return the latter."""
    peak = predicted(function, args, mode).peak
    used = measured(executable(function, args, mode).run, args)
    assert abs(peak - used) <= TOLERANCE * used + SLACK
    return used


def drawn(*shape: int, dtype: Any = np.float64) -> Any:
    return np.random.default_rng(3).normal(size=shape).astype(dtype)


# Programs without loops


def perceptron(w: Any, v: Any, x: Any, labels: Any) -> Any:
    scores = np.tanh(x @ w) @ v
    scores = scores - np.max(scores, axis=1, keepdims=True)
    logs = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    return -np.mean(logs[np.arange(x.shape[0]), labels])


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = q @ np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = weights / np.sum(weights, axis=-1, keepdims=True)
    return np.sum((weights @ v) ** 2)


def chosen(x: Any) -> Any:
    y = gradc.cond(np.sum(x) > 0, lambda x: np.sin(np.cos(x) * np.exp(x)), lambda x: x * 2.0, x)
    return np.sum(y * y)


def rearranged(x: Any) -> Any:
    """Copies that are not written as such: a reshape of a transposed array, a sort, a mask."""
    return np.sum(np.sin(x.T.reshape(-1)) * np.sort(x.ravel())) + np.sum(np.tril(x) ** 2)


def summed(x: Any) -> Any:
    """Functions of NumPy that hold temporaries inside."""
    return np.sum(np.std(x, axis=1) + np.linalg.norm(x, axis=1)) + np.var(x)


CLASSES = np.arange(512) % 10
STRAIGHT: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "perceptron": (perceptron, (drawn(200, 300), drawn(300, 10), drawn(512, 200), CLASSES)),
    "attention": (attention, tuple(drawn(2, 4, 128, 64, dtype=np.float32) for _ in range(3))),
    "first branch": (chosen, (np.abs(drawn(50_000)),)),
    "second branch": (chosen, (-np.abs(drawn(50_000)),)),
    "rearranged": (rearranged, (drawn(400, 400),)),
    "summed": (summed, (drawn(400, 400),)),
    "erf": (lambda x: np.sum(gradc.special.erf(x)), (drawn(100_000),)),
    "gammaln": (lambda x: np.sum(gradc.special.gammaln(x)), (np.abs(drawn(100_000)),)),
    "digamma": (lambda x: np.sum(gradc.special.digamma(x)), (np.abs(drawn(100_000)),)),
}


@pytest.mark.parametrize("mode", ["value_and_grad", "forward"])
@pytest.mark.parametrize("name", STRAIGHT)
def test_programs_without_loops(name: str, mode: str) -> None:
    """Temporaries, memory that is used again, copies of residuals, what NumPy holds inside."""
    function, args = STRAIGHT[name]
    check(gradc.compile_grad(function), *args, mode=mode)


def test_pullback_beside_what_was_saved() -> None:
    """Its arguments are the residuals; only what it allocates itself counts."""
    args = STRAIGHT["perceptron"][1]
    compiled = gradc.compile_grad(perceptron)
    saved = executable(compiled, args, "forward").run(*args)[1:]
    backward = executable(compiled, args, "backward")
    used = measured(backward.run, [*saved, np.float64(1.0)])
    assert abs(backward.module.memory.peak - used) <= TOLERANCE * used + SLACK


def test_elements_selected_by_a_mask() -> None:
    """How many there are is known when it runs: the prediction holds for the true number."""

    def doubled(x: Any) -> Any:
        y = x * 1.0
        y[y > 0.3] = np.exp(y[y > 0.3])
        return np.sum(y**2)

    x = drawn(300, 300)
    module = executable(gradc.compile_grad(doubled), [x], "value_and_grad").module
    sizes = dict.fromkeys(_names(module.memory.peak), int(np.sum(x > 0.3)))
    assert sizes
    used = measured(executable(gradc.compile_grad(doubled), [x], "value_and_grad").run, [x])
    peak = predict(module.steps, sizes).peak
    assert isinstance(peak, int)
    assert abs(peak - used) <= TOLERANCE * used + SLACK


def _names(size: Any) -> frozenset[str]:
    return frozenset() if isinstance(size, int) else size.names


# Loops


def heat(steps: int) -> Any:
    @gradc.compile_grad(wrt="u")
    def run(u: Any, k: Any) -> Any:
        def body(i: Any, u: Any) -> None:
            u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])

        return np.sum(gradc.fori_loop(0, steps, body, u) ** 2)

    return run


def jacobi(steps: int) -> Any:
    @gradc.compile_grad(wrt=("u", "b"))
    def run(u: Any, b: Any) -> Any:
        def body(i: Any, u: Any) -> Any:
            v = np.zeros_like(u)
            cross = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
            v[1:-1, 1:-1] = 0.25 * (cross - b[1:-1, 1:-1])
            return v

        return np.sum(gradc.fori_loop(0, steps, body, u) ** 2)

    return run


@pytest.mark.parametrize("program", [heat, jacobi])
def test_linear_steps_save_nothing(program: Any) -> None:
    """The adjoint of a linear step reads no state: 10,000 steps need what 10 need."""
    args = (drawn(20_000), np.float64(0.1)) if program is heat else (drawn(150, 150),) * 2
    assert predicted(program(10), args).peak == predicted(program(10_000), args).peak
    few = check(program(10), *args)
    many = check(program(1_000), *args)
    assert abs(many - few) < 4096  # a few numbers of the loop


def test_step_with_a_gradient_by_its_factor_saves_each_state() -> None:
    """What `heat` does not save it does save where `k` has a gradient."""

    @gradc.compile_grad(wrt="k")
    def run(u: Any, k: Any) -> Any:
        def body(i: Any, u: Any) -> None:
            u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])

        return np.sum(gradc.fori_loop(0, 50, body, u) ** 2)

    assert check(run, drawn(20_000), np.float64(0.1)) > 50 * 20_000 * 8


STEPS, ROWS, WIDTH = 144, 32, 64
STATE = ROWS * WIDTH * 8  # bytes


def recurrent(**options: Any) -> Any:
    @gradc.compile_grad(wrt="w")
    def run(w: Any, x: Any) -> Any:
        def body(i: Any, h: Any) -> Any:
            return np.tanh(h @ w + x[i])

        h = gradc.fori_loop(0, STEPS, body, np.zeros((ROWS, WIDTH)), **options)
        return np.sum(h * h)

    return run


RECURRENT = (drawn(WIDTH, WIDTH) / 8, drawn(STEPS, ROWS, WIDTH) / 8)
OPTIONS: tuple[Mapping[str, Any], ...] = (
    {},
    {"checkpoint": "sqrt"},
    {"every": 1},
    {"every": 10},
    {"every": 60},
    {"memory": "1MB"},
    {"memory": "2MiB"},
    {"memory": 10**9},
)


@pytest.mark.parametrize("mode", ["value_and_grad", "forward"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_checkpoints_of_a_loop(options: Mapping[str, Any], mode: str) -> None:
    """The prediction is true of each variant, and none changes the gradient."""
    compiled = recurrent(**options)
    check(compiled, *RECURRENT, mode=mode)
    value, gradient = compiled.value_and_grad(*RECURRENT)
    plain, expected = recurrent().value_and_grad(*RECURRENT)
    assert value == plain
    # The same products in the same order: nothing but the place of the states differs.
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)


def test_checkpoints_lower_the_real_peak() -> None:
    """Two records of 144 states become about 12 checkpoints and 12 iterations of two records."""
    whole = check(recurrent(), *RECURRENT)
    assert whole > 2 * STEPS * STATE
    root = check(recurrent(checkpoint="sqrt"), *RECURRENT)
    assert root < 2 * (12 + 2 * 13) * STATE < whole / 3


@pytest.mark.parametrize("budget", [700_000, 10**6, 2 * 10**6, 4 * 10**6])
def test_records_stay_within_their_budget(budget: int) -> None:
    """What `memory=` bounds is what the records really take at once, all of them together."""
    compiled = recurrent(memory=budget)
    used = check(compiled, *RECURRENT)
    # Beside the records: the gradient, its sum, and three or four states.
    beside = 4 * WIDTH * WIDTH * 8 + 6 * STATE
    assert used <= budget + beside
    assert used > budget / 2  # and the budget is made use of


def test_budget_that_is_enough_changes_nothing() -> None:
    """Nothing is computed again where all can be saved."""
    text = recurrent(memory="1GB").inspect(*RECURRENT)
    plain = recurrent().inspect(*RECURRENT)
    assert text.partition("backward")[2] == plain.partition("backward")[2]


def test_loops_in_loops() -> None:
    """What the inner loop saves is saved for each iteration of the outer one."""

    @gradc.compile_grad
    def run(x: Any) -> Any:
        def outer(i: Any, x: Any) -> Any:
            return gradc.fori_loop(0, 7, lambda j, y: np.sin(y) * np.cos(y), x) * 0.9

        return np.sum(gradc.fori_loop(0, 5, outer, x))

    assert check(run, drawn(20_000)) > 35 * 20_000 * 8


def test_checkpoints_in_the_loops_of_a_loop() -> None:
    """Each level may have its own; the peak falls again."""

    def program(**inner: Any) -> Any:
        def run(x: Any) -> Any:
            def outer(i: Any, x: Any) -> Any:
                return gradc.fori_loop(0, 16, lambda j, y: np.sin(y) * np.cos(y), x, **inner)

            return np.sum(gradc.fori_loop(0, 9, outer, x, every=1))

        return gradc.compile_grad(run)

    plain, nested = program(), program(checkpoint="sqrt")
    x = drawn(20_000)
    assert check(nested, x) < 0.75 * check(plain, x)
    np.testing.assert_allclose(nested.grad(x), plain.grad(x), rtol=1e-12)


@pytest.mark.parametrize("trips", [1, 16, 17, 100, 1000])
def test_growing_records_are_bounded(trips: int) -> None:
    """Room doubles: never more than three times what is filled, while it grows."""

    @gradc.compile_grad
    def run(x: Any, n: Any) -> Any:
        def body(carry: Any) -> Any:
            k, y = carry
            return k + 1, np.sin(y) * 1.01

        return np.sum(gradc.while_loop(lambda c: c[0] < n, body, (np.array(0), x))[1])

    args = (drawn(2000), np.array(trips))
    found = executable(run, args, "value_and_grad")
    (name,) = _names(found.module.memory.peak)
    bound = predict(found.module.steps, {name: trips}).peak
    used = measured(found.run, args)
    assert isinstance(bound, int)
    assert used <= bound + SLACK
    row = 2000 * 8
    saved = sum(1 for one in found.module.memory.records)
    assert bound <= (3 * trips * saved + 16 * saved + 8) * row


# Blocks


def stack(depth: int, again: bool) -> Any:
    def layer(x: Any, w: Any) -> Any:
        a = np.tanh(x @ w)
        b = np.sin(a) * x
        return np.exp(-b * b) + a

    one = gradc.checkpoint(layer) if again else layer

    @gradc.compile_grad(wrt="ws")
    def run(ws: Any, x: Any) -> Any:
        for i in range(depth):
            x = one(x, ws[i])
        return np.sum(x * x)

    return run


def test_blocks_that_are_computed_again_lower_the_peak() -> None:
    """Of a stack of layers only what goes from one to the next is held: here a fifth."""
    args = (drawn(12, 64, 64) / 8, drawn(512, 64))
    plain, again = stack(12, False), stack(12, True)
    assert check(again, *args) < 0.4 * check(plain, *args)
    assert check(again, *args, mode="forward") < 0.5 * check(plain, *args, mode="forward")
    np.testing.assert_allclose(again.grad(*args), plain.grad(*args), rtol=1e-12, atol=1e-12)


def test_pullback_holds_less() -> None:
    """In split mode what it saves is the memory that stays: arguments of layers, no insides."""
    args = (drawn(12, 64, 64) / 8, drawn(512, 64))
    _, plain = stack(12, False).vjp(*args)
    _, again = stack(12, True).vjp(*args)
    assert again.nbytes < 0.5 * plain.nbytes
