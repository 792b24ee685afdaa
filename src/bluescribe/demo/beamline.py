"""A small simulated beamline and what is measured on it."""

# mypy: allow-untyped-calls
# Some of bluesky's and ophyd-async's functions have no annotations.

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import numpy as np
from bluesky.utils import Msg
from ophyd.sim import MockFlyer, Syn2DGauss, SynAxis, SynGauss, SynPeriodicSignal
from ophyd_async.core import StaticPathProvider, UUIDFilenameProvider
from ophyd_async.sim import PatternGenerator, SimBlobDetector, SimStage

__all__ = ["Act", "Beamline", "acts", "make_beamline"]

Plan = Generator[Msg, Any, Any]

_COUNT_SECONDS = 0.01
"""How long a point takes: long enough to watch, short enough to wait for."""


@dataclass(frozen=True, slots=True)
class Beamline:
    """The devices, made for one demonstration."""

    theta: SynAxis
    x: SynAxis
    y: SynAxis
    diode: SynGauss
    """Sees a peak when theta turns."""
    spot: Syn2DGauss
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
    theta = SynAxis(name="theta", egu="deg")
    x, y = SynAxis(name="x", egu="mm"), SynAxis(name="y", egu="mm")
    noise = np.random.RandomState(0)  # noqa: NPY002  what ophyd's simulations take
    diode = SynGauss(
        "diode", theta, "theta", center=0.2, Imax=2000, sigma=0.6, noise="poisson",
        random_state=noise,
    )
    spot = Syn2DGauss("spot", x, "x", y, "y", center=(0.5, -0.3), Imax=1000, random_state=noise)
    for detector in (diode, spot):
        detector.val.exposure_time = _COUNT_SECONDS
    generator = PatternGenerator()
    paths = StaticPathProvider(UUIDFilenameProvider(), images)
    return Beamline(
        theta=theta,
        x=x,
        y=y,
        diode=diode,
        spot=spot,
        ring_current=_ring_current(),
        stage=SimStage(generator, name="stage"),
        camera=SimBlobDetector(paths, generator, name="camera"),
    )


def acts(beamline: Beamline) -> list[Act]:
    """Return what is measured, in order."""
    b = beamline
    flyer = MockFlyer("flyer", b.diode, b.theta, -2, 2, 81)
    grid = bp.grid_scan([b.spot], b.y, -2, 2, 15, b.x, -2, 2, 21, snake_axes=True)
    return [
        Act("scan theta", bp.scan([b.diode], b.theta, -2, 2, 41), 41),
        Act("grid of x and y, snaked", grid, 15 * 21),
        Act("fly theta", bp.fly([flyer]), 81),
        Act("images along stage-x", _image_scan(b), 5),
    ]


def _image_scan(b: Beamline) -> Plan:
    yield from bps.abs_set(b.stage.x.velocity, 0, wait=True)  # moves at once
    return (yield from bp.scan([b.camera], b.stage.x, -1, 1, 5))


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
