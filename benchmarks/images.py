"""Images of a simulated detector, linked and copied, beside a plain copy with h5py."""

# mypy: allow-untyped-calls
# Some of ophyd-async's and bluesky's functions have no annotations.

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import h5py
import numpy as np

__all__ = ["IMAGES", "measure_images", "take_images"]

_SIDE = 512
_WARM_UP = 8
_BLOCK = 32
"""Frames that the plain copy reads and writes at once: 16 MB."""

_DATASET = "entry/data/data"

IMAGES: Mapping[str, Mapping[str, Any] | None] = {
    "no writer": None,
    "linked": {},
    "copied": {"images": "copy"},
}
"""Settings of the NexusWriter that are measured; None has none subscribed."""


def measure_images(name: str, directory: Path, frames: int) -> dict[str, Any]:
    """Take images with a simulated detector; measure memory, and the copying beside a plain copy.

    Parameters
    ----------
    name
        One of `IMAGES`.
    directory
        Folder for the files.
    frames
        Of 512 x 512 unsigned 16-bit integers.
    """
    for folder in ("warm", "files", "plain"):
        (directory / folder).mkdir()
    take_images(directory / "warm", _WARM_UP, IMAGES[name])
    before = _resident("VmRSS")
    path, seconds = take_images(directory / "files", frames, IMAGES[name])
    outcome: dict[str, Any] = {
        "events": frames,
        "growth_bytes": max(0, _resident("VmHWM") - before),
    }
    if path is not None:
        outcome["is_complete"] = _is_complete(path, frames)
    if name == "copied":
        (raw,) = (directory / "files").glob("*.h5")
        plain = _plain_copy(raw, directory / "plain" / "plain.h5")
        outcome |= {"copy_s": seconds, "plain_s": plain, "share": plain / seconds}
    return outcome


def take_images(
    directory: Path, frames: int, settings: Mapping[str, Any] | None
) -> tuple[Path | None, float]:
    """Fly a detector; return the NeXus file and the seconds from the run's end to its last image.

    Parameters
    ----------
    directory
        For the detector's file and the NeXus file.
    frames
        How many are taken.
    settings
        Of the NexusWriter; None subscribes none.
    """
    import bluesky.plan_stubs as bps
    import bluesky.preprocessors as bpp
    from bluesky import RunEngine
    from ophyd_async.core import TriggerInfo
    from ophyd_async.plan_stubs import ensure_connected

    from bluescribe import NexusWriter

    detector = _detector(directory)

    def plan() -> Any:
        yield from ensure_connected(detector)
        yield from bpp.stage_wrapper(bpp.run_wrapper(flight()), [detector])

    def flight() -> Any:
        yield from bps.prepare(detector, TriggerInfo(number_of_events=frames), wait=True)
        yield from bps.declare_stream(detector, name="primary", collect=True)
        yield from bps.kickoff(detector, wait=True)
        yield from bps.collect_while_completing(
            [detector], [detector], flush_period=0.1, stream_name="primary"
        )

    RE = RunEngine({})
    with NexusWriter(directory, **(settings or {})) as writer:
        if settings is not None:
            RE.subscribe(writer.receiver)
        RE(plan())
        began = time.perf_counter()
    return writer.status().last_file, time.perf_counter() - began


def _detector(directory: Path) -> Any:
    """Make ophyd-async's simulated detector, with larger images and without waiting."""
    from ophyd_async.core import StaticFilenameProvider, StaticPathProvider
    from ophyd_async.sim import PatternGenerator, SimBlobDetector
    from ophyd_async.sim import _blob_data_logic as logic
    from ophyd_async.sim._pattern_generator import PatternFile

    logic.WIDTH = logic.HEIGHT = _SIDE  # the detector has no setting

    class Images(PatternFile):
        def __init__(self, path: PurePath, width: int, height: int) -> None:
            super().__init__(path, width, height)
            self.file.close()
            self.file = h5py.File(path, "w", libver="latest")
            shape = (0, height, width)
            self.data = self.file.create_dataset(
                _DATASET, shape, np.uint16, maxshape=(None, *shape[1:]), chunks=(1, *shape[1:])
            )
            self.sum = self.file.create_dataset(
                "entry/sum", (0,), np.int64, maxshape=(None,), chunks=(1024,)
            )
            self.file.swmr_mode = True
            noise = np.random.default_rng(0).poisson(1000, (height, width))
            self.blob = noise.astype(float)

    class Generator(PatternGenerator):
        def open_file(self, path: PurePath, width: int, height: int) -> None:
            super().open_file(path, width, height)
            self.close_file()
            self._file = Images(path, width, height)

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    paths = StaticPathProvider(StaticFilenameProvider("images"), directory)
    return SimBlobDetector(paths, Generator(sleep=at_once), name="camera")


def _is_complete(path: Path, frames: int) -> bool:
    """Tell whether all frames can be read through the NeXus file."""
    with h5py.File(path) as file:
        images = file["/entry/instrument/bluesky/streams/primary/camera/value"]
        return bool(len(images) == frames and images[-1].any())


def _plain_copy(raw: Path, path: Path) -> float:
    """Copy the images as a script of the beamline would, block by block; return the seconds."""
    began = time.perf_counter()
    with h5py.File(raw) as source, h5py.File(path, "w") as target:
        images = source[_DATASET]
        copy = target.create_dataset(_DATASET, images.shape, images.dtype, chunks=images.chunks)
        for first in range(0, len(images), _BLOCK):
            copy[first : first + _BLOCK] = images[first : first + _BLOCK]
    return time.perf_counter() - began


def _resident(key: str) -> int:
    """Return the memory of this process, now or at its peak, in bytes."""
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(key))
