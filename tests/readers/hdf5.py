"""Read raw HDF5 files with h5py: every stream, field and document."""

from __future__ import annotations

import json
from pathlib import Path

import h5py

from bluescribe.testing.contract import RecordedRun
from tests.readers.nexus import numbered, put, read_column, text

_OWN = {"time", "seq_num", "timestamps"}


def read_folder(folder: Path, *, live: bool = False) -> list[RecordedRun]:
    """Return the runs of all files in a folder."""
    paths = [path for path in sorted(folder.rglob("*.h5")) if not path.name.endswith(".dx.h5")]
    return [read_file(path, live=live) for path in paths]


def read_file(path: Path, *, live: bool = False) -> RecordedRun:
    """Return the run in a file; `live` while it is being written."""
    with h5py.File(path, "r", swmr=live, locking=False if live else None) as file:
        metadata = file["metadata"]
        run = RecordedRun(
            text(file.attrs["uid"]),
            start=json.loads(metadata["start"][()]),
            stop=json.loads(metadata["stop"][()]) if "stop" in metadata else None,
            descriptors=[json.loads(d[()]) for d in numbered(metadata, "descriptor")],
        )
        for name in file["streams"]:
            _read_stream(file["streams"][name], run)
        return run


def _read_stream(group: h5py.Group, run: RecordedRun) -> None:
    stream = text(group.attrs["stream"])
    assert stream not in run.seq_num, f"two groups say that they are stream {stream!r}"
    has_rows = "seq_num" in group
    run.seq_num[stream] = group["seq_num"][()].tolist() if has_rows else []
    run.times[stream] = group["time"][()].tolist() if has_rows else []
    events = run.events[stream] = {}
    run.timestamps[stream] = {}
    for name, child in group.items():
        if name in _OWN or name.endswith(("_shape", "_missing")):
            continue
        field = text(child.attrs["data_key"])
        if isinstance(child, h5py.Dataset):
            put(events, field, read_column(group, name))
            assert {"units", "source", "dtype"} <= set(child.attrs)
            continue
        if "datum_id" in child:
            put(events, field, read_column(child, "datum_id"))
        assets = numbered(child, "asset")
        if assets:
            told = [(text(a[()]), text(a.attrs["parameters"])) for a in assets]
            run.places[stream, field] = [" ".join(pair) for pair in told]
    stamps = group.get("timestamps", {})
    for name in set(stamps) - {f"{column}_missing" for column in stamps}:
        column = stamps[name]
        field = text(column.attrs["data_key"])
        assert field not in run.timestamps[stream]
        run.timestamps[stream][field] = column[()].tolist()
