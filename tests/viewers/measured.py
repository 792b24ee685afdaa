"""What was measured in a run, in the shape in which a viewer shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bluescribe.testing.contract import RecordedRun, received
from tests.viewers.frames import frames

STEP = 0.02
"""Positions that are further apart than this are two; those of one line are not: see `jittered`."""


@dataclass(frozen=True)
class Primary:
    """The stream that a run's plot is of."""

    start: Mapping[str, Any]
    columns: Mapping[str, Sequence[Any]]
    """By field, a value an event; None where there is none."""
    times: Sequence[float]
    """Seconds since the start of the run."""
    external: frozenset[str]
    """The fields whose values lie in files of their own."""
    is_over: bool

    @property
    def dimensions(self) -> list[str]:
        """What the plan varied: of what moves together, the first."""
        hints = self.start.get("hints") or {}
        told = [fields for fields, _ in hints.get("dimensions", []) if fields != ["time"]]
        hinted = [fields[0] for fields in told if fields]
        names = hinted or list(self.start.get("motors") or [])
        return [name for name in names if name in self.columns]

    @property
    def shape(self) -> tuple[int, ...]:
        """How many points a grid has along each of its motors; empty of any other run."""
        shape = tuple(self.start.get("shape") or ())
        is_grid = 2 <= len(shape) == len(self.dimensions) and "extents" in self.start
        return shape if is_grid else ()

    @property
    def numbers(self) -> list[str]:
        """The fields that can be drawn: numbers, or arrays of one shape of them, in each event.

        Files of other programs are whole, and joined, when the run is over.
        """
        fields = [field for field, column in self.columns.items() if _is_numeric(column)]
        return [field for field in fields if self.is_over or field not in self.external]


def primaries(documents: Sequence[tuple[str, Any]]) -> dict[str, Primary | None]:
    """Return the stream that is plotted of each run, by the run's uid; None where there is none."""
    external = frames(documents)
    return {run.uid: _primary(run, external) for run in received(documents)}


def _primary(run: RecordedRun, external: Mapping[tuple[str, str], Any]) -> Primary | None:
    names = [name for name in run.events if name != "baseline" and "label" not in name]
    if not names or run.start is None:
        return None
    name = "primary" if "primary" in names else names[0]
    since = [time - run.start["time"] for time in run.times[name]]
    images = {field: values for (uid, field), values in external.items() if uid == run.uid}
    columns = {**run.events[name], **images}
    return Primary(run.start, columns, since, frozenset(images), run.stop is not None)


def _is_numeric(column: Sequence[Any]) -> bool:
    """Tell whether all values are numbers of one kind, or arrays of one shape of these."""
    try:
        arrays = [np.asarray(value) for value in column]
    except (ValueError, OverflowError):  # no array has such a shape, or such a number
        return False
    kinds = {(array.dtype.kind, array.shape) for array in arrays}
    return len(kinds) == 1 and arrays[0].dtype.kind in "iuf" and arrays[0].size > 0


def in_rows(primary: Primary, field: str) -> Any:
    """Return the values of a field, a row an event; what is missing is NaN."""
    column = primary.columns[field]
    if any(value is None for value in column):
        return np.array([np.nan if value is None else value for value in column], float)
    return np.asarray(column)


def in_grid(values: Any, positions: Sequence[Any], axes: Sequence[Any]) -> Any:
    """Return values in the shape of a grid, each where its motors were; NaN where there is none.

    Parameters
    ----------
    values
        A row an event.
    positions
        The positions of each motor, one an event.
    axes
        The positions along each axis of the grid.
    """
    cells = tuple(
        np.abs(np.subtract.outer(measured, axis)).argmin(axis=1)
        for measured, axis in zip(positions, axes, strict=True)
    )
    assert len({*zip(*cells, strict=True)}) == len(values), "two events at one point of the grid"
    is_whole = len(values) == math.prod(len(axis) for axis in axes)
    grid = np.full(
        (*map(len, axes), *values.shape[1:]),
        0 if is_whole else np.nan,
        values.dtype if is_whole else float,
    )
    grid[cells] = values
    return grid


def steps(positions: Any) -> Any:
    """Return the mean of the positions at each step of a motor, in ascending order."""
    ordered = np.sort(np.asarray(positions, float))
    parts = np.split(ordered, np.flatnonzero(np.diff(ordered) > STEP) + 1)
    return np.array([part.mean() for part in parts])
