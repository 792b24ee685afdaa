"""Have bluescribe read an HDF5 file that is torn: ``python -m tests.system.torn DOOR FOLDER``.

HDF5 reads on for ever, and no thread of the process can use it again, where texts of variable
length, or the map of a virtual dataset, were not written to their end. So this is a process of its
own. It prints what people are told.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py

from bluescribe.files.run_names import OWED
from bluescribe.formats import load_format
from bluescribe.recording.owed_jobs import take_up_owed
from tests.formats.images import (
    Documents,
    area_detector_file,
    frames,
    hdf5_stream,
    run_of_streams,
)
from tests.formats.test_nexus_master import run
from tests.recovering import recover
from tests.system import killed_completing

COUNT = 4
TEXTS = [f"text {n} of many" for n in range(900)]
_STEP = 6
"""Of a session that completes a run: the note of what it owes is on the disk by then."""


def tear(path: Path, kept: int = 64) -> None:
    """Put zeros behind the first bytes of each heap of texts."""
    data = bytearray(path.read_bytes())
    heaps = [found.start() for found in re.finditer(b"GCOL\x01\0\0\0", data)]
    for heap in heaps:
        end = heap + int.from_bytes(data[heap + 8 : heap + 16], "little")
        data[heap + kept : end] = bytes(max(0, end - heap - kept))
    assert heaps
    path.write_bytes(data)


def virtual_file(path: Path) -> Path:
    """Write a file that joins others, as detectors of several modules do."""
    layout = h5py.VirtualLayout((COUNT, 6, 8), "u2")
    for number in range(COUNT):
        part = area_detector_file(path.with_name(f"part_{number}.h5"), frames(1, number))
        layout[number] = h5py.VirtualSource(part.name, "entry/data/data", (1, 6, 8))[0]
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)
    tear(path)
    return path


def file_with_texts(path: Path) -> Path:
    """Write a file whose frames have texts in an attribute, more than HDF5 reads at once."""
    area_detector_file(path, frames(COUNT))
    with h5py.File(path, "r+") as file:
        file["entry/data/data"].attrs["modules"] = [
            f"module {n} of the detector" for n in range(900)
        ]
    tear(path, kept=5000)
    return path


def play(name: str, folder: Path, docs: Documents, **settings: Any) -> None:
    """Write a run."""
    with load_format(name)(folder / "data", **settings) as writer:
        for document in docs:
            writer(*document)
    status = writer.status()
    for failure in status.failures:
        print(failure.cause, "|", failure.remedy)
    print(status.last_file)


def of_a_detector(
    make: Callable[[Path], Path], name: str, **settings: Any
) -> Callable[[Path], None]:
    """Return what has a format write a run with a torn file of a detector."""

    def session(folder: Path) -> None:
        raw = make(folder / "raw.h5")
        docs = run_of_streams([hdf5_stream(raw)], [(0, 0, COUNT)], (1, 6, 8))
        play(name, folder, docs, **settings)

    return session


def moved_run(folder: Path) -> None:
    """Look for the file of an earlier run, which is elsewhere now, and torn."""
    play("nexus", folder, run(1), master_file="visit.hdf", file_name="first")
    moved = folder / "data" / "elsewhere" / "first.hdf"
    moved.parent.mkdir()
    (folder / "data" / "first.hdf").rename(moved)
    tear(moved)
    play("nexus", folder, run(2), master_file="visit.hdf")


def master(folder: Path) -> None:
    """Go on in a master file that is torn."""
    play("nexus", folder, run(1), master_file="visit.hdf")
    tear(folder / "data" / "visit.hdf")
    play("nexus", folder, run(2), master_file="visit.hdf")


def owed(case: str) -> Callable[[Path], None]:
    """Return a session that finds a file which an earlier one owed something, torn."""

    def complete(folder: Path) -> None:
        raw = area_detector_file(folder / "raw.h5", frames(killed_completing.FRAMES))
        docs = killed_completing.documents(raw)
        data = folder / "data"
        data.mkdir()
        child = os.fork()
        if not child:
            killed_completing.write(data, case, docs, _STEP)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        assert list(data.glob(f"*{OWED}"))
        (path,) = [*data.glob("run*.hdf"), *data.glob("run*.h5")]
        tear(path)
        with load_format(case)(data, file_name="other", **killed_completing.CASES[case]) as writer:
            finder = take_up_owed([writer], Path.cwd())
            assert finder is not None
            finder.join()
        for failure in writer.status().failures:
            print(failure.cause, "|", failure.remedy)

    return complete


SOON = {"images_timeout": 0.2}


def recovered(group: str) -> Callable[[Path], None]:
    """Return what recovers a file in which a group has more texts than HDF5 reads at once."""

    def recovery(folder: Path) -> None:
        play("nexus", folder, run(1), file_name="run")
        path = folder / "data" / "run.hdf"
        with h5py.File(path, "r+") as file:
            file[group].attrs["notes"] = TEXTS
        tear(path, kept=5000)
        for step in recover(folder / "data").steps:
            print(step.outcome, step.what)

    return recovery


DOORS: dict[str, Callable[[Path], None]] = {
    "linked": of_a_detector(virtual_file, "nexus", **SOON),
    "linked raw": of_a_detector(virtual_file, "hdf5"),
    "linked dx": of_a_detector(virtual_file, "dx", image="camera", theta="angle", **SOON),
    "copied": of_a_detector(virtual_file, "nexus", images="copy", **SOON),
    "copied texts": of_a_detector(file_with_texts, "nexus", images="copy", **SOON),
    "copied tiff": of_a_detector(virtual_file, "tiff", **SOON),
    "moved run": moved_run,
    "master": master,
    "recovered root": recovered("/"),
    "recovered entry": recovered("/entry"),
    "owed nexus": owed("nexus"),
    "owed dx": owed("dx"),
}


def main(arguments: Sequence[str]) -> None:
    logging.basicConfig(stream=sys.stdout)
    DOORS[arguments[0]](Path(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
