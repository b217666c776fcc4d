"""The number of threads: where it comes from, who hears of it, and what is refused."""

import os

import numpy as np
import pytest
from gradc.runtime import threads

from gradc import GradcError


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """As in a process where nobody has chosen yet, and without the pool of this one."""
    monkeypatch.setattr(threads, "_chosen", None)
    monkeypatch.setattr(threads, "_listeners", [])
    monkeypatch.delenv(threads.VARIABLE, raising=False)


@pytest.fixture(autouse=True)
def without_quota(monkeypatch, tmp_path):
    monkeypatch.setattr(threads, "_OWN_GROUP", tmp_path / "none")


def test_by_default_there_are_as_many_as_cores():
    assert threads.get_num_threads() == threads.usable_cores()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not tell")
def test_cores_that_the_process_may_not_use_are_not_counted(monkeypatch):
    """As in a container, or under taskset."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 6})
    assert threads.usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert threads.usable_cores() == 5


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "max 100000"}, 64),
        ({"cpu.max": "250000 100000"}, 3),
        ({"cpu.max": "20000 100000"}, 1),
        ({"outer/cpu.max": "200000 100000", "outer/inner/cpu.max": "900000 100000"}, 2),
        ({"outer/cpu.max": "max 100000", "outer/inner/cpu.max": "800000 100000"}, 8),
        ({"cpu.max": "nonsense", "other/cpu.max": "100000 100000"}, 64),
        ({}, 64),
    ],
)
def test_quota_of_a_container_counts(monkeypatch, tmp_path, files, cores):
    """As `docker run --cpus` sets it: of all groups that the process is in, the least."""
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", "ascii")
    (tmp_path / "own").write_text("1:name=systemd:/elsewhere\n0::/outer/inner\n", "ascii")
    monkeypatch.setattr(threads, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(threads, "_OWN_GROUP", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert threads.usable_cores() == cores
    (tmp_path / "own").unlink()
    assert threads.usable_cores() == 64


@pytest.mark.parametrize(("text", "count"), [("3", 3), (" 12 ", 12), ("", None), ("1024", 1024)])
def test_environment_gives_the_number_at_the_start(monkeypatch, text, count):
    monkeypatch.setenv(threads.VARIABLE, text)
    assert threads.get_num_threads() == (count or threads.usable_cores())
    monkeypatch.setenv(threads.VARIABLE, "7")
    assert threads.get_num_threads() == (count or threads.usable_cores())


def test_choice_overrules_the_environment(monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, "three")
    threads.set_num_threads(2)
    assert threads.get_num_threads() == 2
    threads.set_num_threads(np.int64(5))
    assert threads.get_num_threads() == 5
    assert type(threads.get_num_threads()) is int


@pytest.mark.parametrize("count", [0, -1, 1025, True, 2.0, "2", None, np.ones(2)])
def test_what_is_no_number_of_threads_is_refused(count):
    threads.set_num_threads(2)
    with pytest.raises(GradcError, match="must be an integer from 1 to 1,024") as raised:
        threads.set_num_threads(count)
    assert raised.value.got in (str(count), repr(count))
    assert threads.get_num_threads() == 2


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5", "1025"])
def test_wrong_environment_is_refused_by_its_name(monkeypatch, text):
    monkeypatch.setenv(threads.VARIABLE, text)
    for ask in (threads.get_num_threads, lambda: threads.follow(lambda _: None)):
        with pytest.raises(
            GradcError, match="the environment variable GRADC_NUM_THREADS"
        ) as raised:
            ask()
        assert text in raised.value.got
        assert "unset" in raised.value.fix


def test_listeners_hear_the_number_now_and_later():
    heard = []
    threads.set_num_threads(3)
    threads.follow(heard.append)
    threads.set_num_threads(4)
    assert heard == [3, 4]
