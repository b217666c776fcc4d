"""Forks of a process that compiles: no child hangs, whatever other threads were doing."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

LONGEST = 300  # seconds until what runs in a process of its own counts as hanging

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def outcome(scenario: str) -> dict:
    """Run a scenario in a process of its own; return what it found."""
    script = Path(__file__).with_name("fork_jobs.py")
    done = subprocess.run(
        [sys.executable, script, scenario], capture_output=True, text=True, timeout=LONGEST
    )
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


@pytest.mark.slow
def test_fork_while_other_threads_compile():
    """LLVM's lock, those of functions, and those of cached properties are not held in a child."""
    found = outcome("forked_while_compiling")
    assert set(found["children"]) == {0}
    assert found["parent"]


def test_fork_by_the_thread_that_compiles():
    """It holds the locks already, and leaves them in both processes."""
    assert outcome("forked_by_what_is_captured") == {"children": [0], "parent": True}


@pytest.mark.slow
def test_fork_while_llvm_is_imported():
    """A child would wait for ever for a module that another thread had begun to import."""
    assert outcome("forked_while_llvm_is_imported") == {"children": {0}}


@pytest.mark.slow
def test_processes_of_multiprocessing():
    """Native code is called and compiled in them, whether they are forked or started anew."""
    assert set(outcome("processes_of_multiprocessing").values()) == {True}
