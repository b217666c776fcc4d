"""Some random programs, as ``make fuzz`` runs many; and that it finds what is wrong."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from gradc.runtime import native_calls

from .arguments import Argument, laid_out, plain
from .batches import run_batches, script
from .cases import Case, draw
from .checks import Outcome, check
from .shrinking import shrink

SINE = Case(
    "def program(a, b):\n    c = np.sin(a)\n    d = b + 1\n    return np.sum(c * d)\n",
    (Argument("a", (5,)), Argument("b", (3, 5), layout="spread")),
    seed=3,
    level=1,
)


@pytest.mark.parametrize("first", range(0, 125, 25))
def test_random_programs(first, tmp_path):
    """With little optimisation, which is what compiling takes its time for."""
    tally = run_batches(first, 25, tmp_path, level=1)
    assert not tally.scripts, tally.scripts[0].read_text()


def test_random_programs_as_users_compile_them(tmp_path):
    tally = run_batches(200, 25, tmp_path)
    assert not tally.scripts, tally.scripts[0].read_text()


def test_a_seed_says_all():
    assert draw(12) == draw(12) != draw(13)


def test_a_right_program_is_right():
    assert check(SINE) == Outcome("ok")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda one: one * (1 + 1e-5), "values"),
        (lambda one: one * np.nan, "values"),
        (lambda one: np.float32(one), "type"),
        (lambda one: one * (1 + 1e-13 * np.random.random()), "output differs"),
    ],
)
def test_what_is_wrong_is_found(change, status, monkeypatch):
    compiled = native_calls.native_program

    def wrong(*args, **kwargs):
        program = compiled(*args, **kwargs)
        run = program.run
        program.run = lambda *leaves: tuple(map(change, run(*leaves)))
        program.takes_calls = False
        return program

    monkeypatch.setattr(native_calls, "native_program", wrong)
    assert check(SINE).status == status


def test_a_failure_is_cut_down():
    def fails(case):
        return "np.sin" in case.source

    smaller = shrink(SINE, fails)
    assert "d =" not in smaller.source
    assert smaller.arguments == (SINE.arguments[0], replace(SINE.arguments[1], layout="plain"))


def test_its_script_runs(tmp_path):
    path = tmp_path / "failure.py"
    path.write_text(script(SINE, Outcome("values", 'output "0"')))
    scope = {"__name__": "failure"}
    exec(path.read_text(), scope)
    assert scope["CASE"] == SINE


def test_a_crash_costs_one_program(tmp_path):
    worker = """
import json, os, sys
first, stop = map(int, sys.argv[-1].split(":"))
for seed in range(first, stop):
    if seed == 5:
        os.abort()
    print(json.dumps((seed, "ok", "", "")), flush=True)
"""
    tally = run_batches(3, 6, tmp_path, worker=(sys.executable, "-c", worker))
    assert tally.counts == {"ok": 5, "failed": 1}
    assert [path.name for path in tally.scripts] == ["seed_5.py"]
    assert draw(5).source in tally.scripts[0].read_text()


def test_paired_arguments_share_memory():
    arguments = (Argument("a", (4,)), Argument("b", (4,), layout="overlapping"))
    values = plain(arguments, 1)
    first, second = laid_out(arguments, values)
    assert np.shares_memory(first, second)
    assert np.array_equal(first, values["a"])
    assert np.array_equal(second, values["b"])
    same = laid_out((arguments[0], Argument("b", (4,), layout="same")), values)
    assert same[0] is same[1]
