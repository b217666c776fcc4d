"""What is timed around the computation: compiling, a first call, and calls."""

import pytest

from .loading import benchmark_module

compile_time = benchmark_module("compile_time")
WORKLOADS = benchmark_module("workloads").WORKLOADS


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_compile_time_is_reported_by_stage(backend):
    stages = compile_time.compile_seconds(operations=20, backend=backend)
    assert len(stages) >= 4
    assert all(seconds >= 0 for seconds in stages.values())


def test_a_first_call_is_timed_in_a_fresh_process():
    assert 0 < compile_time.first_call_seconds("numpy", "call", processes=1) < 60


def test_a_first_call_finds_code_in_a_folder(tmp_path):
    times = [
        compile_time.first_call_seconds("llvm", "call", processes=1, folder=folder)
        for folder in ("", str(tmp_path), str(tmp_path))
    ]
    assert all(0 < seconds < 60 for seconds in times)
    assert list(tmp_path.iterdir())


def test_a_version_that_is_not_there_has_no_first_call():
    assert compile_time.first_call_seconds("no peer", "call", processes=1) is None


def test_calls_are_timed_from_python_and_from_c():
    times = benchmark_module("call_overhead").call_seconds(WORKLOADS[0], seconds=0.01)
    assert len(times) in (3, 5)  # those from C take a compiler of C
    assert all(0 < seconds < 1 for seconds in times.values())
