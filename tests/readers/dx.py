"""Read Data Exchange files with h5py: the projections of each run, as events of ``primary``."""

from __future__ import annotations

import json
from pathlib import Path

import h5py

from bluescribe.testing.contract import RecordedRun


def read_folder(folder: Path, *, live: bool = False) -> list[RecordedRun]:
    """Return the runs of all files in a folder; they may be written at this moment."""
    return [read_file(path, live=live) for path in sorted(folder.rglob("*.dx.h5"))]


def read_file(path: Path, *, live: bool = False) -> RecordedRun:
    """Return the run in a file."""
    with h5py.File(path, "r", swmr=live, locking=False) as file:
        assert file["implements"][()].decode().startswith("exchange")
        acquisition = file["process/acquisition"]
        run = RecordedRun(
            acquisition["uid"][()].decode(),
            start=json.loads(acquisition["start"][()]),
            stop=json.loads(acquisition["stop"][()]) if "stop" in acquisition else None,
        )
        for entry in json.loads(acquisition["left_out"][()]) if "left_out" in acquisition else ():
            run.left_out[entry.get("stream", "primary"), entry["field"]] = json.dumps(entry)
        if "data" in acquisition:
            _read_projections(file, acquisition["data"], run)
    return run


def _read_projections(file: h5py.File, data: h5py.Group, run: RecordedRun) -> None:
    """Read the frames and what each tells of its event; frames of streams have no times."""
    run.seq_num["primary"] = data["seq_num"][()].tolist()
    lengths = {len(run.seq_num["primary"])}
    if "time" in data:
        run.times["primary"] = data["time"][()].tolist()
        lengths.add(len(run.times["primary"]))
    if "exchange/data" in file:
        images = file["exchange/data"]
        run.events["primary"] = {images.attrs["description"]: list(images[()])}
        assert lengths == {len(images)}
