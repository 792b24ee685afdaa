"""What a viewer shows when it opens a file: numbers of one stream, over the motor that moved.

Viewers follow ``@default`` to a group with ``@NX_class="NXdata"`` and its ``@signal``. This is all
that raw HDF5 has of NeXus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import h5py

from ...hdf5.objects import set_attribute
from ...model.dimensions import detector_fields, dimensions
from ...model.numbers import is_real
from ...model.run import Run, Stream
from .table import StreamColumns

__all__ = ["set_default"]

_INTERPRETATIONS = {2: "spectrum", 3: "image"}
"""Of a signal with so many dimensions, its rows included; with none, viewers show a volume."""


def set_default(h5: h5py.File, run: Run, streams: Iterable[StreamColumns]) -> None:
    """Let viewers open a finished file on what was measured; on nothing if there are no numbers.

    Parameters
    ----------
    h5
        The file, plain.
    run, streams
        What is in it. The primary stream comes first, a baseline last.
    """
    for columns in sorted(streams, key=_rank):
        signal = _signal(h5, run, columns)
        if signal is None:
            continue
        group = signal.parent
        set_attribute(group, "NX_class", "NXdata")
        set_attribute(group, "signal", signal.name.rpartition("/")[2])
        set_attribute(group, "axes", _axes(h5, run, columns, signal))
        if signal.ndim in _INTERPRETATIONS:
            set_attribute(signal, "interpretation", _INTERPRETATIONS[signal.ndim])
        set_attribute(h5, "default", group.name.lstrip("/"))
        return


def _rank(columns: StreamColumns) -> tuple[bool, bool]:
    return columns.stream.is_baseline, columns.stream.name != "primary"


def _signal(h5: h5py.File, run: Run, columns: StreamColumns) -> h5py.Dataset | None:
    """Return the detector that is hinted at; numbers come before spectra and images."""
    stream = columns.stream
    fields = dict.fromkeys([*detector_fields(run, stream), *stream.fields])
    first = None
    for dataset in _numbers(h5, columns, fields):  # one open at a time: there may be thousands
        if dataset.ndim <= 1:
            return dataset
        first = dataset if first is None else first
    return first


def _axes(h5: h5py.File, run: Run, columns: StreamColumns, signal: h5py.Dataset) -> list[str]:
    """Return the one motor that moved, for a curve.

    Two points have none: silx takes two numbers for an offset and a step.
    """
    moved = _moved(run, columns.stream)
    axes = [axis for axis in _numbers(h5, columns, moved) if axis.ndim == 1 and axis != signal]
    is_curve = signal.ndim == 1 and len(signal) != 2
    return [axis.name.rpartition("/")[2] for axis in axes[:1]] if is_curve else []


def _moved(run: Run, stream: Stream) -> tuple[str, ...]:
    groups = dimensions(run, stream)
    return groups[0] if len(groups) == 1 else ()


def _numbers(
    h5: h5py.File, columns: StreamColumns, fields: Iterable[str]
) -> Iterator[h5py.Dataset]:
    """Yield the columns of fields that are numbers, and have some."""
    for field in fields:
        name = columns.name_of(field)
        dataset = h5[f"{columns.root}/{name}"] if name else None
        if dataset is not None and is_real(dataset.dtype) and dataset.size:
            yield dataset
