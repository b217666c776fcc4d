"""The tables are made and written; what they say is the business of `make bench`."""

import json
import sys

import pytest

from .loading import benchmark_module

run, tables = benchmark_module("run"), benchmark_module("tables")
OURS = {"llvm", "llvm, 1 thread", "numpy", "by hand"}


@pytest.fixture
def no_peers(monkeypatch):
    monkeypatch.setattr(run, "installed_peers", lambda workload, args: {})


@pytest.mark.usefixtures("no_peers")
def test_times_are_taken_of_every_version():
    times = run.times_of(run.WORKLOADS[0], seconds=0.01, tiny=True)
    assert set(times) - {"C by hand"} == OURS
    assert all(0 < seconds < 1 for seconds in times.values())


@pytest.mark.usefixtures("no_peers")
def test_versions_that_disagree_are_not_timed(monkeypatch):
    def wrong(workload):
        return {"llvm": run.Version(lambda x: (x @ x, (x,)))}

    monkeypatch.setattr(run, "our_versions", wrong)
    with pytest.raises(AssertionError, match="call, llvm: gradient 0 differs"):
        run.times_of(run.WORKLOADS[0], seconds=0.01)


@pytest.mark.usefixtures("no_peers")
def test_figures_are_printed_and_written(monkeypatch, tmp_path, capsys):
    file = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "argv", ["x", "call", "--seconds", "0.01", "--json", str(file)])
    run.main()
    assert "<= 150 ns" in capsys.readouterr().out
    found = json.loads(file.read_text("utf-8"))
    assert set(found["workloads"]["call"]["seconds"]) >= OURS
    assert found["machine"]["threads"] >= 1


def test_what_is_around_the_computation_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(run, "first_call_seconds", lambda *names, folder="": None)
    monkeypatch.setattr(run, "compile_seconds", lambda operations, backend: {"all": 1.0})
    monkeypatch.setattr(run, "import_seconds", lambda: 0.05)
    measured = run.measure_around(seconds=0.01)
    assert list(measured) == [
        "calls",
        "first calls",
        "compiling, llvm",
        "compiling, numpy",
        "import",
    ]
    assert "import gradc beyond numpy" in capsys.readouterr().out


def test_an_unknown_workload_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", "cal"])
    with pytest.raises(SystemExit):
        run.main()
    assert "there is no workload 'cal'; there are call," in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.25e-3, "2.25 ms"),
        (1.04e-7, "104 ns"),
        (1.961e-9, "1.96 ns"),
        (0.0315, "31.5 ms"),
        (63.0, "63.0 s"),
        (0.9999, "1000 ms"),
        (2e-10, "0.20 ns"),
        (None, "-"),
    ],
)
def test_times_have_three_digits_and_a_unit(seconds, text):
    assert tables.duration(seconds) == text


def test_a_row_says_whether_the_goal_is_reached():
    workload = run.WORKLOADS[0]
    assert tables.row(workload, {"llvm": workload.goal}).endswith("ok")
    assert tables.row(workload, {"llvm": 2 * workload.goal}).endswith("2.00 x")


def test_columns_are_all_versions_that_there_are():
    peers = benchmark_module("peers").PEERS
    assert set(tables.COLUMNS) == {*OURS, *peers, "C by hand"}
