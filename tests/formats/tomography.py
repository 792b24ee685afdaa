"""A tomography run of a phantom of discs, with whites and darks, by a real RunEngine."""

from __future__ import annotations

from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
from bluesky import RunEngine
from ophyd.sim import SynAxis, SynSignal

DISCS = ((0.0, 0.0, 20.0), (8.0, 4.0, 4.0), (-6.0, -9.0, 3.0))
"""Centre and radius of each, in pixels; each adds to the one below it."""

SIZE, ROWS = 64, 3
WHITE, DARK = 40_000, 300
ABSORPTION = 0.01


def phantom() -> Any:
    """Return a slice as it is."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return ABSORPTION * sum((x - cx) ** 2 + (y - cy) ** 2 < r**2 for cx, cy, r in DISCS)


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


def measure(writer: Any, angles: Any, **options: Any) -> None:
    """Run a scan into a writer."""
    engine = RunEngine()
    engine.subscribe(writer.receiver)
    engine(Beamline().scan(angles, **options))
