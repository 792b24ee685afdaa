"""A small simulated beamline and what is measured on it."""

# mypy: allow-untyped-calls
# Some of bluesky's and ophyd-async's functions have no annotations.

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy as np
from bluesky.utils import Msg
from ophyd.sim import MockFlyer, SynAxis, SynPeriodicSignal, SynSignal
from ophyd_async.core import StaticPathProvider
from ophyd_async.sim import PatternGenerator, SimBlobDetector, SimStage

__all__ = ["Act", "Beamline", "acts", "make_beamline"]

Plan = Generator[Msg, Any, Any]

_COUNT_SECONDS = 0.005
"""How long a point takes: long enough to watch, short enough to wait for."""


class Axis(SynAxis):  # type: ignore[misc]  # ophyd is not typed
    """A simulated axis that tells its units, as real ones do."""

    def describe(self) -> dict[str, Any]:
        """Describe readback and setpoint."""
        return {key: {**known, "units": self.egu} for key, known in super().describe().items()}


@dataclass(frozen=True, slots=True)
class Beamline:
    """The devices, made for one demonstration."""

    theta: Axis
    x: Axis
    y: Axis
    diode: SynSignal
    """Sees a peak when theta turns."""
    spot: SynSignal
    """Sees a spot when x and y move."""
    ring_current: SynPeriodicSignal
    """Changes by itself, ten times a second."""
    stage: SimStage
    camera: SimBlobDetector
    """An area detector that writes its images into HDF5 files of its own."""


@dataclass(frozen=True, slots=True)
class Act:
    """One run of the demonstration."""

    title: str
    plan: Plan
    points: int


def make_beamline(images: Path) -> Beamline:
    """Make the devices; the camera writes its files into `images`."""
    theta = Axis(name="theta", value=0.0, egu="deg")
    x, y = Axis(name="x", value=0.0, egu="mm"), Axis(name="y", value=0.0, egu="mm")
    generator = PatternGenerator()
    paths = StaticPathProvider(_image_name, images)
    return Beamline(
        theta=theta,
        x=x,
        y=y,
        diode=_counter("diode", 2000, {theta: (0.2, 0.6)}),
        spot=_counter("spot", 1000, {x: (0.5, 1.0), y: (-0.3, 0.7)}),
        ring_current=_ring_current(),
        stage=SimStage(generator, name="stage"),
        camera=SimBlobDetector(paths, generator, name="camera"),
    )


def _image_name(datakey_name: str | None = None) -> str:
    """Return a name that no earlier demonstration has used: the camera overwrites."""
    return f"camera-{uuid4().hex[:8]}"


def acts(beamline: Beamline) -> list[Act]:
    """Return what is measured, in order."""
    b = beamline
    flyer = MockFlyer("flyer", b.diode, b.theta, -2, 2, 81)
    grid = bp.grid_scan([b.spot], b.y, -2, 2, 13, b.x, -2, 2, 17, snake_axes=True)
    return [
        Act("scan theta", bp.scan([b.diode], b.theta, -2, 2, 41), 41),
        Act("grid x y", grid, 13 * 17),
        Act("fly theta", bp.fly([flyer]), 81),
        Act("camera scan", _image_scan(b), 5),
    ]


def _image_scan(b: Beamline) -> Plan:
    yield from bps.abs_set(b.stage.x.velocity, 0, wait=True)  # moves at once
    return (yield from bp.scan([b.camera], b.stage.x, -1, 1, 5))


def _counter(name: str, height: float, peak: Mapping[Axis, tuple[float, float]]) -> SynSignal:
    """Make a detector that counts: a Gaussian peak (centre, width) over axes, with its noise."""
    random = np.random.default_rng(0)

    def count() -> int:
        offsets = [(axis.position - centre) / width for axis, (centre, width) in peak.items()]
        mean = height * math.exp(-0.5 * sum(offset**2 for offset in offsets))
        return int(random.poisson(mean + 5))

    return SynSignal(count, name=name, exposure_time=_COUNT_SECONDS, kind="hinted")


def _ring_current() -> SynPeriodicSignal:
    began = time.time()
    signal = SynPeriodicSignal(
        lambda: 130.0 - 0.02 * (time.time() - began),
        name="ring_current",
        period=0.1,
        period_jitter=0,
    )
    signal.start_simulation()
    return signal
