"""``/entry/measurement``: the numbers of the primary stream, one row an event each, by their names.

larch and PyMca look there for the columns of a scan, and want them of one length. `/entry/data`
has a grid in its shape, and arrays.
"""

from __future__ import annotations

from ...dimensions import positioner_fields
from ...hdf5.names import nexus_name
from ...hdf5.tree import Group, HardLink, Node
from ...run import Run
from .table import StreamTable

__all__ = ["measurement_group"]

_TIMES = ("time", "EPOCH")


def measurement_group(run: Run, table: StreamTable) -> Group | None:
    """Return links to the columns of a stream that have one number an event, None without one.

    Readers take the first for the axis: it is what the plan varied, else the time.
    """
    numbers = [field for field in table.stream.fields if _is_number(table, field)]
    if not table.rows or not numbers:
        return None
    varied = [field for field in positioner_fields(run, table.stream) if field in numbers]
    names: dict[str, str] = {}
    for field in table.stream.fields:  # as they are called in the default plot
        names[field] = nexus_name(field, {*_TIMES, *names.values()})
    links: dict[str, Node] = {
        names[field]: HardLink(f"{table.group_of(field)}/value")
        for field in dict.fromkeys([*varied, *numbers])
    }
    times: dict[str, Node] = {name: HardLink(f"{table.root}/{name}") for name in _TIMES}
    children = {**links, **times} if varied else {**times, **links}
    return Group("NXcollection", children=children, is_ordered=True)


def _is_number(table: StreamTable, field: str) -> bool:
    column = table.column(field)
    layout = column.layout if column else None
    return layout is not None and layout.dtype.kind in "biuf" and not layout.shape
