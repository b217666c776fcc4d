"""Steps that are a node each: every kind of lowering has its own code for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Node
from ...primitive import Correlation, Cumulative, Joined, Stored, Uninitialised, Windowed, Winner
from .calling import emit_call
from .convolutions import emit_windowed
from .correlations import emit_correlation
from .layout import row_major, selects
from .lowering import is_called, is_record
from .places import Buffer
from .products import emit_product
from .records import emit_record
from .regions import emit_region
from .scans import emit_scan
from .scatters import emit_scatter
from .stores import emit_join, emit_store
from .winners import emit_winner

if TYPE_CHECKING:
    from .section import Section


def emit_whole(section: Section, node: Node) -> None:
    """Append the code of a node that is a step of its own."""
    lower = node.primitive.lower
    if node in section.inner:
        emit_region(section, node)
    elif is_called(node):
        emit_call(section, node)
    elif is_record(node.out):
        emit_record(section, node)
    elif selects(node):
        emit_scatter(section, node)
    elif isinstance(lower, Stored):
        emit_store(section, node)
    elif isinstance(lower, Joined):
        emit_join(section, node)
    elif isinstance(lower, Cumulative):
        emit_scan(section, node)
    elif isinstance(lower, Winner):
        emit_winner(section, node)
    elif isinstance(lower, Correlation):
        emit_correlation(section, node)
    elif isinstance(lower, Windowed):
        emit_windowed(section, node, section.sliding[node])
    elif isinstance(lower, Uninitialised):
        section.places[node.out] = Buffer(section.address(node.out), row_major(node.out.shape))
    else:
        emit_product(section, node)
