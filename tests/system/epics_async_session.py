"""A session of ophyd-async at an IOC: ``main`` of it is called in a process of its own.

It starts the IOC, kills it in the midst of a scan, and starts it again. It leaves ``data``, what
the RunEngine has emitted, and what its runs have raised.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
from bluesky import RunEngine
from ophyd_async.core import (
    Array1D,
    SignalRW,
    StandardReadable,
    StaticPathProvider,
    StrictEnum,
    UUIDFilenameProvider,
    init_devices,
)
from ophyd_async.core import StandardReadableFormat as Format
from ophyd_async.epics.adcore import ADWriterFactory
from ophyd_async.epics.adsimdetector import SimDetector
from ophyd_async.epics.core import EpicsDevice, PvSuffix
from ophyd_async.epics.motor import Motor

from bluescribe import NexusWriter, subscribe_writers
from tests import epics_ioc
from tests.area_detector_ioc import DETECTOR
from tests.epics_ioc import PREFIX
from tests.system.epics_session import FORMATS, LONG

POINTS = 3


class Mode(StrictEnum):
    IDLE = "idle"
    COUNTING = "counting"
    ERROR = "error"


class Sample(StandardReadable, EpicsDevice):
    temperature: Annotated[SignalRW[float], PvSuffix("temperature"), Format.HINTED_UNCACHED_SIGNAL]
    counts: Annotated[SignalRW[int], PvSuffix("counts"), Format.UNCACHED_SIGNAL]
    mode: Annotated[SignalRW[Mode], PvSuffix("mode"), Format.UNCACHED_SIGNAL]
    spectrum: Annotated[SignalRW[Array1D[np.float64]], PvSuffix("spectrum"), Format.UNCACHED_SIGNAL]
    title: Annotated[SignalRW[str], PvSuffix("sample"), Format.UNCACHED_SIGNAL]
    folder: Annotated[SignalRW[str], PvSuffix("folder"), Format.UNCACHED_SIGNAL]


def values(point: int) -> dict[str, Any]:
    """Return what the signals of the sample are set to."""
    return {
        "temperature": 300 + point / 8,
        "counts": 1_000_000_007 * point % 2**31,
        "mode": list(Mode)[point % 3],
        "title": f"sample {point}",
        "folder": f"{LONG}{point}",
    }


def points(motor: Any, sample: Any, devices: list[Any], number: int = POINTS) -> Iterator[Any]:
    for point in range(number):
        yield from point_of(motor, sample, devices, point)


def point_of(motor: Any, sample: Any, devices: list[Any], point: int) -> Iterator[Any]:
    yield from bps.mv(motor, point / 4)
    for name, value in values(point).items():
        yield from bps.abs_set(getattr(sample, name), value, wait=True)
    spectrum = np.arange(8) / 4 + point
    yield from bps.abs_set(sample.spectrum, spectrum, wait=True)
    yield from bps.trigger_and_read(devices)


def run_of(plan: Any, staged: list[Any], **metadata: Any) -> Iterator[Any]:
    yield from bpp.stage_wrapper(bpp.run_wrapper(plan, md=metadata), staged)


class Ioc:
    """The IOC, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "ioc.log"
        self.start()

    def start(self) -> None:
        self._process = epics_ioc.start(
            dict(os.environ), self._log, module="tests.area_detector_ioc"
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def play(RE: Any, ioc: Ioc, motor: Any, sample: Any, sim: Any) -> Iterator[str]:
    """Play a scan, one with images, one whose IOC dies, and one when it is back."""
    devices = [motor, sample, sim]
    metadata: dict[str, Any] = {"motors": [motor.name], "detectors": [sample.name]}
    images = {**metadata, "detectors": [sim.name, sample.name]}
    RE(run_of(points(motor, sample, [motor, sample]), [motor, sample], **metadata))
    RE(run_of(points(motor, sample, devices), devices, **images))

    def dying() -> Iterator[Any]:
        yield from points(motor, sample, devices, 2)
        ioc.kill()
        yield from bps.abs_set(sample.temperature, 0.0, wait=True, timeout=1)
        yield from bps.trigger_and_read(devices)

    try:
        RE(bpp.run_wrapper(bpp.stage_wrapper(dying(), devices), md=images))
    except Exception as error:
        yield f"{type(error).__name__}: {error}"
    ioc.start()
    RE(wait_until_back(motor, sample, sim))
    RE(run_of(points(motor, sample, devices), devices, **images))


def wait_until_back(*devices: Any) -> Iterator[Any]:
    from ophyd_async.plan_stubs import ensure_connected

    yield from ensure_connected(*devices, timeout=60, force_reconnect=True)


def main(folder: Path) -> None:
    ioc = Ioc(folder)
    try:
        measure(folder, ioc)
    finally:
        ioc.kill()


def measure(folder: Path, ioc: Ioc) -> None:
    RE = RunEngine({"beamline": "loopback"}, context_managers=[])
    paths = StaticPathProvider(UUIDFilenameProvider(), folder / "detector")
    with init_devices(timeout=20):
        motor = Motor(f"{PREFIX}m1", name="m1")
        sample = Sample(PREFIX, name="sample")
        sim = SimDetector(DETECTOR, ADWriterFactory.hdf(paths), name="sim")
    blocks: dict[str, Any] = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in FORMATS}
    directory = {"DIRECTORY": str(folder / "data")}
    with (
        (folder / "emitted").open("wb") as record,
        NexusWriter(folder / "copied", images="copy") as copying,
        subscribe_writers(RE, {"DATA_FILES": directory, **blocks}) as writers,
    ):
        RE.subscribe(lambda name, doc: pickle.dump((time.time(), name, doc), record))
        RE.subscribe(copying.receiver)
        raised = list(play(RE, ioc, motor, sample, sim))
        for status in writers.status().values():
            is_well = not (status.failures or status.documents_refused)
            assert is_well, status
    (folder / "raised").write_text("\n".join(raised))
