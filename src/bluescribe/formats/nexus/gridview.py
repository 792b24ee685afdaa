"""A grid scan as a picture: its rows of events seen as (slow, ..., fast)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import h5py
import numpy as np

from ...hdf5.tree import Group
from ...model.dimensions import Grid
from ...model.values import Array
from .table import StreamTable

__all__ = ["grid_axis", "rows_of_grid", "show_as_curves"]


def rows_of_grid(table: StreamTable, grid: Grid, h5: h5py.File) -> Array | None:
    """Return the row of the event that measured each point of a grid.

    Parameters
    ----------
    table
        Of the stream.
    grid
        What the plan declared. Not every plan tells that it goes to and fro.
    h5
        The file.

    Returns
    -------
    ndarray or None
        Slowest axis first. None unless each point was measured once, where it should have been.
    """
    count = math.prod(grid.shape)
    if not np.array_equal(h5[f"{table.root}/seq_num"][()], np.arange(1, count + 1)):
        return None
    snaked = (False, *[True] * (len(grid.shape) - 1))
    with np.errstate(invalid="ignore"):  # positions may be infinite
        for snaking in (grid.snaking, snaked):
            rows = _arranged(grid.shape, snaking)
            if all(_is_axis(table, field, rows, n, h5) for n, field in enumerate(grid.axes)):
                return rows
    return None


def grid_axis(
    table: StreamTable, field: str, rows: Array, axis: int, h5: h5py.File
) -> tuple[str, Array]:
    """Return how the name of an axis of a grid ends, and the positions along it.

    They are where the motor was sent to (``_set``). Where no setpoint was read, or it was not the
    same all along the other axes, they are the means of where it was (``_mean``).

    Parameters
    ----------
    table
        Of the stream.
    field
        The motor's readback.
    rows
        What `rows_of_grid` gave.
    axis
        Number of the axis in it.
    h5
        The file.
    """
    setpoint = table.setpoint_of(table.stream.fields[field])
    if setpoint is not None and table.shape_of(setpoint) is not None:
        lines = _lines(table, setpoint, rows, axis, h5)
        if (lines == lines[:, :1]).all():
            return "_set", lines[:, 0]
    return "_mean", _lines(table, field, rows, axis, h5).mean(axis=1)


def _arranged(shape: tuple[int, ...], snaking: Sequence[bool]) -> Array:
    """Return the rows of events, in order of their times, at the places of a grid."""
    rows = np.arange(math.prod(shape)).reshape(shape)
    for axis in reversed(range(1, len(shape))):  # passes are counted in the order of their times
        if snaking[axis]:
            _turn_back(rows, axis)
    return rows


def _turn_back(rows: Array, axis: int) -> None:
    """Reverse an axis on every second pass over it; the passes of all slower axes count."""
    slower = rows.reshape(-1, *rows.shape[axis:])
    slower[1::2] = slower[1::2, ::-1].copy()


def _is_axis(table: StreamTable, field: str, rows: Array, axis: int, h5: h5py.File) -> bool:
    """Tell whether a motor was at another place for each position along an axis, and only then."""
    ending, positions = grid_axis(table, field, rows, axis, h5)
    if len(positions) == 1 or ending == "_set":
        return len(positions) == 1 or bool((positions != positions[0]).any())
    lines = _lines(table, field, rows, axis, h5)
    away = np.abs(lines - positions[:, None]).max()
    return bool(2 * away < np.diff(np.sort(positions)).min())


def _lines(table: StreamTable, field: str, rows: Array, axis: int, h5: h5py.File) -> Array:
    """Return the values of a field that belong to each position along an axis."""
    column: Array = h5[f"{table.group_of(field)}/value"][()].reshape(-1)
    return np.moveaxis(column[rows], axis, 0).reshape(rows.shape[axis], -1)


def show_as_curves(group: Group, positions: Sequence[Array]) -> None:
    """Have silx draw curves where it would draw a picture over these positions at another place."""
    if any(map(_is_misread, positions)):
        group.attrs["interpretation"] = "spectrum"


def _is_misread(positions: Array) -> bool:
    """Tell whether silx misreads the positions along an axis of a picture.

    It takes two numbers for a slope and an offset. More of them it takes for even ones where it
    sees no difference beside their size, and then the first step for all.
    """
    positions = positions.astype(float)
    if len(positions) < 3 or not np.isfinite(positions).all():
        return len(positions) == 2
    step, span = positions[1] - positions[0], positions[-1] - positions[0]
    even = np.linspace(positions[0], positions[-1], len(positions))
    is_right = step != 0 and np.isclose(step * (len(positions) - 1), span, rtol=0.01)
    return bool(np.allclose(positions, even)) and not is_right
