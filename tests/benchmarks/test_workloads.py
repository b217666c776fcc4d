"""Each benchmark runs at a tiny size: the versions that are timed compute the same thing."""

from collections.abc import Iterator

import numpy as np
import pytest

import gradc

from .loading import benchmark_module

pytest.importorskip("scipy", reason="its erf is what blackscholes by hand computes with")

WORKLOADS = benchmark_module("workloads").WORKLOADS
limit, peers = benchmark_module("limit"), benchmark_module("peers")
version = benchmark_module("version")

every_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    before = gradc.get_num_threads()
    yield
    gradc.set_num_threads(before)


@every_workload
def test_gradient_by_hand_equals_finite_differences(workload):
    """In float64 and one random direction for each argument."""
    args = [
        np.array(a, float) if np.asarray(a).dtype.kind == "f" else a for a in workload.args(True)
    ]
    value, gradient = workload.by_hand(*args)
    assert value == pytest.approx(workload.fn(*args), rel=1e-12)
    rng, step = np.random.default_rng(3), 1e-5
    for position, slope in zip(workload.wrt, gradient, strict=True):
        way = rng.normal(size=np.shape(args[position]))
        ends = []
        for sign in (1, -1):
            moved = list(args)
            moved[position] = args[position] + sign * step * way
            ends.append(workload.fn(*moved))
        # Second-order differences: the truncation is about 1e-10 times the third derivative.
        expected = (ends[0] - ends[1]) / (2 * step)
        assert np.sum(slope * way) == pytest.approx(expected, rel=1e-6, abs=1e-7)


@every_workload
def test_compiled_gradients_equal_the_one_by_hand(workload):
    args = workload.args(tiny=True)
    expected = workload.by_hand(*args)
    versions = version.our_versions(workload)
    assert versions
    for name, ours in versions.items():
        assert workload.disagreement(ours(*args), expected) is None, name


@every_workload
def test_limit_in_c_equals_the_gradient_by_hand(workload):
    """With all that it may reorder, and with the vectors of the C library."""
    args = workload.args(tiny=True)
    try:
        in_c = limit.Limit(workload, args)
    except limit.MissingLimitError as error:
        pytest.skip(str(error))
    assert workload.disagreement(in_c(*args), workload.by_hand(*args)) is None


@every_workload
@pytest.mark.parametrize("peer", sorted(set(peers.PEERS) - {"torch.compile"}))
def test_peers_compute_the_same(workload, peer):
    expect_agreement(workload, peer)


@pytest.mark.slow  # it compiles C++, which each workload would take
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_compiled_torch_computes_the_same(monkeypatch):
    monkeypatch.setattr(peers, "PEERS", {"torch.compile": peers.in_compiled_torch})
    if not peers.installed_peers(WORKLOADS[0], WORKLOADS[0].args(tiny=True)):
        pytest.skip("torch.compile does not work here")
    expect_agreement(WORKLOADS[0], "torch.compile")


def expect_agreement(workload, peer):
    try:
        in_peer = peers.PEERS[peer](workload)
    except ImportError:
        pytest.skip(f"{peer} is not installed")
    except peers.MissingVersionError:
        pytest.skip(f"{workload.name} is not written for {peer}")
    args = workload.args(tiny=True)
    assert workload.disagreement(in_peer(*args), workload.by_hand(*args)) is None
