"""Primitives as users define them: made when a test runs, and taken out of the registry again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradc.compiler.primitive import REGISTRY

from gradc import extend

SOFTCLIP = '''
def _own_softclip(x, width):
    """Clip smoothly to (-width, width)."""
    return width * np.tanh(x / width)
'''


@contextmanager
def own_registry() -> Iterator[None]:
    """Forget within what is defined within."""
    before = dict(REGISTRY)
    try:
        yield
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)


def softclip(**changes: Any) -> extend.Primitive:
    """Return an elementwise primitive of two operands, with a private function."""

    def partials(out: Any, x: Any, width: Any) -> Any:
        ratio = out / width
        slope = 1.0 - extend.operations.square(ratio)
        return slope, ratio - slope * x / width

    fields: dict[str, Any] = {
        "arity": 2,
        "partials": partials,
        "functions": (SOFTCLIP,),
        "domain": ((-3.0, 3.0), (0.5, 2.0)),
    }
    return extend.elementwise("own_softclip", **{**fields, **changes})


def _square_matrix(a: extend.ArrayType) -> extend.ArrayType:
    if a.ndim != 2 or a.shape[0] != a.shape[1] or a.dtype.kind != "f":
        raise extend.TypeRuleError("takes a square matrix", fix="give one of shape (n, n)")
    return a


def inverse(**changes: Any) -> extend.Primitive:
    """Return a primitive that is not elementwise: its adjoint reads its own result."""

    def adjoint(ct: Any, out: Any, a: Any) -> Any:
        turned = extend.operations.transpose(out, axes=(1, 0))
        product = extend.operations.matmul(extend.operations.matmul(turned, ct), turned)
        return (-product,)

    fields: dict[str, Any] = {
        "type": _square_matrix,
        "derivative": extend.Adjoint(adjoint),
        "numpy": extend.NumPy("np.linalg.inv({0})"),
        "examples": (extend.Example(((3, 3),)), extend.Example(((1, 1),))),
    }
    return extend.Primitive("own_inverse", **{**fields, **changes})


def turned(**changes: Any) -> extend.Primitive:
    """Return a linear primitive with an attr, whose transpose is itself."""

    def transpose(ct: Any, x: Any, factor: float) -> Any:
        return (extend.operations.own_turned(ct, factor=factor),)

    fields: dict[str, Any] = {
        "type": lambda x, factor: x,
        "derivative": extend.Linear(transpose),
        "numpy": extend.NumPy(lambda types, attrs: f"np.flip({{0}}) * {attrs['factor']}"),
        "examples": (
            extend.Example(((3,),), {"factor": 2.0}),
            extend.Example(((2, 2),), {"factor": -1.5}),
        ),
    }
    return extend.Primitive("own_turned", **{**fields, **changes})
