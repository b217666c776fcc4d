"""The check that Python and NumPy keep their objects as native entries read them."""

import platform
import struct
import sys
import sysconfig

import pytest
from gradc.compiler.backends.llvm import entry_layout as layout
from gradc.runtime.entry_layout import allocator_address, layout_holds, new_array_address

USUAL = (
    platform.python_implementation() == "CPython"
    and struct.calcsize("P") == 8
    and sys.version_info < (3, 14)
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
)


@pytest.fixture
def fresh_answer():
    layout_holds.cache_clear()
    yield
    layout_holds.cache_clear()


@pytest.mark.skipif(not USUAL, reason="the layout is that of the usual CPython")
def test_layout_holds(fresh_answer):
    """So that entries are native where they can be."""
    assert layout_holds()
    assert new_array_address()
    assert allocator_address(float)


@pytest.mark.parametrize(
    "name",
    [
        "TYPE",
        "HEADER",
        "NUMBER",
        "CELL_CONTENTS",
        "TUPLE_ITEMS",
        "ARRAY_DATA",
        "ARRAY_RANK",
        "ARRAY_SHAPE",
        "ARRAY_DTYPE",
        "ARRAY_FLAGS",
        "DTYPE_BYTE_ORDER",
        "DTYPE_NUMBER",
        "CONTIGUOUS",
        "ALIGNED",
        "WRITEABLE",
    ],
)
def test_every_number_is_checked(fresh_answer, monkeypatch, name):
    """Were any of them another one, entries would not be native."""
    shift = 1 if name == "DTYPE_BYTE_ORDER" else 8
    monkeypatch.setattr(layout, name, getattr(layout, name) + shift)
    assert not layout_holds()
