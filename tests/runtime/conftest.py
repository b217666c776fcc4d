"""What tests of the runtime share: both kinds of entries from Python."""

import pytest
from gradc.runtime import entry
from gradc.runtime.entry_layout import layout_holds


@pytest.fixture(params=["native", "ctypes"])
def entry_kind(request, monkeypatch):
    """Let ``bind`` make entries of one kind; both keep the same contract."""
    if request.param == "ctypes":
        monkeypatch.setattr(entry, "layout_holds", lambda: False)
    elif not layout_holds():
        pytest.skip("this Python has entries through ctypes only")
    return request.param
