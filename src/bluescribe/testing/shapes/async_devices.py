"""Runs with ophyd-async devices: stream assets on disk, typed signals, tables."""

# mypy: allow-untyped-calls
# Some of ophyd-async's and bluesky's functions have no annotations.

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import numpy as np
from ophyd_async.core import (
    Array1D,
    StandardReadable,
    StandardReadableFormat,
    StaticFilenameProvider,
    StaticPathProvider,
    StrictEnum,
    Table,
    TriggerInfo,
    soft_signal_rw,
)
from ophyd_async.plan_stubs import ensure_connected
from ophyd_async.sim import PatternGenerator, SimBlobDetector, SimMotor

from .devices import Scripted
from .engine import Plan, play
from .registry import Documents, shape


async def _at_once(seconds: float) -> None:
    """Take the place of a sleep, so that simulated exposures take no time."""
    await asyncio.sleep(0)


def _blob(folder: Path, name: str = "bdet") -> SimBlobDetector:
    """Make a detector that writes images and their sums into HDF5 files."""
    paths = StaticPathProvider(StaticFilenameProvider(name), folder)
    return SimBlobDetector(paths, PatternGenerator(sleep=_at_once), name=name)


@shape(external=True)
def async_count(folder: Path) -> Documents:
    """Count with a detector whose events have no data: its images and sums are streams."""

    def plan() -> Plan:
        detector = _blob(folder)
        yield from ensure_connected(detector)
        yield from bp.count([detector], num=3)

    return play(plan())


@shape(external=True)
def async_scan(folder: Path) -> Documents:
    """Scan an asynchronous motor with a streaming detector and an ophyd signal."""

    def plan() -> Plan:
        detector, axis = _blob(folder), SimMotor(name="stage-x")
        yield from ensure_connected(detector, axis)
        yield from bp.scan([detector, Scripted("text", ["a", "ö", "c"])], axis, 0, 1, 3)

    return play(plan())


def _fly(detectors: Sequence[SimBlobDetector], info: TriggerInfo) -> Plan:
    """Fly detectors as the plans of ophyd-async do, collecting until they are complete."""
    for detector in detectors:
        yield from bps.prepare(detector, info, wait=True)
    yield from bps.declare_stream(*detectors, name="primary", collect=True)
    yield from bps.kickoff_all(*detectors, wait=True)
    yield from bps.collect_while_completing(
        detectors, detectors, flush_period=0.05, stream_name="primary"
    )


def _flown(folder: Path, names: Sequence[str], info: TriggerInfo) -> Documents:
    """Play one run in which the named detectors are flown."""

    def plan() -> Plan:
        detectors = [_blob(folder, name) for name in names]
        yield from ensure_connected(*detectors)
        flight = bpp.run_wrapper(_fly(detectors, info), md={"plan_name": "fly"})
        yield from bpp.stage_wrapper(flight, detectors)

    return play(plan())


@shape(external=True)
def async_fly(folder: Path) -> Documents:
    """Fly a detector: stream_datum documents only, no event."""
    return _flown(folder, ["bdet"], TriggerInfo(number_of_events=5))


@shape(external=True)
def async_fly_frames(folder: Path) -> Documents:
    """Fly a detector with two frames an event: stream_datum counts events, not frames."""
    return _flown(folder, ["bdet"], TriggerInfo(number_of_events=3, collections_per_event=2))


@shape(external=True)
def async_fly_two_detectors(folder: Path) -> Documents:
    """Fly two detectors together."""
    return _flown(folder, ["left", "right"], TriggerInfo(number_of_events=4))


class Mode(StrictEnum):
    """The choices of an enumerated signal."""

    OFF = "Off"
    LIVE = "Live – größer"


class Samples(Table):
    """The columns of a table signal."""

    position: Array1D[np.float64]
    counts: Array1D[np.int32]
    label: Sequence[str]


def _two_samples() -> Samples:
    """Make a table of two rows."""
    return Samples(
        position=np.array([0.5, 1.5]), counts=np.array([1, 2], dtype="int32"), label=["a", "bb"]
    )


class Typed(StandardReadable):
    """Read a soft signal of every type that ophyd-async has."""

    def __init__(self, name: str = "") -> None:
        with self.add_children_as_readables(StandardReadableFormat.HINTED_SIGNAL):
            self.integer = soft_signal_rw(int, 2**53 + 1, units="counts")
            self.number = soft_signal_rw(float, 0.1, units="mm", precision=4)
            self.flag = soft_signal_rw(bool, True)
            self.text = soft_signal_rw(str, "größer")
            self.mode = soft_signal_rw(Mode, Mode.LIVE)
        with self.add_children_as_readables():
            self.spectrum = soft_signal_rw(Array1D[np.uint32], np.arange(8, dtype="uint32"))
            self.image = soft_signal_rw(np.ndarray, np.ones((2, 3)))
            self.labels = soft_signal_rw(Sequence[str], ["a", "µ", ""])  # type: ignore[type-abstract]
            self.modes = soft_signal_rw(Sequence[Mode], list(Mode))  # type: ignore[type-abstract]
            self.samples = soft_signal_rw(Samples, _two_samples())
        with self.add_children_as_readables(StandardReadableFormat.CONFIG_SIGNAL):
            self.exposure = soft_signal_rw(float, 0.1, units="s")
            self.gate = soft_signal_rw(Mode, Mode.OFF)
            self.mask = soft_signal_rw(Array1D[np.bool_], np.array([True, False]))
        super().__init__(name=name)


@shape()
def async_typed_signals(folder: Path) -> Documents:
    """Count with signals of every type: enumerations, arrays, texts and a table object."""

    def plan() -> Plan:
        device = Typed(name="typed")
        yield from ensure_connected(device)
        yield from bp.count([device], num=2)

    return play(plan())


@shape()
def async_monitor(folder: Path) -> Documents:
    """Monitor an asynchronous signal, which reports its first value at once."""

    def plan() -> Plan:
        signal = soft_signal_rw(float, 1.5, name="current")
        yield from ensure_connected(signal)
        yield from bps.open_run({"plan_name": "monitored"})
        yield from bps.monitor(signal, name="current_monitor")
        for value in (2.5, 3.5):
            yield from bps.abs_set(signal, value, wait=True)
        yield from bps.unmonitor(signal)
        yield from bps.close_run()

    return play(plan())
