"""Native code touches no memory but its own, reads nothing unwritten, and frees what it takes."""

import pytest

from .build import missing, run
from .programs import PROGRAMS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=f"Valgrind's tests need {missing()}"),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_kernels_are_clean(program, tmp_path):
    run(program, tmp_path)


@pytest.mark.parametrize("program", PROGRAMS[::12], ids=lambda program: program.name)
def test_an_array_that_is_too_small_is_found(program, tmp_path):
    """Else the others would show nothing."""
    with pytest.raises(AssertionError, match="Invalid (read|write) of size"):
        run(program, tmp_path, withheld=8)
