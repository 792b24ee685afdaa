"""A tomography run of a phantom of discs, with whites and darks, by a real RunEngine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import h5py
import numpy as np
from bluesky import RunEngine
from ophyd.sim import SynAxis, SynSignal

from bluescribe.testing.shapes.stream_assets import StreamDetector

DISCS = ((0.0, 0.0, 20.0), (8.0, 4.0, 4.0), (-6.0, -9.0, 3.0))
"""Centre and radius of each, in pixels; each adds to the one below it."""

SIZE, ROWS = 64, 3
WHITE, DARK = 40_000, 300
ABSORPTION = 0.01


def phantom() -> Any:
    """Return a slice as it is."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return ABSORPTION * sum((x - cx) ** 2 + (y - cy) ** 2 < r**2 for cx, cy, r in DISCS)


def check_phantom(found: Any) -> None:
    """Fail unless a slice that was reconstructed shows the phantom."""
    inside = np.hypot(*(np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2)) < SIZE / 2 - 2
    turned = [found, np.flipud(found)]  # a sense of rotation is a convention
    agreement = max(np.corrcoef(image[inside], phantom()[inside])[0, 1] for image in turned)
    assert agreement > 0.9, agreement


def projection(degrees: float) -> Any:
    """Return the counts behind the phantom."""
    angle = np.deg2rad(degrees)
    x = np.arange(SIZE) - (SIZE - 1) / 2
    path = np.zeros(SIZE)
    for cx, cy, r in DISCS:
        centre = cx * np.cos(angle) + cy * np.sin(angle)
        path += 2 * np.sqrt(np.clip(r**2 - (x - centre) ** 2, 0, None))
    counts = DARK + (WHITE - DARK) * np.exp(-ABSORPTION * path)
    return np.tile(np.rint(counts), (ROWS, 1)).astype(np.uint16)


class Beamline:
    """A camera that sees what shutter, sample and angle make of the beam."""

    def __init__(self) -> None:
        self.theta = SynAxis(name="theta")
        self.view = "data"
        self.camera = SynSignal(func=self._image, name="camera")
        self.key = SynSignal(func=lambda: ("data", "flat", "dark").index(self.view), name="key")

    def _image(self) -> Any:
        flat = {"flat": WHITE, "dark": DARK}
        if self.view in flat:
            return np.full((ROWS, SIZE), flat[self.view], np.uint16)
        return projection(self.theta.readback.get())

    def scan(self, angles: Any, *, in_one_stream: bool = False) -> Any:
        """Take darks, whites, and a projection at each angle."""
        devices = [self.camera, self.theta, self.key]
        metadata = {
            "motors": ["theta"],
            "plan_name": "tomo_scan",
            "beamline_id": "2-BM",
            "sample": {"name": "discs", "thickness_mm": 2},
        }

        @bpp.stage_decorator(devices)
        @bpp.run_decorator(md=metadata)
        def inner() -> Any:
            for view, number in (("dark", 2), ("flat", 3)):
                self.view = view
                for _ in range(number):
                    stream = "primary" if in_one_stream else view
                    yield from bps.trigger_and_read(devices, name=stream)
            self.view = "data"
            for angle in angles:
                yield from bps.mv(self.theta, angle)
                yield from bps.trigger_and_read(devices)

        return inner()


class FileCamera(StreamDetector):
    """A camera that writes what it sees to files of its own."""

    def __init__(self, folder: Path, see: Callable[[], Any], name: str = "camera") -> None:
        super().__init__(folder, name)
        self.see = see

    def _append(self, path: Path, frame: int, image: Any) -> None:
        image = np.asarray(self.see())
        with h5py.File(path, "a") as file:
            if "entry/data/data" not in file:
                limits = (None, *image.shape)
                file.create_dataset(
                    "entry/data/data", (0, *image.shape), image.dtype, maxshape=limits
                )
            images = file["entry/data/data"]
            images.resize(frame + 1, axis=0)
            images[frame] = image

    def describe(self) -> dict[str, Any]:
        """Describe one frame, or one number."""
        shape = np.asarray(self.see()).shape
        return {self.name: {**super().describe()[self.name], "shape": [1, *shape]}}


class FileBeamline(Beamline):
    """The same, with a camera, and an encoder of the angle, that write files."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.camera = FileCamera(folder, self._image)
        self.encoder = FileCamera(folder, self.theta.readback.get, "angle")

    def fly(self, angles: Any) -> Any:
        """Take darks and whites point by point, and the projections in a flight."""
        flown = [self.camera, self.encoder]

        @bpp.stage_decorator(flown)
        @bpp.run_decorator(md={"plan_name": "tomo_fly", "sample": "discs"})
        def inner() -> Any:
            for view, number in (("dark", 2), ("flat", 3)):
                self.view = view
                for _ in range(number):
                    yield from bps.trigger_and_read(flown, name=view)
            self.view = "data"
            yield from bps.declare_stream(*flown, name="primary", collect=True)
            for angle in angles:
                yield from bps.mv(self.theta, angle)
                for device in flown:
                    device.trigger()
            yield from bps.collect(*flown, name="primary")

        return inner()


def measure(writer: Any, angles: Any, **options: Any) -> None:
    """Run a scan into a writer."""
    engine = RunEngine()
    engine.subscribe(writer.receiver)
    engine(Beamline().scan(angles, **options))


def fly(writer: Any, folder: Path, angles: Any) -> None:
    """Fly into a writer, with images and angles in files."""
    engine = RunEngine()
    engine.subscribe(writer.receiver)
    engine(FileBeamline(folder).fly(angles))
