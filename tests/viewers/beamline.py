"""Runs of a real RunEngine with motors as uneven as real ones: what beamlines do on most days."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import numpy as np
from ophyd import Signal
from ophyd.sim import SynSignal

from bluescribe.demo.beamline import Axis
from bluescribe.testing.shapes.engine import play, play_interrupted
from bluescribe.testing.shapes.stream_assets import StreamDetector
from tests.viewers.jitter import NOISE

Documents = list[tuple[str, Any]]

_CHANNELS = np.arange(64)
_ROWS, _COLUMNS = np.mgrid[:20, :30]


class Beamline:
    """Motors that never stand quite where they were sent, and what sees where they are."""

    def __init__(self, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        self.x, self.y, self.z = self._motor("x"), self._motor("y"), self._motor("z")
        self.diode = self._detector("diode", lambda: 1000 * self._spot())
        self.monitor = self._detector("i0", lambda: 900 + 20 * self._random.normal())
        self.mca = self._detector("mca", self._spectrum)
        self.camera = self._detector("camera", self._image)
        self.single = self._detector("single", lambda: [1000 * self._spot()])

    def _motor(self, name: str) -> Axis:
        return Axis(name=name, egu="mm", readback_func=lambda v: v + self._random.normal(0, NOISE))

    def _detector(self, name: str, func: Callable[[], Any]) -> SynSignal:
        return SynSignal(func=func, name=name, kind="hinted")

    def _spot(self) -> float:
        x, y = self.x.position, self.y.position
        return (
            float(np.exp(-((x - 0.4) ** 2) / 0.3 - (y - 1) ** 2 / 2)) + self._random.random() / 50
        )

    def _spectrum(self) -> Any:
        peak = np.exp(-((_CHANNELS - 30 - 12 * self.x.position) ** 2) / 20)
        return (1000 * self._spot() * peak + self._random.poisson(3, 64)).astype("int64")

    def _image(self) -> Any:
        x, y = 15 + 8 * self.x.position, 10 + 3 * self.y.position
        spot = np.exp(-((_COLUMNS - x) ** 2 + (_ROWS - y) ** 2) / 9)
        return (500 * spot + self._random.poisson(5, spot.shape)).astype("uint16")


class _FileDetector(StreamDetector):
    """A detector with files of its own, which sees a wave that moves from frame to frame."""

    def _append(self, path: Path, frame: int, image: Any) -> None:
        rows, columns = np.mgrid[:6, :8]
        wave = 100 + 50 * np.sin(columns / 2 + rows / 4 + self.written / 3)
        super()._append(path, frame, wave.astype("uint16"))


def scan(folder: Path) -> Documents:
    """Move one motor over a peak, with two detectors."""
    b = Beamline()
    return play(bp.scan([b.diode, b.monitor], b.x, -1, 1, 31))


def uneven_scan(folder: Path) -> Documents:
    """Move one motor to points that are closer to each other in the middle."""
    b = Beamline()
    positions: Any = (np.linspace(-1, 1, 21) ** 3).tolist()
    return play(bp.list_scan([b.diode], b.x, positions))


def count(folder: Path) -> Documents:
    """Count with no motor."""
    b = Beamline()
    return play(bp.count([b.monitor], num=20, delay=0.01))


def count_of_spectra(folder: Path) -> Documents:
    """Take spectra with no motor."""
    b = Beamline()
    return play(bp.count([b.mca], num=12, delay=0.01))


def two_spectra(folder: Path) -> Documents:
    """Take two spectra with no motor."""
    b = Beamline()
    return play(bp.count([b.mca], num=2, delay=0.01))


def scan_of_spectra(folder: Path) -> Documents:
    """Take a spectrum at each point of a scan."""
    b = Beamline()
    return play(bp.scan([b.mca], b.x, -1, 1, 21))


def scan_of_single_numbers(folder: Path) -> Documents:
    """Take an array of one number at each point of a scan."""
    b = Beamline()
    return play(bp.scan([b.single], b.x, -1, 1, 21))


def scan_of_images(folder: Path) -> Documents:
    """Take an image at each point of a scan, in the events."""
    b = Beamline()
    return play(bp.scan([b.camera], b.x, -1, 1, 7))


def linked_images(folder: Path) -> Documents:
    """Take images that a detector writes into a file of its own."""
    return play(bp.scan([_FileDetector(folder, "detector")], Beamline().x, -1, 1, 7))


def joined_images(folder: Path) -> Documents:
    """Take images that a detector writes into several files."""
    detector = _FileDetector(folder, "detector", frames_per_file=3)
    return play(bp.scan([detector], Beamline().x, -1, 1, 8))


def snaked_grid(folder: Path) -> Documents:
    """Take a map, every second line of it backwards."""
    b = Beamline()
    axes = (b.y, -1, 3, 12, b.x, -1, 2, 16)
    return play(bp.grid_scan([b.diode, b.monitor], *axes, snake_axes=True))


def grid_of_two_lines(folder: Path) -> Documents:
    """Take a map with two positions along one of its motors."""
    b = Beamline()
    return play(bp.grid_scan([b.diode], b.y, 0.5, 1.5, 2, b.x, -1, 2, 16))


def grid_of_spectra(folder: Path) -> Documents:
    """Take a spectrum at each point of a snaked grid."""
    b = Beamline()
    return play(bp.grid_scan([b.mca], b.y, -1, 3, 6, b.x, -1, 2, 8, snake_axes=True))


def broken_off_grid(folder: Path) -> Documents:
    """Abort a map in its seventh line."""
    b = Beamline()
    left = iter(range(104))

    # The RunEngine's plans insist on these very parameter names.
    def step(detectors: Any, step: Any, pos_cache: Any) -> Any:
        if next(left, None) is None:
            yield from bps.pause()
        yield from bps.one_nd_step(detectors, step, pos_cache)

    per_step: Any = step
    axes = (b.y, -1, 3, 12, b.x, -1, 2, 16)
    return play_interrupted(bp.grid_scan([b.diode], *axes, per_step=per_step), "abort")


def spiral(folder: Path) -> Documents:
    """Scatter points over a plane."""
    b = Beamline()
    return play(bp.spiral([b.diode], b.x, b.y, 0.4, 1, 3, 3, 0.3, 12))


def monitors(folder: Path) -> Documents:
    """Monitor a signal, and read a baseline, while points are taken."""
    b = Beamline()
    ring = Signal(name="ring_current", value=102.0)

    def drifting(detectors: Any, step: Any, pos_cache: Any) -> Any:
        yield from bps.abs_set(ring, ring.get() - 0.1, wait=True)
        yield from bps.one_nd_step(detectors, step, pos_cache)

    per_step: Any = drifting
    plan = bp.scan([b.diode], b.x, -1, 1, 15, per_step=per_step)
    return play(bpp.monitor_during_wrapper(bpp.baseline_wrapper(plan, [b.y]), [ring]))


RUNS: dict[str, Callable[[Path], Documents]] = {
    made.__name__: made
    for made in (
        scan,
        uneven_scan,
        count,
        count_of_spectra,
        two_spectra,
        scan_of_spectra,
        scan_of_single_numbers,
        scan_of_images,
        linked_images,
        joined_images,
        snaked_grid,
        grid_of_two_lines,
        grid_of_spectra,
        broken_off_grid,
        spiral,
        monitors,
    )
}
