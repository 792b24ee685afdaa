"""``/entry/measurement``: the numbers of the primary stream, one row an event each, by their names.

larch and PyMca look there for the columns of a scan, and want them of one length. `/entry/data`
has a grid in its shape, and arrays.
"""

from __future__ import annotations

import math

import numpy as np

from ...hdf5.names import nexus_names
from ...hdf5.tree import Group, HardLink, Node, Rearranged
from ...model.dimensions import positioner_fields
from ...model.run import Run
from .table import StreamTable

__all__ = ["measurement_group"]

_TIMES = ("time", "EPOCH")


def measurement_group(run: Run, table: StreamTable, *, is_over: bool) -> Group | None:
    """Return the columns of a stream that have one number an event, None without one.

    Readers take the first for the axis: it is what the plan varied, else the time. An array of one
    number is shown as that number, when no more rows come.
    """
    shapes = {field: _shape(table, field) for field in table.stream.fields}
    numbers = [
        field
        for field, shape in shapes.items()
        if shape == () or (is_over and shape is not None and math.prod(shape) == 1)
    ]
    if not table.rows or not numbers:
        return None
    varied = [field for field in positioner_fields(run, table.stream) if field in numbers]
    names = nexus_names(table.stream.fields, _TIMES)  # as in the default plot
    links: dict[str, Node] = {
        names[field]: (
            Rearranged(f"{table.group_of(field)}/value", np.arange(table.rows))
            if shapes[field]
            else HardLink(f"{table.group_of(field)}/value")
        )
        for field in dict.fromkeys([*varied, *numbers])
    }
    times: dict[str, Node] = {name: HardLink(f"{table.root}/{name}") for name in _TIMES}
    children = {**links, **times} if varied else {**times, **links}
    return Group("NXcollection", children=children, is_ordered=True)


def _shape(table: StreamTable, field: str) -> tuple[int, ...] | None:
    """Return the shape of one row of a field of numbers or booleans, None for any other."""
    column = table.column(field)
    if column is None or column.layout is None:
        return None
    return column.layout.shape_of_kinds(("boolean", "integer", "real"))
