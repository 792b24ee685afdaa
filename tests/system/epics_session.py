"""A session at an IOC: ``python -m tests.system.epics_session FOLDER PROCESS-OF-THE-IOC``.

It leaves ``data``, what the RunEngine has emitted, and what its runs have raised.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky import RunEngine
from ophyd import Component, Device, EpicsMotor, EpicsSignal
from ophyd.signal import EpicsSignalBase

from bluescribe import subscribe_writers
from tests.epics_ioc import PREFIX

FORMATS = ("csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff")
POINTS = 4
LONG = "/data/" + "long/" * 60
"""Longer than the 39 characters of an EPICS string."""


class Sample(Device):  # type: ignore[misc]  # ophyd is untyped
    temperature = Component(EpicsSignal, "temperature", kind="hinted")
    counts = Component(EpicsSignal, "counts", kind="normal")
    mode = Component(EpicsSignal, "mode", kind="normal")
    shutter = Component(EpicsSignal, "shutter", string=True, kind="normal")
    spectrum = Component(EpicsSignal, "spectrum", kind="normal")
    title = Component(EpicsSignal, "sample", string=True, kind="normal")
    folder = Component(EpicsSignal, "folder", string=True, kind="normal")


def values(point: int) -> dict[str, Any]:
    """Return what the signals of the sample are set to."""
    return {
        "temperature": 300 + point / 8,
        "counts": 1_000_000_007 * point % 2**31,
        "mode": point % 3,
        "shutter": ["Closed", "Open"][point % 2],
        "spectrum": [point + channel / 4 for channel in range(8)],
        "title": f"sample {point}",
        "folder": f"{LONG}{point}",
    }


def points(motor: Any, sample: Any, number: int = POINTS) -> Any:
    for point in range(number):
        yield from bps.mv(motor, point / 4)
        for name, value in values(point).items():
            yield from bps.abs_set(getattr(sample, name), value, wait=True)
        yield from bps.trigger_and_read([motor, sample])


def play(RE: Any, motor: Any, sample: Any, ioc: int) -> Any:
    """Play a scan, one with a monitor, one of a PV that is not there, one whose IOC dies."""
    metadata = {"motors": [motor.name], "detectors": [sample.name]}
    RE(bpp.run_wrapper(points(motor, sample), md={**metadata, "plan_name": "scan"}))
    monitored = bpp.monitor_during_wrapper(
        bpp.run_wrapper(points(motor, sample), md={"plan_name": "monitored"}), [sample.temperature]
    )
    RE(monitored)
    absent = EpicsSignal(f"{PREFIX}absent", name="absent")
    for plan in (bps.trigger_and_read([motor, absent]), dying(motor, sample, ioc)):
        try:
            RE(bpp.run_wrapper(plan, md=metadata))
        except Exception as error:
            yield f"{type(error).__name__}: {error}"


def dying(motor: Any, sample: Any, ioc: int) -> Any:
    yield from points(motor, sample, 2)
    os.kill(ioc, signal.SIGKILL)
    yield from bps.sleep(0.5)
    yield from bps.trigger_and_read([motor, sample])


def main(folder: Path, ioc: int) -> None:
    EpicsSignalBase.set_defaults(timeout=2, write_timeout=2, connection_timeout=2)
    motor, sample = EpicsMotor(f"{PREFIX}m1", name="m1"), Sample(PREFIX, name="sample")
    for device in (motor, sample):
        device.wait_for_connection(timeout=20)
    RE = RunEngine({"beamline": "loopback"}, context_managers=[])
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in FORMATS}
    with (folder / "emitted").open("wb") as record:
        RE.subscribe(lambda name, doc: pickle.dump((time.time(), name, doc), record))
        directory = str(folder / "data")
        with subscribe_writers(RE, {"DATA_FILES": {"DIRECTORY": directory}, **blocks}) as writers:
            raised = list(play(RE, motor, sample, ioc))
            for status in writers.status().values():
                is_well = not (status.failures or status.documents_refused)
                assert is_well, status
    (folder / "raised").write_text("\n".join(raised))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
