"""External data announced by stream_resource and stream_datum, from devices without asyncio."""

# mypy: allow-untyped-calls
# Some of bluesky's functions have no annotations.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import h5py
import numpy as np
import tifffile
from event_model import StreamRange, compose_stream_resource
from ophyd.sim import NullStatus

from .devices import Scripted, motor
from .engine import Plan, play
from .registry import Documents, shape


@dataclass
class StreamDetector:
    """Write frames and announce them as streams, flown or point by point.

    Parameters
    ----------
    folder : Path
        Where the files go.
    name : str
        The device's name and its field's.
    frames_per_file : int
        Begin another file, and another stream_resource, after so many frames.
    tiff : bool
        Whether to write a sequence of TIFF files instead of HDF5.
    """

    folder: Path
    name: str = "camera"
    frames_per_file: int = 1000
    tiff: bool = False
    parent: None = None
    written: int = 0
    _resource: Any = None
    announced: int = 0

    def __hash__(self) -> int:
        return id(self)

    def stage(self) -> list[Any]:
        """Be ready to announce what comes from now on: a file that goes on is named again."""
        self._resource = None
        return [self]

    def unstage(self) -> list[Any]:
        """Have nothing to put away."""
        return [self]

    def prepare(self, frames: int) -> NullStatus:
        """Write as many frames when the device is flown."""
        self._frames = frames
        return NullStatus()

    def kickoff(self) -> NullStatus:
        """Write all frames at once."""
        for _ in range(self._frames):
            self.trigger()
        return NullStatus()

    def complete(self) -> NullStatus:
        """Be done."""
        return NullStatus()

    def trigger(self) -> NullStatus:
        """Write one frame."""
        image = np.full((6, 8), self.written, dtype="uint16")
        file, frame = divmod(self.written, self.frames_per_file)
        if self.tiff:
            tifffile.imwrite(self.folder / f"{self.name}_{self.written:06d}.tiff", image)
        else:
            self._append(self.folder / f"{self.name}_{file:03d}.h5", frame, image)
        self.written += 1
        return NullStatus()

    def _append(self, path: Path, frame: int, image: Any) -> None:
        with h5py.File(path, "a") as file:
            shape = {"shape": (0, 6, 8), "maxshape": (None, 6, 8), "chunks": (1, 6, 8)}
            if "entry/data/data" not in file:
                file.create_dataset("entry/data/data", dtype="uint16", **shape)
            images = file["entry/data/data"]
            images.resize(frame + 1, axis=0)
            images[frame] = image

    def describe(self) -> dict[str, Any]:
        """Describe one frame."""
        return {
            self.name: {
                "source": f"sim://{self.name}",
                "dtype": "array",
                "dtype_numpy": "<u2",
                "shape": [1, 6, 8],
                "external": "STREAM:",
            }
        }

    def describe_collect(self) -> dict[str, Any]:
        """Describe one frame of a flight."""
        return self.describe()

    def read(self) -> dict[str, Any]:
        """Read nothing: all data are in files."""
        return {}

    def get_index(self) -> int:
        """Tell how many frames are on disk."""
        return self.written

    def collect_asset_docs(self, index: int | None = None) -> Iterator[tuple[str, Any]]:
        """Announce the frames of one file that are new, and the file before them."""
        if self.announced == self.written:
            return
        file, first = divmod(self.announced, self.frames_per_file)
        if first == 0 or self._resource is None:
            self._resource, self._compose_datum = self._compose(file)
            yield "stream_resource", self._resource
        end = min(self.written if index is None else index, (file + 1) * self.frames_per_file)
        new = StreamRange(start=first, stop=end - file * self.frames_per_file)
        self.announced = end
        yield "stream_datum", self._compose_datum(new)

    def _compose(self, file: int) -> Any:
        if self.tiff:
            return compose_stream_resource(
                mimetype="multipart/related;type=image/tiff",
                uri=f"file://localhost{self.folder}/",
                data_key=self.name,
                parameters={"chunk_shape": (1, 6, 8), "template": self.name + "_{:06d}.tiff"},
            )
        return compose_stream_resource(
            mimetype="application/x-hdf5",
            uri=f"file://localhost{self.folder}/{self.name}_{file:03d}.h5",
            data_key=self.name,
            parameters={"chunk_shape": (1, 6, 8), "dataset": "/entry/data/data"},
        )


def _fly(detectors: list[StreamDetector], frames: int, collections: int = 1) -> Plan:
    """Fly detectors together and collect what they have written."""
    yield from bps.open_run({"plan_name": "fly"})
    for detector in detectors:
        yield from bps.prepare(detector, frames, wait=True)
    yield from bps.declare_stream(*detectors, name="primary", collect=True)
    yield from bps.kickoff_all(*detectors, wait=True)
    yield from bps.complete_all(*detectors, wait=True)
    for _ in range(collections):
        yield from bps.collect(*detectors, name="primary")
    yield from bps.close_run()


@shape(external=True)
def stream_fly(folder: Path) -> Documents:
    """Fly a detector: one stream_datum of many frames and no event at all."""
    return play(_fly([StreamDetector(folder)], 7))


@shape(external=True)
def stream_fly_rollover(folder: Path) -> Documents:
    """Fly a detector that begins another file every three frames."""
    return play(_fly([StreamDetector(folder, frames_per_file=3)], 7, collections=3))


@shape(external=True)
def stream_fly_two_detectors(folder: Path) -> Documents:
    """Fly two detectors in one stream."""
    return play(_fly([StreamDetector(folder, "left"), StreamDetector(folder, "right")], 4))


@shape(external=True)
def stream_fly_tiff(folder: Path) -> Documents:
    """Fly a detector that writes a sequence of TIFF files."""
    return play(_fly([StreamDetector(folder, tiff=True)], 4))


@shape(external=True)
def stream_declared_nothing_written(folder: Path) -> Documents:
    """Fly a detector that writes no frame."""
    return play(_fly([StreamDetector(folder)], 0))


@shape(external=True)
def stream_count(folder: Path) -> Documents:
    """Count with a detector whose events have empty data."""
    return play(bp.count([StreamDetector(folder)], num=3))


@shape(external=True)
def stream_scan_rollover(folder: Path) -> Documents:
    """Scan with a detector that begins another file every two frames, and with a scalar."""
    detectors: list[Any] = [StreamDetector(folder, frames_per_file=2)]
    detectors.append(Scripted("det", [1, 2, 3, 4, 5]))
    return play(bp.scan(detectors, motor(), 0, 1, 5))


@shape(external=True, runs=2)
def stream_into_one_file(folder: Path) -> Documents:
    """Scan twice into one file: each run has its own frames of those that are there in the end."""
    detector, axis = StreamDetector(folder), motor()

    def plan() -> Plan:
        for _ in range(2):
            yield from bp.scan([detector], axis, 0, 1, 3)

    return play(plan())


@shape(external=True)
def stream_awkward_path(folder: Path) -> Documents:
    """Count with files in a folder whose name has blanks, percent signs and another script."""
    inside = folder / "run 1 #2 50% größe"
    inside.mkdir()
    return play(bp.count([StreamDetector(inside)], num=2))


@shape(external=True)
def stream_aborted(folder: Path) -> Documents:
    """Fly a detector and fail before its frames are collected."""
    detector = StreamDetector(folder)

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "fly"})
        yield from bps.prepare(detector, 3, wait=True)
        yield from bps.declare_stream(detector, name="primary", collect=True)
        yield from bps.kickoff(detector, wait=True)
        yield from bps.close_run(exit_status="abort", reason="the beam was lost")

    return play(bpp.stage_wrapper(plan(), [detector]))
