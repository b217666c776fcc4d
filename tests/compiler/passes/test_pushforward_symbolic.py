"""Forward mode with one size that is known only when the program runs."""

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.passes.pushforward import pushforward
from gradc.compiler.types import type_of
from gradc.compiler.verify import verify

from ..primitives.cases import emitted, one_node, random_like
from ..primitives.test_symbolic import REFUSED, WITH_GRADIENT, Symbolic, label_of
from ..substitution import substitute_graph


@pytest.mark.parametrize("form", WITH_GRADIENT, ids=label_of)
def test_tangent_at_a_size_is_the_concrete_one(form: Symbolic) -> None:
    """N put in before forward mode or after it; what has no gradient then has no tangent."""
    case, wanted = form.case, form.case.wanted()
    try:
        forward = verify(pushforward(one_node(case.primitive, form.types, form.attrs), wanted))
    except REFUSED.get(case.primitive.name, ()):
        return
    arrays = case.arrays()
    operands = (*arrays, *random_like([arrays[i] for i in wanted], seed=2))
    expected = evaluate(pushforward(case.graph(), wanted), *operands)
    at_size = substitute_graph(forward, {"n": form.size})
    # Generated code takes the size from the arrays that it gets.
    for found in (evaluate(at_size, *operands), emitted(forward)(*operands)):
        for one, other in zip(found, expected, strict=True):
            assert type_of(one) == type_of(other)
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
