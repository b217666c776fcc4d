"""Names of primitives: whose is whose, and who may replace them."""

from collections.abc import Iterator

import numpy as np
import pytest
from gradc.compiler.primitive import REGISTRY

import gradc
from gradc import GradcError, extend

from ..own_primitives import inverse, own_registry, softclip

DEFINITION = """
from gradc import extend
entry = extend.elementwise("shifted", partials=lambda out, x: (1.0,), expression="{0} + %s")
shifted = extend.function(entry)
"""


@pytest.fixture(autouse=True)
def _own() -> Iterator[None]:
    with own_registry():
        yield


def run(module: str, amount: float) -> dict[str, object]:
    scope: dict[str, object] = {"__name__": module}
    exec(DEFINITION % amount, scope)
    return scope


def test_a_module_that_runs_again_replaces_its_own() -> None:
    """A reload, or a cell of a notebook; what was compiled before keeps what it was made with."""
    first = run("__main__", 1.0)["shifted"]
    compiled = gradc.compile_grad(lambda x: first(x))  # type: ignore[operator]
    assert compiled(1.0) == 2.0
    second = run("__main__", 2.0)["shifted"]
    assert second(1.0) == 3.0  # type: ignore[operator]
    assert gradc.compile_grad(lambda x: second(x))(1.0) == 3.0  # type: ignore[operator]
    assert compiled(1.0) == 2.0
    assert REGISTRY["shifted"].module == "__main__"


def test_entries_of_others_are_not_replaced() -> None:
    """Neither those of another module nor gradc's."""
    run("first", 1.0)
    with pytest.raises(GradcError, match="'shifted' is registered already") as caught:
        run("second", 2.0)
    assert caught.value.got == "one in second, and one in first before it"
    assert REGISTRY["shifted"].module == "first"
    sine = REGISTRY["sin"]
    with pytest.raises(GradcError, match="'sin' is registered already"):
        extend.elementwise("sin", partials=lambda out, x: (x,))
    assert REGISTRY["sin"] is sine
    assert sine.module == "gradc.compiler.primitives.elementwise.trigonometric"


def test_helpers_of_gradc_do_not_count_as_the_module() -> None:
    """`elementwise` enters for who calls it."""
    assert softclip().module == inverse().module == softclip.__module__


def test_a_compiled_function_is_captured_anew_for_a_new_function() -> None:
    """A notebook: the cell that defines the primitive runs again, the next one is the same."""
    scope = run("__main__", 1.0)
    source = "import gradc\ncompiled = gradc.compile_grad(lambda x: shifted(x))"
    exec(source, scope)
    compiled = scope["compiled"]
    assert compiled(1.0) == 2.0  # type: ignore[operator]
    exec(DEFINITION % 5.0, scope)
    assert compiled(1.0) == 6.0  # type: ignore[operator]


def test_module_has_what_an_entry_needs() -> None:
    for name in extend.__all__:
        assert hasattr(extend, name)
    out = extend.operations.exp(np.zeros(2))
    np.testing.assert_array_equal(out, np.ones(2))
