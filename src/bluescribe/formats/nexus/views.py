"""What NeXus readers look for: the default plot, positioners, detectors, logs of monitors.

All of them are links to the columns of the streams; nothing is stored twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from ...dimensions import detector_fields, grid, positioner_fields
from ...hdf5.links import AssetLinks
from ...hdf5.names import nexus_name
from ...hdf5.tree import Dataset, Group, HardLink, Node, Rearranged
from ...run import COUNT_TIMES, Field, Run, Stream
from .gridview import rows_of_grid, show_as_grid
from .metadata import iso_time
from .table import StreamTable

__all__ = ["PlotChoice", "grid_plot_group", "instrument_groups", "log_group", "plot_group"]

_RESERVED = ("EPOCH", "time")


@dataclass(frozen=True, slots=True)
class PlotChoice:
    """What the user wants to see in the default plot; what is empty is found in the documents."""

    signal: str | None = None
    axes: Sequence[str] = ()


def plot_group(run: Run, table: StreamTable, links: AssetLinks, choice: PlotChoice) -> Group | None:
    """Return the default plot, or None while there is nothing that can be plotted.

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
    """
    axes = [f for f in _axes(run, table, choice) if _rank(table, f) == 0]
    signals = _signals(run, table, links, choice)
    if not signals:
        return None
    names = _names(table.stream)
    group = Group("NXdata")
    images = [f for f in table.stream.fields if links.is_there(table.stream, f)]
    for field in dict.fromkeys([*axes, *signals, *_scalars(table), *images]):
        group.children[names[field]] = _data(table, links, field)
    if table.rows:
        for name in _RESERVED:
            group.children[name] = HardLink(f"{table.root}/{name}")
    group.attrs = {"signal": names[signals[0]]}
    rank = _rank(table, signals[0])
    if rank is None:
        group.attrs |= _image_axes(table, links, signals[0], [names[f] for f in axes])
        return group
    group.attrs["axes"] = [names[axes[0]] if axes else "time", *["."] * rank]
    for axis in [names[f] for f in axes] or ["time"]:
        group.attrs[f"{axis}_indices"] = [0]
    others = [names[f] for f in signals[1:] if _shape(table, f) == _shape(table, signals[0])]
    if others:
        group.attrs["auxiliary_signals"] = others
    return group


def grid_plot_group(
    run: Run, table: StreamTable, links: AssetLinks, choice: PlotChoice, h5: h5py.File
) -> Group | None:
    """Return the default plot of a grid as a picture, None of anything else.

    A grid that was broken off is as long as it has come; what is missing in its last line is NaN.
    """
    plot = plot_group(run, table, links, choice)
    layout = grid(run, table.stream)
    if plot is None or layout is None or len(plot.attrs.get("axes", ())) != 1 or choice.axes:
        return None
    names = _names(table.stream)
    axes = [names[field] for field in layout.axes]
    rows = rows_of_grid(layout, h5[f"{table.root}/seq_num"][()])
    if rows is None or not all(axis in plot.children for axis in axes):
        return None
    if sum(length > 1 for length in rows.shape) < 2:
        return None  # one line
    show_as_grid(plot, rows, axes)
    return plot if all(_is_exact(node, h5) for node in plot.children.values()) else None


def _is_exact(node: Node, h5: h5py.File) -> bool:
    """Tell whether a node shows every value as it is: beside NaN, long integers are rounded."""
    if not isinstance(node, Rearranged) or node.rows.min() >= 0:
        return True
    source = h5[node.source]
    return source.dtype.kind == "f" or bool((np.abs(source[()].astype(float)) < 2**53).all())


def instrument_groups(run: Run, table: StreamTable, links: AssetLinks) -> dict[str, Group]:
    """Return the collections of NXpositioner and NXdetector groups of the primary stream."""
    stream = table.stream
    positioners, detectors = Group("NXcollection"), Group("NXcollection")
    taken = {"bluesky", "name", "source", "positioners", "detectors"}
    varied = positioner_fields(run, stream)
    for field in varied:
        if _rank(table, field) == 0:
            name = nexus_name(field, {*taken, *positioners.children})
            positioners.children[name] = _positioner(table, field)
    taken |= set(positioners.children)
    for field in detector_fields(run, stream):
        link = links.link(stream, field)
        data: Node | None = link
        if _rank(table, field) is not None:
            data = HardLink(f"{table.group_of(field)}/value")
        if data is not None and field not in varied:
            name = nexus_name(field, {*taken, *detectors.children})
            group = Group("NXdetector", children={"data": data})
            seconds = _count_time(stream, stream.fields[field])
            if seconds is not None:
                group.children["count_time"] = Dataset(seconds, {"units": "s"})
            detectors.children[name] = group
    groups = {"positioners": positioners, "detectors": detectors}
    return {name: group for name, group in groups.items() if group.children}


def log_group(run: Run, table: StreamTable) -> Group | None:
    """Return an NXlog of a monitor stream of one number, None of any other stream."""
    fields = [f for f in table.stream.fields if _rank(table, f) == 0]
    if not table.stream.name.endswith("_monitor") or len(fields) != 1:
        return None
    group = Group("NXlog")
    group.children["value"] = HardLink(f"{table.group_of(fields[0])}/value")
    group.children["time"] = HardLink(f"{table.root}/time")
    group.add("description", Dataset(f"monitor of {fields[0]} from {iso_time(run.date)}"))
    return group


def _positioner(table: StreamTable, field: str) -> Group:
    declared = table.stream.fields[field]
    group = Group("NXpositioner", children={"name": Dataset(field)})
    group.children["value"] = HardLink(f"{table.group_of(field)}/value")
    setpoint = _setpoint(table.stream, declared)
    if setpoint and _rank(table, setpoint) == 0:
        group.children["value_set"] = HardLink(f"{table.group_of(setpoint)}/value")
    control = (declared.limits or {}).get("control") or {}
    for name, end in (("soft_limit_min", "low"), ("soft_limit_max", "high")):
        limit = control.get(end) if hasattr(control, "get") else None
        if isinstance(limit, int | float):
            group.children[name] = Dataset(float(limit), {"units": declared.units})
    return group


def _count_time(stream: Stream, declared: Field) -> float | None:
    """Return for how long a detector counts, as the configuration of its device says."""
    told = stream.descriptors[0].configuration.get(declared.object_name, {}).get("data")
    for key, value in told.items() if isinstance(told, Mapping) else ():
        is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if str(key).endswith(COUNT_TIMES) and is_number and value > 0:
            return float(value)
    return None


def _setpoint(stream: Stream, declared: Field) -> str | None:
    """Return the field that holds where a positioner was sent: it says so in its name."""
    keys: Sequence[str] = stream.descriptors[0].object_keys.get(declared.object_name, ())
    found = [k for k in keys if "setpoint" in k and k in stream.fields and k != declared.name]
    return found[0] if found else None


def _scalars(table: StreamTable) -> list[str]:
    return [f for f in table.stream.fields if _rank(table, f) == 0]


def _rank(table: StreamTable, field: str) -> int | None:
    """Return the dimensions of one row of a field that can be plotted, None for any other."""
    shape = _shape(table, field)
    return None if shape is None else len(shape)


def _shape(table: StreamTable, field: str) -> tuple[int, ...] | None:
    """Return the shape of one row of a field that can be plotted, None for any other."""
    column = table.column(field)
    layout = column.layout if column else None
    if layout is None or layout.dtype.kind not in "iuf" or layout.is_ragged:
        return None
    return layout.shape


def _axes(run: Run, table: StreamTable, choice: PlotChoice) -> list[str]:
    """Return the fields that a plot has as its axes, the one to be drawn first.

    Of a grid that is a list of points that is the fastest motor: its lines lie over each other.
    """
    wanted = [f for f in choice.axes if f in table.stream.fields]
    layout = grid(run, table.stream)
    if wanted or layout is None:
        return wanted or positioner_fields(run, table.stream)
    fastest = list(zip(reversed(layout.axes), reversed(layout.shape), strict=True))
    return [field for field, _ in sorted(fastest, key=lambda axis: axis[1] == 1)]


def _signals(run: Run, table: StreamTable, links: AssetLinks, choice: PlotChoice) -> list[str]:
    """Return the fields that are worth looking at, the best one first."""
    stream = table.stream
    varied = _axes(run, table, choice)
    found = [f for f in detector_fields(run, stream) if f not in varied]
    detectors = [f for f in found if _rank(table, f) is not None]
    detectors.sort(key=lambda field: _rank(table, field) or 0)  # a scalar is what people look at
    external = [f for f in stream.fields if links.link(stream, f) and f not in varied]
    if not detectors:
        scalars = _scalars(table)
        others = [f for f in scalars if f not in varied]
        may_show = links.is_there if others else links.rank
        if external and (not scalars or may_show(stream, external[0])):
            detectors = external[:1]
        else:
            detectors = others or scalars
    wanted = choice.signal
    if wanted is not None and (_rank(table, wanted) is not None or wanted in external):
        return [wanted, *(f for f in detectors if f != wanted and f not in external)]
    return detectors


def _data(table: StreamTable, links: AssetLinks, field: str) -> Node:
    if _rank(table, field) is None:
        link = links.link(table.stream, field)
        if link is not None:
            return link
    return HardLink(f"{table.group_of(field)}/value")


def _image_axes(
    table: StreamTable, links: AssetLinks, field: str, axes: list[str]
) -> dict[str, Any]:
    """Return the axes of external data, whose rank is known when the file can be opened.

    What was varied is its first axis if there is a frame for each event.
    """
    shape = links.shape(table.stream, field)
    rank = len(shape) if shape else links.rank(table.stream, field)
    if not rank:
        return {}
    if not axes or not shape or shape[0] != table.rows:
        return {"axes": ["."] * rank}
    return {"axes": [axes[0], *["."] * (rank - 1)]} | {f"{axis}_indices": [0] for axis in axes}


def _names(stream: Stream) -> dict[str, str]:
    """Return what each field is called in the plot."""
    names: dict[str, str] = {}
    for field in stream.fields:
        names[field] = nexus_name(field, {*_RESERVED, *names.values()})
    return names
