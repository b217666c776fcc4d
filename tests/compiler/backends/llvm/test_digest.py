"""Equal digests are equal code; what does not decide the code does not decide the digest."""

from dataclasses import replace

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.digest import NoDigestError, digest
from gradc.compiler.backends.llvm.layout import places_of
from gradc.compiler.backends.llvm.lowering import called
from gradc.compiler.backends.llvm.program import Program
from gradc.compiler.backends.llvm.target import Target
from gradc.compiler.ir import Graph, SourceLine, Value
from gradc.compiler.pipeline import Log, lower_native

from gradc import compile_grad, cond, debug, extend, fori_loop, spec
from tests.programs import PROGRAMS
from tests.test_zoo_loops import LOOP_PROGRAMS

from .... import own_primitives


def lowered(made):
    return lower_native(made.joint(seeded=True) if made.is_scalar else made.graph, Log())


def graph_of(function, *specs, **options):
    specs = specs or ("f8[6]",)
    return lowered(compile_grad(function, **options).lower(*map(spec, specs))._made)


def digest_of(function, *specs, **options):
    return digest(graph_of(function, *specs, **options))


def elsewhere(graph):
    """Return a graph that computes the same, in lines and with names of other files."""
    known = {}

    def other(values):
        return tuple(
            known.setdefault(one, Value(one.type, f"other_{len(known)}")) for one in values
        )

    params, nodes = other(graph.params), []
    for node in graph.nodes:
        nodes.append(
            replace(
                node.map_regions(elsewhere),
                operands=other(node.operands),
                outs=other(node.outs),
                origin=node.origin if places_of(node) else SourceLine("other.py", 7),
            )
        )
    return Graph(params, tuple(nodes), other(graph.outputs))


def text_of(graph):
    module = ir.Module("gradc")
    program = Program(graph, module, "run", Target.named("x86-64-v3"), 2)
    return f"{module}{program.products}"


@pytest.mark.parametrize("program", [*PROGRAMS, *LOOP_PROGRAMS], ids=repr)
def test_names_and_lines_decide_neither_digest_nor_code(program):
    """So a function that was moved finds its code, and it is its code that it finds."""
    graph = lowered(compile_grad(program.fn, **program.options).lower(*program.args())._made)
    try:
        found = digest(graph)
    except NoDigestError:
        assert called(graph)
        return
    other = elsewhere(graph)
    assert digest(other) == found
    assert text_of(other) == text_of(graph)


DIFFERENT = {
    "first": lambda x: np.sum(np.sin(np.cos(x))),
    "order": lambda x: np.sum(np.cos(np.sin(x))),
    "constant": lambda x: np.sum(x * 2.0),
    "last bit of a constant": lambda x: np.sum(x * np.nextafter(2.0, 3.0)),
    "zero": lambda x: np.sum(np.arctan2(0.0, x)),
    "negative zero": lambda x: np.sum(np.arctan2(-0.0, x)),
    "row": lambda x: np.sum(x * np.array([1.0, 2, 3, 4, 5, 6])),
    "another row": lambda x: np.sum(x * np.array([1.0, 2, 3, 4, 5, 7])),
    "axis": lambda x: np.sum(np.cumsum(x.reshape(2, 3), axis=0) ** 2),
    "other axis": lambda x: np.sum(np.cumsum(x.reshape(2, 3), axis=1) ** 2),
    "slice": lambda x: np.sum(x[1:4] ** 2),
    "other slice": lambda x: np.sum(x[2:5] ** 2),
    "loop": lambda x: np.sum(fori_loop(0, 3, lambda i, x: x * x, x)),
    "longer loop": lambda x: np.sum(fori_loop(0, 4, lambda i, x: x * x, x)),
    "other body": lambda x: np.sum(fori_loop(0, 3, lambda i, x: x * x * 2, x)),
    "branches": lambda x: np.sum(cond(x[0] > 0, np.sin, np.cos, x)),
    "branches exchanged": lambda x: np.sum(cond(x[0] > 0, np.cos, np.sin, x)),
    "operands": lambda x: np.sum(x[:3] / x[3:]),
    "operands exchanged": lambda x: np.sum(x[3:] / x[:3]),
    "a product twice": lambda x: np.sum((x * x) ** 2),
    "a product once": lambda x: np.sum((x * np.abs(x)) ** 2),
}


def test_what_decides_the_code_decides_the_digest():
    digests = {name: digest_of(function) for name, function in DIFFERENT.items()}
    assert len(set(digests.values())) == len(DIFFERENT), digests
    first = DIFFERENT["first"]
    assert digest_of(first, "f4[6]") != digests["first"] != digest_of(first, "f8[7]")


def test_the_order_of_results_decides():
    def both(x, y):
        return np.sum(x * y * y)

    specs = "f8[6]", "f8[6]"
    one, other = (digest_of(both, *specs, wrt=wrt) for wrt in ((0, 1), (1, 0)))
    assert one != other


def test_lines_that_errors_name_decide():
    """The message about a wrong place names the line, and is part of the code."""
    source = "def gathered(x, places):\n    return np.sum(x[places] ** 2)\n"
    digests = []
    for shift in ("", "\n\n"):
        scope = {"np": np}
        exec(compile(shift + source, "<gathered>", "exec"), scope)
        digests.append(digest_of(scope["gathered"], "f8[6]", "i8[3]"))
    assert digests[0] != digests[1]


def test_what_is_no_data_has_no_digest():
    """A function of the user's may do something else tomorrow, under the same name."""

    def watched(x):
        debug.callback(print, x)
        return np.sum(x * x)

    with pytest.raises(NoDigestError, match="function"):
        digest_of(watched)
    with own_primitives.own_registry():
        clipped = extend.function(own_primitives.softclip())
        with pytest.raises(NoDigestError, match="the primitive own_softclip of tests"):
            digest_of(lambda x: np.sum(clipped(x, 2.0)))
