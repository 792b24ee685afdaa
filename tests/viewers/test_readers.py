"""What NeXpy's reader, scippnexus and xarray read of the default plot is what was measured."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipp
import scippnexus
import xarray
from nexusformat.nexus import nxload

from bluescribe import NexusWriter
from bluescribe.testing import SHAPES
from bluescribe.testing.contract.playing import played
from tests.readers.nexus import text
from tests.viewers.beamline import RUNS
from tests.viewers.drawing import unlike
from tests.viewers.jitter import jittered
from tests.viewers.measured import Primary, primaries
from tests.viewers.plot import Plot, as_shown, fields_of

Arrays = dict[str, Any]


def by_nexusformat(path: Path, place: str, _signal: str) -> Arrays:
    """Return signals and axes of the plot that NeXpy shows."""
    with nxload(str(path)) as root:
        group = root.plottable_data
        assert group.nxpath == place, f"nexusformat finds {group.nxpath}"
        found = [group.nxsignal, *group.nxaxes]
        found += [group[text(n)] for n in np.atleast_1d(group.attrs.get("auxiliary_signals", []))]
        return {each.nxname: np.asarray(each.nxvalue) for each in found}


def by_scippnexus(path: Path, place: str, signal: str) -> Arrays:
    """Return what scippnexus reads, as one DataArray or as a group of arrays."""
    with scippnexus.File(str(path)) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it tells that it is a group
        loaded = file[place][()]
    if isinstance(loaded, scipp.DataArray):
        found = {signal: loaded.values} | {n: axis.values for n, axis in loaded.coords.items()}
    else:
        found = {name: part.values for name, part in loaded.items()}
    return {name: _seconds(path, f"{place}/{name}", each) for name, each in found.items()}


def _seconds(path: Path, name: str, values: Any) -> Any:
    """Return times as they are in the file: scippnexus counts from 1970 what has a start."""
    if np.asarray(values).dtype.kind != "M":
        return values
    with h5py.File(path, "r") as file:
        start = datetime.fromisoformat(text(file[name].attrs["start"])).astimezone(UTC)
    return (values - np.datetime64(start.replace(tzinfo=None), "ns")) / np.timedelta64(1, "s")


def by_xarray(path: Path, place: str, _signal: str) -> Arrays:
    """Return all that xarray reads."""
    with xarray.open_dataset(path, group=place, engine="h5netcdf", phony_dims="sort") as dataset:
        return {str(name): dataset[name].to_numpy() for name in dataset.variables}


READERS = {"nexusformat": by_nexusformat, "scippnexus": by_scippnexus, "xarray": by_xarray}
_UNSIGNED = "scipp has no unsigned integers"
_MIXED = "it fails over arrays of several lengths beside the signal"
_SHAPES = "it shows a wrong shape of frames that are joined from several files"
CANNOT = {
    ("scippnexus", "big_unsigned_integers"): _UNSIGNED,
    ("scippnexus", "numpy_scalars"): _UNSIGNED,
    ("scippnexus", "wide_unsigned_arrays"): _UNSIGNED,
    ("scippnexus", "lists"): _MIXED,
    ("scippnexus", "array_layouts"): _MIXED,
    ("scippnexus", "declared_wrongly"): _MIXED,
    ("scippnexus", "resource_and_scalars"): _MIXED,
    (
        "xarray",
        "resource_missing_file",
    ): "it opens no group with a broken link",
    ("nexusformat", "resource_rollover"): _SHAPES,
    ("nexusformat", "stream_fly_rollover"): _SHAPES,
    ("nexusformat", "beamline joined_images"): _SHAPES,
}
"""What a reader does not read, and why."""


@pytest.mark.parametrize("name", [*SHAPES, *(f"beamline {name}" for name in RUNS)])
def test_readers_read_of_the_default_plot_what_was_measured(
    name: str, tmp_path: Path, shapes_folder: Path
) -> None:
    if name.startswith("beamline"):
        documents = RUNS[name.partition(" ")[2]](tmp_path)
    else:
        documents = jittered(played(name, "plain", shapes_folder))
    with NexusWriter(tmp_path, file_name="{uid}", drain_timeout=60) as writer:
        for document in documents:
            writer(*document)
    for uid, primary in primaries(documents).items():
        path = tmp_path / f"{uid}.hdf"
        place, plot = default_plot(path)
        if plot is not None and primary is not None:
            for reader, read in READERS.items():
                if (reader, name) in CANNOT:
                    continue
                wrong = [*differences(read(path, place, plot.signals[0]), plot, primary)]
                assert not wrong, f"{reader}: {wrong}"


def test_scippnexus_reads_when_a_monitor_was_read(tmp_path: Path, shapes_folder: Path) -> None:
    documents = played("monitors", "plain", shapes_folder)
    with NexusWriter(tmp_path, file_name="run") as writer:
        for document in documents:
            writer(*document)
    with scippnexus.File(str(tmp_path / "run.hdf")) as file:
        ((name, log),) = [i for i in file["entry"].items() if i[0].endswith("_monitor")][:1]
        times = log[()].coords["time"].values
    streams = {doc["uid"]: doc["name"] for kind, doc in documents if kind == "descriptor"}
    events = [d for kind, d in documents if kind == "event" and streams[d["descriptor"]] == name]
    expected = [np.datetime64(int(d["time"] * 1e9), "ns") for d in events]
    assert np.abs(times - np.array(expected)).max() < np.timedelta64(2, "us")


def default_plot(path: Path) -> tuple[str, Plot | None]:
    """Follow @default to an NXdata, as all readers do."""
    with h5py.File(path, "r") as file:
        node: Any = file
        while "default" in node.attrs:
            node = node[node.attrs["default"]]
        if text(node.attrs.get("NX_class", "")) != "NXdata":
            return "", None
        names = [text(axis) for axis in np.atleast_1d(node.attrs.get("axes", []))]
        signals = [node.attrs["signal"], *np.atleast_1d(node.attrs.get("auxiliary_signals", []))]
        axes: Any = [(None, None) if n == "." else (n, node[n][()]) for n in names]
        rank = node[node.attrs["signal"]].ndim
        is_plane = rank == 1 and len(axes) == 2
        return node.name, Plot([*map(text, signals)], axes, fields_of(node), is_plane)


def differences(read: Arrays, plot: Plot, primary: Primary) -> Iterator[str]:
    """Yield in what signals and axes differ from what was measured; a reader may leave some out."""
    for signal in plot.signals:
        where, values = as_shown(plot, primary, signal)
        wanted = {f"values of {signal}": (signal, values)}
        for (axis, _), positions in zip(plot.axes, where, strict=True):
            if axis is not None:
                wanted[axis] = (axis, positions)
        for what, (name, expected) in wanted.items():
            if name in read:
                yield from unlike(what, np.squeeze(read[name]), np.squeeze(expected))
            elif name == plot.signals[0]:
                yield f"{name} is not read, only {sorted(read)}"
