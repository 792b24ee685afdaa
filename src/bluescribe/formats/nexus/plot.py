"""The default plot: what is worth looking at, over what was varied, in forms that viewers draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from ...hdf5.images.links import AssetLinks
from ...hdf5.names import nexus_name, nexus_names
from ...hdf5.tree import Dataset, Group, HardLink, Node, Rearranged
from ...model.dimensions import Grid, detector_fields, dimensions, grid, positioner_fields
from ...model.run import Run, Stream
from ...model.values import Array
from .gridview import grid_axis, rows_of_grid, show_as_curves
from .table import StreamTable

__all__ = ["PlotChoice", "plot_groups"]

_EVENTS = ("EPOCH", "time")
"""Columns of the stream itself that every plot has."""


@dataclass(frozen=True, slots=True)
class PlotChoice:
    """What the user wants to see in the default plot; what is empty is found in the documents."""

    signal: str | None = None
    axes: Sequence[str] = ()


def plot_groups(
    run: Run,
    table: StreamTable,
    links: AssetLinks,
    choice: PlotChoice,
    h5: h5py.File,
    *,
    is_over: bool,
) -> dict[str, Group]:
    """Return the NXdata groups of an entry, the default plot first; none without a number.

    Parameters
    ----------
    run
        Tells motors and detectors.
    table
        The columns of the primary stream.
    links
        Its external data.
    choice
        What the user wants to see instead.
    h5
        The file that has the columns.
    is_over
        Whether no more events come. Until then a plot is a list of points that grows.
    """
    plot = _Plot(run, table, links, choice, h5, is_over)
    signals = plot.signals()
    if not signals:
        return {}
    layout = plot.grid if is_over and plot.shape(signals[0]) is not None else None
    rows = plot.rows_of(layout) if layout is not None else None
    if layout is None or rows is None:
        return {"data": plot.listed(signals)}
    picture = plot.picture(signals, layout, rows)
    if "interpretation" in picture.attrs and rows.ndim == 2:
        return {"points": plot.points(signals), "data": picture}
    return {"data": picture}


@dataclass(frozen=True, slots=True)
class _Plot:
    """What can be plotted of a run's primary stream."""

    run: Run
    table: StreamTable
    links: AssetLinks
    choice: PlotChoice
    h5: h5py.File
    is_over: bool

    @property
    def grid(self) -> Grid | None:
        return grid(self.run, self.stream)

    @property
    def stream(self) -> Stream:
        return self.table.stream

    def shape(self, field: str) -> tuple[int, ...] | None:
        """Return the shape of one row of a field that can be plotted, None for any other.

        What has one number a row is shown as a number, when no more rows come.
        """
        shape = self.table.shape_of(field)
        if shape is None or 0 in shape:
            return None
        return () if self.is_over and math.prod(shape) == 1 else shape

    def listed(self, signals: list[str]) -> Group:
        """Return a plot of all rows in the order in which they were measured."""
        axes = self._numbers(self._axes())
        images = [f for f in self.stream.fields if self.links.is_there(self.stream, f)]
        group = self._group([*axes, *signals, *self._numbers(self.stream.fields), *images])
        names = self._names()
        if self.shape(signals[0]) is None:
            group.attrs["signal"] = names[signals[0]]
            group.attrs |= self._image_axes(signals[0], [names[f] for f in axes])
            return group
        plane = self._plane() if self.is_over and self.shape(signals[0]) == () else []
        shown = plane or axes[:1]
        for axis in [names[f] for f in axes] or ["time"]:
            group.attrs[f"{axis}_indices"] = [0]
        self._show(group, signals, [names[f] for f in shown] or ["time"])
        return group

    def points(self, signals: list[str]) -> Group:
        """Return a plot of a grid as a list of points over its two axes."""
        alike = [f for f in signals if self.shape(f) == ()]
        plane = self._plane()
        group = self._group([*plane, *alike])
        names = [self._names()[field] for field in plane]
        group.attrs |= {f"{name}_indices": [0] for name in names}
        self._show(group, alike, names)
        return group

    def rows_of(self, layout: Grid) -> Array | None:
        """Return the row of each point of a grid, slowest axis first; None if it is no picture.

        An axis that has a single position is none of the picture.
        """
        if self.choice.axes or len(self._numbers(layout.axes)) < len(layout.axes):
            return None
        rows = rows_of_grid(self.table, layout, self.h5)
        return None if rows is None or rows.squeeze().ndim < 2 else rows.squeeze()

    def picture(self, signals: list[str], layout: Grid, rows: Array) -> Group:
        """Return a plot in which every column has the shape of the grid."""
        arrays = [f for f in signals if self.shape(f) is not None]
        group = self._group([*layout.axes, *arrays, *self._numbers(self.stream.fields)], rows)
        names, axes, positions = self._names(), [], []
        moved = [f for f, length in zip(layout.axes, layout.shape, strict=True) if length > 1]
        for number, field in enumerate(moved):
            ending, found = grid_axis(self.table, field, rows, number, self.h5)
            units = self.stream.fields[field].units
            axes.append(nexus_name(names[field] + ending, group.children))
            positions.append(found)
            group.children[axes[-1]] = Dataset(found, {"units": units} if units else {})
            group.attrs[f"{axes[-1]}_indices"] = [number]
        for field in layout.axes:
            group.attrs[f"{names[field]}_indices"] = list(range(rows.ndim))
        self._show(group, signals, axes)
        if self.shape(signals[0]) == ():  # of arrays, the signal itself says what they are
            show_as_curves(group, positions[-2:])
        return group

    def signals(self) -> list[str]:
        """Return the fields that are worth looking at, the best one first."""
        varied = self._axes()
        found = [f for f in detector_fields(self.run, self.stream) if f not in varied]
        detectors = [f for f in found if self.shape(f) is not None]
        detectors.sort(key=lambda f: len(self.shape(f) or ()))  # people look at a scalar
        external = [
            f for f in self.stream.fields if self.links.link(self.stream, f) and f not in varied
        ]
        if not detectors:
            numbers = self._numbers(self.stream.fields)
            others = [f for f in numbers if f not in varied]
            may_show = self.links.is_there if others else self.links.rank
            if external and (not numbers or may_show(self.stream, external[0])):
                detectors = external[:1]
            else:
                detectors = others or numbers
        wanted = self.choice.signal
        if wanted is not None and (self.shape(wanted) is not None or wanted in external):
            return [wanted, *(f for f in detectors if f != wanted and f not in external)]
        return detectors

    def _show(self, group: Group, signals: list[str], axes: list[str]) -> None:
        """Tell which of the fields of a plot is its signal, and what it is shown over.

        The numbers of a spectrum's channels are an axis: silx draws nothing over a measured axis
        and none.

        Parameters
        ----------
        group
            The plot.
        signals
            The fields that are worth looking at, the best one first.
        axes
            Names of those of the points.
        """
        names, inner = self._names(), self.shape(signals[0]) or ()
        shown = [*axes, *["."] * len(inner)]
        if len(inner) == 1:
            shown[-1] = nexus_name("channel", group.children)
            group.children[shown[-1]] = Dataset(np.arange(inner[0], dtype=np.int32))
            group.attrs[f"{shown[-1]}_indices"] = [len(axes)]
        group.attrs |= {"signal": names[signals[0]], "axes": shown}
        others = [names[f] for f in signals[1:] if self.shape(f) == self.shape(signals[0])]
        if others:
            group.attrs["auxiliary_signals"] = others

    def _group(self, fields: Iterable[str], rows: Array | None = None) -> Group:
        """Return an NXdata of fields, as they are or in an arrangement of their rows."""
        names = self._names()
        group = Group("NXdata")
        for field in dict.fromkeys(fields):
            group.children[names[field]] = self._node(field, rows)
        if self.table.rows:
            for name in _EVENTS:
                source = f"{self.table.root}/{name}"
                group.children[name] = (
                    HardLink(source) if rows is None else Rearranged(source, rows)
                )
        return group

    def _node(self, field: str, rows: Array | None) -> Node:
        shape = self.shape(field)
        link = self.links.link(self.stream, field) if shape is None else None
        if link is not None:
            return link
        source = f"{self.table.group_of(field)}/value"
        if rows is None and shape == self.table.shape_of(field):
            return HardLink(source)
        arranged = np.arange(self.table.rows) if rows is None else rows
        return Rearranged(source, arranged, shape or ())

    def _numbers(self, fields: Iterable[str]) -> list[str]:
        return [f for f in fields if self.shape(f) == ()]

    def _axes(self) -> list[str]:
        """Return the fields that a list of points has as its axes, the one to be drawn first.

        Of a grid that is the fastest motor: its lines lie over each other.
        """
        wanted = [f for f in self.choice.axes if f in self.stream.fields]
        layout = self.grid
        if wanted or layout is None:
            return wanted or positioner_fields(self.run, self.stream)
        fastest = list(zip(reversed(layout.axes), reversed(layout.shape), strict=True))
        return [field for field, _ in sorted(fastest, key=lambda axis: axis[1] == 1)]

    def _plane(self) -> list[str]:
        """Return the two fields over which points are scattered; none of points along a line."""
        wanted = [f for f in self.choice.axes if f in self.stream.fields]
        layout = self.grid
        if wanted:
            fields = wanted
        elif layout is None:
            fields = [group[0] for group in dimensions(self.run, self.stream)]
        else:
            lengths = [n for n in layout.shape if n > 1]
            is_line = len(lengths) < 2 or self.table.rows <= lengths[-1]
            fields = [] if is_line else self._axes()
        plane = self._numbers(fields)[:2]
        return plane if len(plane) == 2 else []

    def _image_axes(self, field: str, axes: list[str]) -> dict[str, Any]:
        """Return the axes of external data, whose rank is known when the file can be opened.

        What was varied is its first axis if there is a frame for each event.
        """
        shape = self.links.shape(self.stream, field)
        rank = len(shape) if shape else self.links.rank(self.stream, field)
        if not rank:
            return {}
        if not axes or not shape or shape[0] != self.table.rows:
            return {"axes": ["."] * rank}
        return {"axes": [axes[0], *["."] * (rank - 1)]} | {f"{axis}_indices": [0] for axis in axes}

    def _names(self) -> dict[str, str]:
        """Return what each field is called in the plot."""
        return nexus_names(self.stream.fields, _EVENTS)
