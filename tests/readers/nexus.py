"""Read NeXus files with h5py: every stream, field and document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bluescribe.testing.contract import RecordedRun

BLUESKY = "/entry/instrument/bluesky"


def read_folder(folder: Path, *, live: bool = False) -> list[RecordedRun]:
    """Return the runs of all NeXus files in a folder."""
    return [read_file(path, live=live) for path in sorted(folder.rglob("*.hdf"))]


def read_file(path: Path, *, live: bool = False) -> RecordedRun:
    """Return the run in a file; `live` while it is being written."""
    # The writer, in this same process, has the file open without locks: HDF5 wants one manner.
    with h5py.File(path, "r", swmr=live, locking=False if live else None) as file:
        bluesky = file[BLUESKY]
        documents = bluesky["documents"]
        run = RecordedRun(
            text(bluesky["uid"][()]),
            start=json.loads(documents["start"][()]),
            stop=json.loads(documents["stop"][()]) if "stop" in documents else None,
            descriptors=[json.loads(d[()]) for d in numbered(documents, "descriptor")],
        )
        for group in bluesky["streams"].values():
            _read_stream(group, run)
        return run


def text(value: Any) -> str:
    """Return text that h5py gives as bytes or as itself."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def numbered(group: h5py.Group, name: str) -> list[h5py.Dataset]:
    """Return ``name_1``, ``name_2``... in that order."""
    found = [key for key in group if key.rpartition("_")[0] == name and key[-1].isdigit()]
    return [group[key] for key in sorted(found, key=lambda key: int(key.rpartition("_")[2]))]


def _read_stream(group: h5py.Group, run: RecordedRun) -> None:
    stream = text(group.attrs["stream"])
    assert stream not in run.seq_num, f"two groups say that they are stream {stream!r}"
    seq_num, times = group.get("seq_num"), group.get("EPOCH")
    run.seq_num[stream] = [] if seq_num is None else seq_num[()].tolist()
    run.times[stream] = [] if times is None else times[()].tolist()
    start = run.start["time"] if run.start else 0.0
    is_known = isinstance(start, int | float) and abs(start) < 1e300  # else: since its receipt
    if times is not None and is_known and not isinstance(start, bool):
        since = times[()] - start
        assert np.allclose(group["time"][()], since, atol=1e-3, equal_nan=True), "time since start"
    run.events[stream], run.timestamps[stream] = {}, {}
    for name, child in group.items():
        if isinstance(child, h5py.Group):
            field = text(child.attrs.get("data_key", name))
            assert field not in run.events[stream], f"two groups say that they are {field!r}"
            _read_field(child, run, stream, field)


def _read_field(group: h5py.Group, run: RecordedRun, stream: str, field: str) -> None:
    for name in ("value", "datum_id"):
        is_here = isinstance(group.get(name, getlink=True), h5py.HardLink)
        if is_here and not {"joined_from", "copied_from"} & set(group[name].attrs):
            put(run.events[stream], field, read_column(group, name))
            run.timestamps[stream][field] = group["EPOCH"][()].tolist()
    assets = [text(asset[()]) for asset in numbered(group, "asset")]
    templates = [text(asset.attrs["parameters"]) for asset in numbered(group, "asset")]
    if assets:
        places = [" ".join(pair) for pair in zip(assets, templates, strict=True)]
        run.places[stream, field] = places


def read_column(group: h5py.Group, name: str) -> list[Any]:
    """Return a column as it was measured: ragged rows cut, JSON read, missing rows None."""
    dataset = group[name]
    missing = set(group[f"{name}_missing"][()].tolist()) if f"{name}_missing" in group else set()
    array = dataset[()]
    if "encoding" in dataset.attrs:
        assert text(dataset.attrs["encoding"]).startswith("JSON")
        rows = [json.loads(row) for row in array.tolist()]
    elif h5py.check_string_dtype(dataset.dtype):
        rows = list(np.char.decode(array, "utf-8") if array.size else array)
    else:
        rows = list(array)
    if "ragged" in dataset.attrs:
        shapes = group[f"{name}_shape"][()].tolist()
        rows = [r[tuple(slice(0, n) for n in s)] for r, s in zip(rows, shapes, strict=True)]
    return [None if i in missing else row for i, row in enumerate(rows)]


def put(events: dict[str, list[Any]], field: str, column: list[Any]) -> None:
    """Add a column; a field that had values and datum ids has them in turn."""
    others = events.get(field, [None] * len(column))
    assert all(a is None or b is None for a, b in zip(others, column, strict=True))
    events[field] = [b if a is None else a for a, b in zip(others, column, strict=True)]
