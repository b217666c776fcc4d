"""The workloads: each module holds one function, its gradient by hand and its torch version."""

from . import attention, blackscholes, call, logreg, mlp, rosenbrock

WORKLOADS = (
    call.WORKLOAD,
    rosenbrock.WORKLOAD,
    logreg.WORKLOAD,
    mlp.WORKLOAD,
    attention.WORKLOAD,
    blackscholes.WORKLOAD,
)
