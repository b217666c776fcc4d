"""Which peers stand in the tables: those that are there, that work, and that end."""

import signal
import time

import pytest

from .loading import benchmark_module

peers = benchmark_module("peers")
WORKLOAD = benchmark_module("workloads").WORKLOADS[0]


def names_of(monkeypatch, make):
    monkeypatch.setattr(peers, "PEERS", {"one": make})
    return list(peers.installed_peers(WORKLOAD, WORKLOAD.args(tiny=True)))


def test_a_peer_that_works_is_taken(monkeypatch):
    assert names_of(monkeypatch, lambda workload: workload.by_hand) == ["one"]


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch, capsys):
    def make(workload):
        raise ImportError("no such module")

    assert names_of(monkeypatch, make) == []
    assert capsys.readouterr().out == ""


def test_a_peer_that_fails_is_left_out_and_named(monkeypatch, capsys):
    """It may need a compiler that is not there."""

    def make(workload):
        return lambda *args: 1 / 0

    assert names_of(monkeypatch, make) == []
    assert "without one: ZeroDivisionError" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="the system has no alarms")
def test_a_peer_that_compiles_for_too_long_is_left_out(monkeypatch, capsys):
    """And the alarm is off afterwards, its handler as it was."""
    monkeypatch.setattr(peers, "LONGEST_COMPILATION", 1)
    before = signal.getsignal(signal.SIGALRM)
    assert names_of(monkeypatch, lambda workload: lambda *args: time.sleep(60)) == []
    assert "call without one: over 1 s" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.alarm(0) == 0
