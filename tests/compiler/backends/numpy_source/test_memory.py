"""The run of a generated function in which only its allocations happen."""

from gradc.compiler.backends.numpy_source.memory import predict
from gradc.compiler.backends.numpy_source.steps import (
    Binding,
    Branch,
    Call,
    Loop,
    Rows,
    Statement,
    Steps,
)
from gradc.compiler.primitives.elementwise import exp
from gradc.compiler.primitives.index import slice_, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.selection import Slice
from gradc.compiler.primitives.shape import reshape, transpose
from gradc.compiler.types import Sym

from ...build import array_type, build
from ...emitted import lowered


def made(label: str, nbytes: int, text: str = "") -> Statement:
    return Statement(text or f"{label} = np.empty({nbytes})", (Binding(label, nbytes),))


def view(label: str, shares: str) -> Statement:
    return Statement(f"{label} = {shares}[0]", (Binding(label, 0, shares),))


def peak(*body: object, results: tuple[Binding, ...] = ()) -> object:
    return predict(Steps((), list(body), results, "")).peak  # type: ignore[arg-type]


def test_variables_hold_their_arrays_until_the_end() -> None:
    assert peak(made("a", 10), made("b", 20), made("c", 30)) == 60


def test_old_array_is_there_while_the_new_one_is_made() -> None:
    """The right side is computed before the name is bound again."""
    assert peak(made("a", 10), made("a", 20), made("b", 5)) == 30


def test_view_holds_the_array() -> None:
    """`a` is bound again, but `b` lies in what it was."""
    assert peak(made("a", 10), view("b", "a"), made("a", 20), made("c", 5)) == 35
    assert peak(made("a", 10), view("b", "a"), made("b", 20), made("a", 1), made("c", 9)) == 31


def test_temporaries_go_with_their_line() -> None:
    line = Statement("a = np.sqrt(x)", (Binding("a", 10),), extra=100)
    assert peak(line, made("b", 20)) == 110


def test_deleted_variables_hold_nothing() -> None:
    first = made("a", 10)
    first.drops = ("a",)
    assert peak(first, made("b", 20)) == 20


def test_variables_of_an_iteration_meet_those_of_the_next() -> None:
    """The last iteration's `a` is alive while this one's is made; arrays do not pile up."""
    body = [made("a", 10), made("b", 20)]
    assert peak(Loop("range(9)", body, 9)) == 50  # both, and the new b
    assert peak(Loop("range(1)", body, 1)) == 30
    assert peak(made("c", 7), Loop("range(0)", body, 0)) == 7
    assert peak(Loop("range(n)", body, None)) == 50


def test_variables_of_a_loop_outlive_it() -> None:
    assert peak(Loop("range(1)", [made("a", 10)], 1), made("b", 20)) == 30


def test_larger_branch_counts() -> None:
    """And what is held behind it is that of the one that holds more."""
    branch = Branch("x > 0", [made("a", 10)], [made("a", 50), made("b", 1)])
    assert peak(branch, made("c", 5)) == 56


def test_call_lets_go_of_its_variables() -> None:
    inner = [made("t", 100), made("r", 10)]
    call = Call("a = f(x)", (), inner, (Binding("r", 0, "r"),), "r", ("a",))
    assert peak(call) == 110
    assert peak(call, made("b", 5), made("c", 96)) == 111  # 10 are left of it
    assert peak(call, made("b", 5), made("c", 94)) == 110


def test_call_hands_on_what_it_is_given() -> None:
    """A param that is returned is the caller's array, held once."""
    call = Call("b = f(a)", (Binding("x", 0, "a"),), [], (Binding("x", 0, "x"),), "x", ("b",))
    assert peak(made("a", 10), call, made("a", 3), made("c", 4)) == 17


def test_results_count_once() -> None:
    steps = Steps((), [made("a", 10)], (Binding("a", 0, "a"), Binding("a.copy()", 10)), "a")
    memory = predict(steps)
    assert (memory.peak, memory.results) == (20, 20)
    assert [one.label for one in memory.at_peak] == ["a", "a.copy()"]


def test_arguments_are_the_callers() -> None:
    steps = Steps(("x",), [view("y", "x")], (Binding("y", 0, "y"),), "y")
    assert predict(steps).peak == 0


def test_unknown_sizes_have_names_or_values() -> None:
    n = Sym.named("n")
    steps = Steps((), [Statement("a = np.empty(n)", (Binding("a", n * 8),)), made("b", 5)], (), "")
    assert str(predict(steps).peak) == "n*8 + 5"
    assert predict(steps, {"n": 3}).peak == 29


def test_records_are_listed_once() -> None:
    rows = Rows(4, 16, False)
    record = Statement("a = np.empty((4, 2))", (Binding("a", 64, rows=rows),))
    memory = predict(Steps((), [Loop("range(5)", [record], 5)], (), ""))
    assert [one.rows for one in memory.records] == [rows]


def test_lines_of_a_graph() -> None:
    """The exponential takes memory, the sum takes the same, and the product is a number."""
    module = lowered(build(lambda x: matmul(exp(x) + x, x), x=array_type(1000)))
    assert module.memory.peak == 8000
    assert module.memory.results == 0


def test_reshape_of_a_transposed_array_is_a_copy() -> None:
    """A view as types have it, but its elements do not lie in order."""
    shape = array_type(30, 40)
    turned = lowered(
        build(lambda x: exp(reshape(transpose(x, axes=(1, 0)), shape=(1200,))), x=shape)
    )
    assert turned.memory.peak == 19200
    plain = lowered(build(lambda x: exp(reshape(x, shape=(1200,))), x=shape))
    assert plain.memory.peak == 9600


def test_store_without_a_place_copies() -> None:
    """An argument is not changed: the copy is counted, and named."""
    index = (Slice(0, 10),)
    module = lowered(
        build(lambda x: update(x, slice_(x, index=(Slice(5, 15),)), index=index), x=array_type(500))
    )
    assert module.memory.peak == 4000
    assert len(module.copies) == 1
