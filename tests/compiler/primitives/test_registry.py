"""What every entry of the registry keeps to, whatever the operation is."""

import re

import numpy as np
import pytest
from gradc.compiler.ir import Builder, Graph
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.primitive import REGISTRY, Linear, NoGradient, NumPy, Partials, Primitive
from gradc.compiler.primitives.elementwise import cast
from gradc.compiler.printer import print_graph
from gradc.compiler.types import type_of

from .cases import (
    CASES,
    DIFFERENTIABLE,
    LAYOUTS,
    Case,
    Executor,
    every_case,
    every_executor,
    laid_out,
    over,
)

every_primitive = pytest.mark.parametrize("primitive", REGISTRY.values(), ids=lambda one: one.name)
WITH_OUT = [
    case
    for case in CASES
    if isinstance(case.primitive.numpy, NumPy) and case.primitive.numpy.out is not None
]
# The markers hand their operand on; they are erased before any code is made.
OWNING = [
    case
    for case in CASES
    if not case.graph().nodes[-1].is_view
    and case.primitive.numpy is not None
    and case.primitive.name not in {"stop_gradient", "with_value"}
]
# What a loop saves is of use in loops only; the tests of these try it.
OF_LOOPS = {"record", "push", "trim"}
# NumPy has them for vectors that are not empty only.
OF_VECTORS = {"convolve", "correlate"}
WITHOUT_GRADIENT = [
    case for case in CASES if isinstance(case.primitive.derivative, NoGradient) and case.wanted()
]


@every_primitive
def test_primitive_is_tried(primitive: Primitive) -> None:
    """All but markers and call-backs come with what the other tests need."""
    assert REGISTRY[primitive.name] is primitive
    elsewhere = primitive.effect or primitive.regions or primitive.name in OF_LOOPS
    assert elsewhere or any(case.primitive is primitive for case in CASES)


@every_primitive
def test_examples_are_of_each_rank(primitive: Primitive) -> None:
    """Shapes at which rules go wrong: of no elements, and of no axes where that has a meaning."""
    shapes = [
        value.shape
        for case in CASES
        for value in (*case.graph().params, *case.graph().outputs)
        if case.primitive is primitive and case.operands
    ]
    if shapes and primitive.name not in OF_VECTORS:
        assert max(map(len, shapes)) >= 2
        assert not primitive.elementwise or {(), (1,)} <= set(shapes)
        assert any(0 in shape for shape in shapes)


@every_primitive
def test_names_are_stable_in_text(primitive: Primitive) -> None:
    """Names are written in printed graphs and are keys of caches: plain lower case."""
    assert re.fullmatch("[a-z][a-z0-9_]*", primitive.name)
    assert repr(primitive) == f"<primitive {primitive.name}>"


@every_case
def test_printed_text_is_stable(case: Case) -> None:
    """The same node prints the same, and no address gets into the text."""
    text = print_graph(case.graph())
    assert text == print_graph(case.graph())
    assert f" = {case.primitive.name}(" in text
    assert " at 0x" not in text


@over([case for case in CASES if hasattr(np, case.primitive.name)])
def test_value_is_that_of_the_numpy_function_of_its_name(case: Case) -> None:
    """Whatever its text is, operator, method or index: ``sum`` is np.sum."""
    attrs = dict(case.attrs)
    if "keepdims" in attrs:
        axes = attrs.pop("axes")
        everything = len(axes) == len(case.operands[0])
        attrs["axis"] = axes[0] if len(axes) == 1 else None if everything else axes
    if case.primitive.name == "argsort":
        attrs["kind"] = "stable"
    function = getattr(np, case.primitive.name)
    for dtype in case.dtypes() or [None]:
        arrays = case.arrays(dtype)
        operands = [arrays] if case.primitive.name in {"concatenate", "stack"} else arrays
        options = attrs if arrays else {}
        expected = function(*operands, *(() if arrays else attrs.values()), **options)
        np.testing.assert_allclose(
            case.primitive.evaluate(*arrays, **case.attrs), expected, rtol=1e-15, err_msg=str(dtype)
        )


