"""What a call costs: the same program as users call it, and as C calls it."""

from __future__ import annotations

from timeit import Timer

from gradc import compile_grad

from .limit import Limit, Loop, MissingLimitError
from .timing import Timeable, best_times
from .workload import Workload


def call_seconds(workload: Workload, seconds: float) -> dict[str, float]:
    """Return the seconds of each way to call the native code of a function of one array."""
    (x,) = args = workload.args()
    f = compile_grad(workload.fn, wrt=workload.wrt, backend="llvm")
    f.value_and_grad(x)
    lowered = f.lower(x)
    ways: dict[str, Timeable] = {
        "f.value_and_grad(x)": Timer("f.value_and_grad(x)", globals={"f": f, "x": x}),
        "call(x), call = f.value_and_grad": Timer(
            "call(x)", globals={"call": f.value_and_grad, "x": x}
        ),
        "np.multiply(x, x)": Timer("np.multiply(x, x)", "import numpy as np", globals={"x": x}),
    }
    try:
        limit = Limit(workload, args)
    except MissingLimitError:
        return best_times(ways, seconds)
    results = limit.timer(args).results
    ways["its C function, in a C loop"] = Loop(limit.library, args, results, lowered.address)
    ways["C by hand, in a C loop"] = limit.timer(args)
    return best_times(ways, seconds)
