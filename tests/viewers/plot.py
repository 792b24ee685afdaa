"""The default plot that a file names, and what it has to hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.readers.nexus import text
from tests.viewers.measured import Primary, in_grid, in_rows, steps


@dataclass(frozen=True)
class Plot:
    """The datasets of a default plot, as a reader finds them."""

    signals: list[str]
    """The signal, then the auxiliary signals."""
    axes: list[tuple[str | None, Any]]
    """Name and positions, a dimension of the signal each; of points over a plane there are two."""
    fields: dict[str, str]
    """What the run calls each dataset."""
    is_plane: bool
    """Whether it is points over a plane."""


def fields_of(group: Any) -> dict[str, str]:
    """Return what the run calls each dataset of an NXdata group: it tells where it comes from."""
    fields = {}
    for name, node in group.items():
        source = text(node.attrs.get("target", "")).removesuffix("/value")
        stream = group.file.get(source) if source else None
        key = source.rpartition("/")[2]
        fields[name] = name if stream is None else text(stream.attrs.get("data_key", key))
    return fields


def rows_of(plot: Plot, primary: Primary, signal: str) -> Any:
    """Return the values of a signal, a row an event; an array of one number may be that number."""
    rows = in_rows(primary, plot.fields[signal])
    is_array = rows.ndim == len(plot.axes) and not plot.is_plane
    return rows if is_array else _scalars(rows)


def as_shown(plot: Plot, primary: Primary, signal: str) -> tuple[list[Any], Any]:
    """Return the positions along each axis of the plot, and the measured values in its shape."""
    rows = rows_of(plot, primary, signal)
    if plot.is_plane:
        return [_positions(plot, primary, n, len(rows)) for n in range(2)], rows
    if rows.ndim > len(plot.axes):  # several frames an event
        rows = rows.reshape(-1, *rows.shape[2:])
    lead = len(plot.axes) - rows.ndim + 1
    where = [_positions(plot, primary, n, len(rows)) for n in range(lead)]
    if lead > 1:
        shown = [_nearest(steps(m), plot.axes[n][1]) for n, m in enumerate(where)]
        rows, where = in_grid(rows, where, shown), shown
    return [*where, *(np.arange(length) for length in rows.shape[lead:])], rows


def field_of_axis(plot: Plot, primary: Primary, dimension: int) -> str | None:
    """Return what is varied along a dimension: a field, or ``time``; None where it is a number."""
    name = plot.axes[dimension][0]
    if name is None or name == "time":
        return name
    field = plot.fields[name]
    # what a grid has as its axis is made of a motor's readbacks, or of its setpoints
    return field if field in primary.columns else re.sub("_(set|mean)$", "", field)


def _positions(plot: Plot, primary: Primary, dimension: int, events: int) -> Any:
    field = field_of_axis(plot, primary, dimension)
    if field is None:
        return np.arange(events)
    return np.asarray(primary.times) if field == "time" else _scalars(in_rows(primary, field))


def _scalars(rows: Any) -> Any:
    return rows.reshape(len(rows)) if rows[0].size == 1 else rows


def _nearest(centres: Any, shown: Any) -> Any:
    """Return where the motor was along an axis of a grid, in the order in which it is shown."""
    return centres[np.abs(np.subtract.outer(shown, centres)).argmin(axis=1)]
