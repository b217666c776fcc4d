"""The workloads: each module holds one function, its gradient by hand and its torch version."""

from . import (
    attention,
    blackscholes,
    call,
    convnet,
    jacobi_sweeps,
    logreg,
    mlp,
    predators,
    rosenbrock,
)

WORKLOADS = (
    call.WORKLOAD,
    rosenbrock.WORKLOAD,
    logreg.WORKLOAD,
    mlp.WORKLOAD,
    attention.WORKLOAD,
    convnet.WORKLOAD,
    blackscholes.WORKLOAD,
    jacobi_sweeps.WORKLOAD,
    predators.WORKLOAD,
)
