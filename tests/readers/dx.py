"""Read Data Exchange files with h5py: the projections of each run, as events of ``primary``."""

from __future__ import annotations

import json
from pathlib import Path

import h5py

from bluescribe.testing.contract import RecordedRun


def read_folder(folder: Path) -> list[RecordedRun]:
    """Return the runs of all files in a folder."""
    return [read_file(path) for path in sorted(folder.rglob("*.dx.h5"))]


def read_file(path: Path) -> RecordedRun:
    """Return the run in a file."""
    with h5py.File(path) as file:
        assert file["implements"][()].decode().startswith("exchange")
        acquisition = file["process/acquisition"]
        run = RecordedRun(
            acquisition["uid"][()].decode(),
            start=json.loads(acquisition["start"][()]),
            stop=json.loads(acquisition["stop"][()]) if "stop" in acquisition else None,
        )
        if "data" in acquisition:
            run.seq_num["primary"] = acquisition["data/seq_num"][()].tolist()
            run.times["primary"] = acquisition["data/time"][()].tolist()
            images = file["exchange/data"]
            name = images.attrs["description"]
            run.events["primary"] = {name: list(images[()])}
            assert len(images) == len(run.seq_num["primary"]) == len(run.times["primary"])
    return run
