"""The files of a day at a beamline, for viewers to open: python -m tests.viewers.files FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from bluescribe import NexusWriter
from tests.viewers.beamline import RUNS
from tests.viewers.sheet import MASTER


def main(folder: Path) -> None:
    """Write the file of each run as NAME/NAME.hdf: what it links to lies in folders beside it."""
    for name in (*RUNS, MASTER):
        written = write(name, folder / name)
        written.rename(written.with_name(f"{name}.hdf"))


def write(name: str, folder: Path) -> Path:
    """Play a run, and return the file that it is written to."""
    (folder / "raw").mkdir(parents=True)
    runs = [name] if name in RUNS else ["scan", "snaked_grid"]
    master = folder / f"{MASTER}.hdf"
    with NexusWriter(folder, file_name="{uid}", master_file=master.name) as writer:
        for document in (document for run in runs for document in RUNS[run](folder / "raw")):
            writer(*document)
    written = writer.status().last_file if name in RUNS else master
    assert written is not None
    return written


if __name__ == "__main__":
    main(Path(sys.argv[1]))
