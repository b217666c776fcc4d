"""Generated code lies in real files of a folder that belongs to the process."""

import os
import pdb
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
from gradc.runtime import loader

from gradc import compile_grad


def compiled_path(compiled, mode="value_and_grad"):
    return compiled.history[-1][1].executable(mode).path


def test_module_lies_in_a_real_file():
    compiled = compile_grad(lambda x: np.sum(np.exp(x)))
    compiled.value_and_grad(np.ones(2))
    path = compiled_path(compiled)
    assert path.parent == loader.folder()
    assert path.read_text("utf-8") == compiled.inspect(np.ones(2))


def test_traceback_shows_the_generated_line():
    """So do pdb and editors: the file is there, and its line names the user's line."""
    compiled = compile_grad(lambda x, i: np.sum(np.exp(x[i])))
    with pytest.raises(IndexError) as caught:
        compiled.value_and_grad(np.ones(2), np.array([5]))
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert Path(last.filename) == compiled_path(compiled)
    assert "x[i]" in last.line
    assert f"{Path(__file__).name}:" in last.line


def test_debugger_can_step_into_it():
    """It lists source by file and line, and refuses a break in a file that it cannot read."""
    compiled = compile_grad(lambda x: np.sum(np.exp(x)))
    compiled.value_and_grad(np.ones(2))
    path = str(compiled_path(compiled))
    code = compiled.history[-1][1].executable("value_and_grad").run.__code__
    assert code.co_filename == path
    debugger = pdb.Pdb(readrc=False)
    try:
        assert debugger.set_break(path, code.co_firstlineno) is None
    finally:
        debugger.clear_all_breaks()


def test_two_programs_have_two_files():
    first, second = compile_grad(lambda x: x * 2), compile_grad(lambda x: x * 3)
    assert (first.grad(1.0), second.grad(1.0)) == (2.0, 3.0)
    assert compiled_path(first, "grad") != compiled_path(second, "grad")


SCRIPT = """
import os, sys
import numpy as np
import gradc
from gradc.runtime.loader import folder

f = gradc.compile_grad(lambda x: np.sum(x * x))
f.grad(np.ones(2))
print(folder(), flush=True)
if "fork" in sys.argv:
    child = os.fork()
    if child == 0:
        assert f.grad(np.ones(2)).tolist() == [2.0, 2.0]  # what the parent compiled
        assert f.grad(np.ones(3)).tolist() == [2.0, 2.0, 2.0]  # what it must compile itself
        print(folder(), flush=True)
        sys.exit(0)  # at exit it removes its own folder only
    assert os.waitpid(child, 0)[1] == 0
    assert f.grad(np.ones(2)).tolist() == [2.0, 2.0]
    assert folder().exists()
"""


def folders(*args):
    """Run the script and return the folders of its processes."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *args], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [Path(line) for line in done.stdout.splitlines()]


def test_folder_goes_when_the_process_ends():
    (left,) = folders()
    assert left.name.startswith("gradc-")
    assert not left.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_forked_child_has_a_folder_of_its_own():
    """And leaves its parent's alone."""
    parent, child = folders("fork")
    assert parent != child
    assert not parent.exists()
    assert not child.exists()