@over(WITH_OUT)
def test_out_gives_the_same_bits(case: Case) -> None:
    """Buffer reuse turns the expression into ``f(..., out=)``: it may change nothing."""
    function = getattr(np, case.primitive.numpy.out.removeprefix("np."))
    for dtype in case.dtypes():
        for layout in LAYOUTS:
            arrays = case.arrays(dtype, layout)
            expected = np.asarray(case.primitive.evaluate(*arrays, **case.attrs))
            out = np.zeros_like(expected)
            assert function(*arrays, out=out) is out
            assert out.tobytes() == expected.tobytes(), (dtype, layout)


@over([case for case in WITH_OUT if case.primitive.elementwise])
def test_out_may_be_the_operand(case: Case) -> None:
    """An elementwise result may take the memory of a dead operand of its type."""
    function = getattr(np, case.primitive.numpy.out.removeprefix("np."))
    for dtype in case.dtypes():
        arrays = case.arrays(dtype)
        expected = np.asarray(case.primitive.evaluate(*arrays, **case.attrs))
        for position in case.shaped:
            copies = [np.array(array) for array in arrays]
            if copies[position].dtype == expected.dtype:
                function(*copies, out=copies[position])
                assert copies[position].tobytes() == expected.tobytes(), dtype


@over([case for case in CASES if case.graph().nodes[-1].is_view])
def test_only_views_share_memory(case: Case) -> None:
    """``view`` is what aliasing and in-place decisions rely on: it must not be said in vain."""
    array, *indices = case.arrays()
    result = case.primitive.evaluate(array, *indices, **case.attrs)
    assert np.shares_memory(result, array) or not np.size(result) or not np.ndim(result)


@over(OWNING)
def test_others_own_their_memory(case: Case) -> None:
    """A result that is not said to be a view may be stored into."""
    arrays = case.arrays()
    result = case.primitive.evaluate(*arrays, **case.attrs)
    assert not any(np.shares_memory(result, array) for array in arrays)


@every_executor
@over(WITHOUT_GRADIENT)
def test_no_gradient_means_zero(case: Case, executor: Executor) -> None:
    """Said on purpose: the gradient is zero, of the operand's type, and no error."""
    arrays, graph = case.arrays(), case.graph()
    if not graph.outputs[0].type.is_float:
        with Builder(graph.nodes) as builder:
            out = cast(graph.outputs[0], dtype=np.dtype(np.float64))
        graph = Graph(graph.params, tuple(builder.nodes), (out,))
    joint = differentiate(graph, case.wanted(), [0])
    ct = np.ones(joint.params[-1].shape)
    for position, gradient in zip(case.wanted(), executor(joint)(*arrays, ct)[1:], strict=True):
        assert type_of(gradient) == type_of(arrays[position])
        assert not np.any(gradient)


@over([case for case in DIFFERENTIABLE if isinstance(case.primitive.derivative, Linear)])
def test_linear_rules_read_no_values(case: Case) -> None:
    """What a transpose reads must be kept for backward: of linear operands it is nothing."""
    joint = differentiate(case.graph(), case.wanted(), [0])
    read = {operand for node in joint.nodes[1:] for operand in node.operands}
    assert not read & {joint.outputs[0], *(joint.params[i] for i in case.wanted())}


@over([case for case in DIFFERENTIABLE if isinstance(case.primitive.derivative, Partials)])
def test_partials_are_of_the_type_of_the_result(case: Case) -> None:
    """A partial is a value like the result, a number, or None: never of another shape or dtype."""
    for dtype in (np.float32, np.float64):
        arrays = [laid_out(array, "contiguous") for array in case.arrays(dtype)]
        out = case.primitive.evaluate(*arrays, **case.attrs)
        for partial in case.primitive.derivative.rule(out, *arrays):
            number = isinstance(partial, int | float) and not isinstance(partial, np.generic)
            assert partial is None or number or type_of(partial) == type_of(out)
