"""Each benchmark runs at a tiny size: the versions that are timed compute the same thing."""

import numpy as np
import pytest

from .loading import benchmark_module

run, peers = benchmark_module("run"), benchmark_module("peers")
every_workload = pytest.mark.parametrize("workload", run.WORKLOADS, ids=lambda w: w.name)


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
def test_compiled_gradient_equals_the_one_by_hand(workload):
    args = workload.args(tiny=True)
    expected = workload.by_hand(*args)
    assert workload.disagreement(run.in_gradc(workload)(*args), expected) is None


@every_workload
@pytest.mark.parametrize("peer", run.PEERS)
def test_peers_compute_the_same(workload, peer):
    try:
        version = run.PEERS[peer](workload)
    except ImportError:
        pytest.skip(f"{peer} is not installed")
    except peers.MissingVersionError:
        pytest.skip(f"{workload.name} is not written for {peer}")
    args = workload.args(tiny=True)
    assert workload.disagreement(version(*args), workload.by_hand(*args)) is None


def test_times_are_taken_of_every_version(monkeypatch):
    """The timing itself works; what it measures is the business of `make bench`."""
    workload = run.WORKLOADS[0]
    monkeypatch.setattr(run, "installed_peers", lambda workload: {})
    times = run.times_of(workload, seconds=0.01)
    assert set(times) == {"by hand", "gradc"}
    assert all(0 < seconds < 1 for seconds in times.values())


def test_compile_time_is_reported_by_stage():
    stages = benchmark_module("compile_time").compile_seconds(operations=20)
    assert len(stages) >= 4
    assert all(seconds >= 0 for seconds in stages.values())
