"""Limits on time that users feel: compiling a long program, and the import."""

import pytest

from .loading import benchmark_module

compile_time = benchmark_module("compile_time")
import_time = benchmark_module("import_time")


def fastest(operations: int) -> float:
    """Return the seconds of all stages together, the better of two runs."""
    runs = [compile_time.compile_seconds(operations) for _ in range(2)]
    return min(sum(run.values()) - run["all, and the first call"] for run in runs)


def test_compile_time_is_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the operations take about four times as long; quadratic growth would be 16."""
    monkeypatch.delenv("GRADC_VERIFY")  # the verifier is no part of what users wait for
    whole = fastest(compile_time.OPERATIONS)
    assert whole < compile_time.LIMIT
    assert whole < 8 * fastest(compile_time.OPERATIONS // 4)


def test_import_is_quick() -> None:
    assert import_time.import_seconds() < import_time.LIMIT
