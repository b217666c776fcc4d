"""Object code becomes bytes and comes back, whatever is in it."""

import pytest
from gradc.compiler.backends.llvm.object_code import ObjectCode


@pytest.mark.parametrize("objects", [(b"\x7fELF",), (b"a\nb\n", b"\n"), (b"", b"\x00" * 300)])
@pytest.mark.parametrize(
    "flags", [(False, True, False), (True, False, False), (False, False, True)]
)
def test_bytes_and_back(objects, flags):
    code = ObjectCode('gradc.name of "mine"\n', objects, *flags)
    assert ObjectCode.from_bytes(code.to_bytes()) == code
