"""Runs of several streams, or of none called primary."""

# mypy: allow-untyped-calls
# Some of bluesky's functions have no annotations.

from __future__ import annotations

from pathlib import Path

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
from ophyd import Signal
from ophyd.sim import DetWithConf

from .devices import Scripted, gauss, motor
from .engine import Plan, play
from .registry import Documents, shape


@shape()
def baseline(folder: Path) -> Documents:
    """Read motors and texts once before and once after a scan."""
    m1, m2 = motor("m1"), motor("m2", value=2.5)
    also = [m2, Scripted("sample_name", ["Fe₂O₃"]), gauss(m2, "diode"), m1]
    plan = bp.scan([gauss(m1)], m1, -1, 1, 3)
    return play(bpp.baseline_wrapper(plan, also))


@shape()
def baseline_only(folder: Path) -> Documents:
    """Read a baseline around a run without points."""
    return play(bpp.baseline_wrapper(_empty_run(), [motor("m1"), Scripted("ring", [102.1, 101.9])]))


def _empty_run() -> Plan:
    yield from bps.open_run({"plan_name": "nothing"})
    yield from bps.close_run()


@shape()
def baseline_halved(folder: Path) -> Documents:
    """Read only the first half of a baseline, because the run ends before the second."""
    m1 = motor()

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "scan"})
        yield from bps.trigger_and_read([m1], name="baseline")
        yield from bps.trigger_and_read([gauss(m1)], name="primary")
        yield from bps.close_run(exit_status="abort", reason="beam lost")

    return play(plan())


def _changing(det: Scripted, signal: Signal, values: list[object]) -> Plan:
    """Change the signal and take a point, for each of the values."""
    for value in values:
        yield from bps.abs_set(signal, value, wait=True)
        yield from bps.trigger_and_read([det])


@shape()
def monitors(folder: Path) -> Documents:
    """Monitor two signals, a number and a text, while points are taken."""
    current = Signal(name="ring_current", value=102.0)
    shutter = Signal(name="shutter", value="open")
    det = Scripted("det", [1.5, 2.5, 3.5])

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "monitored"})
        yield from bps.monitor(current, name="ring_current_monitor")
        yield from bps.monitor(shutter, name="shutter_monitor")
        yield from _changing(det, current, [101.9, 101.8, 101.7])
        yield from _changing(det, shutter, ["closed", "open"])
        yield from bps.unmonitor(current)
        yield from bps.unmonitor(shutter)
        yield from bps.close_run()

    return play(plan())


@shape()
def monitor_only(folder: Path) -> Documents:
    """Monitor a signal in a run that has no other stream."""
    current = Signal(name="ring_current", value=102.0)

    def plan() -> Plan:
        for value in (101.9, 101.8):
            yield from bps.abs_set(current, value, wait=True)

    return play(bpp.monitor_during_wrapper(bpp.run_wrapper(plan()), [current]))


@shape()
def dark_and_light(folder: Path) -> Documents:
    """Take dark and light points in turn, in streams of different lengths and none else."""
    shutter, det = Scripted("shutter", ["closed"]), Scripted("det", [0.1, 0.2, 9.1, 0.3, 9.2])

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "dark_and_light"})
        for name in ("dark", "dark", "light", "dark", "light"):
            yield from bps.trigger_and_read([shutter, det] if name == "dark" else [det], name=name)
        yield from bps.close_run()

    return play(plan())


@shape()
def no_primary(folder: Path) -> Documents:
    """Take three points in a stream that is not called primary."""
    det = Scripted("det", [1.5, 2.5, 3.5])

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "scan"})
        for _ in range(3):
            yield from bps.trigger_and_read([det], name="measurement")
        yield from bps.close_run()

    return play(plan())


@shape()
def same_field_in_two_streams(folder: Path) -> Documents:
    """Read one detector into two streams, whose other fields differ."""
    m1, det = motor(), Scripted("det", [1, 2, 3, 4])

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "scan", "motors": ["m1"]})
        for _ in range(2):
            yield from bps.trigger_and_read([det], name="before")
        for position in (0.5, 1.5):
            yield from bps.mv(m1, position)
            yield from bps.trigger_and_read([det, m1])
        yield from bps.close_run()

    return play(plan())


@shape()
def label_start_motor(folder: Path) -> Documents:
    """Read motors once into the stream that apstools calls label_start_motor."""
    m1, m2 = motor("m1", value=1.25), motor("m2", value=-3)

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "scan", "motors": ["m1"]})
        yield from bps.trigger_and_read([m1, m2], name="label_start_motor")
        yield from bps.trigger_and_read([gauss(m1), m1])
        yield from bps.close_run()

    return play(plan())


@shape()
def reconfigured(folder: Path) -> Documents:
    """Configure a detector in mid-run: three descriptors in one stream."""
    det = DetWithConf(name="quad")

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "reconfigured"})
        for exposure in (3, 30, 300):
            yield from bps.configure(det, {"c": exposure})
            for _ in range(3):
                yield from bps.trigger_and_read([det])
        yield from bps.close_run()

    return play(plan())
