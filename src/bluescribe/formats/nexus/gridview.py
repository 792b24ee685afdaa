"""A complete grid scan as a picture: its rows of events seen as (slow, ..., fast)."""

from __future__ import annotations

import numpy as np

from ...dimensions import Grid
from ...hdf5.tree import Group, HardLink, Rearranged
from ...values import Array

__all__ = ["rows_of_grid", "show_as_grid"]


def rows_of_grid(grid: Grid, seq_nums: Array) -> Array | None:
    """Return the row of the event that measured each point of a grid.

    Parameters
    ----------
    grid
        What the plan declared.
    seq_nums
        Of the stream's rows.

    Returns
    -------
    ndarray or None
        Shape of the grid, slowest axis first; None unless each point was measured once.
    """
    count = int(np.prod(grid.shape))
    if not np.array_equal(seq_nums, np.arange(1, count + 1)):
        return None
    rows = np.arange(count).reshape(grid.shape)
    for axis in range(1, len(grid.shape)):
        if grid.snaking[axis]:
            _turn_back(rows, axis)
    return rows


def _turn_back(rows: Array, axis: int) -> None:
    """Reverse an axis on every second pass over it; the passes of all slower axes count."""
    slower = rows.reshape(-1, *rows.shape[axis:])
    slower[1::2] = slower[1::2, ::-1].copy()


def show_as_grid(plot: Group, rows: Array, axes: list[str]) -> None:
    """Turn a plot of rows into one of a grid.

    Parameters
    ----------
    plot
        The default plot, a link for each field; its signals become pictures.
    rows
        What `rows_of_grid` gave.
    axes
        Names of the axes in the plot, slowest first. Their values are the positions measured
        along the grid's edges.
    """
    signals = [plot.attrs["signal"], *plot.attrs.get("auxiliary_signals", [])]
    for name in signals:
        source = plot.children[name]
        if isinstance(source, HardLink):
            plot.children[name] = Rearranged(source.target, rows)
    for number, name in enumerate(axes):
        edge = tuple(slice(None) if n == number else 0 for n in range(rows.ndim))
        source = plot.children[name]
        if isinstance(source, HardLink):
            plot.children[name] = Rearranged(source.target, rows[edge])
            plot.attrs[f"{name}_indices"] = [number]
    plot.attrs["axes"] = axes
