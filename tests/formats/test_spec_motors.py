"""MOTOR_POSITIONS: the motors are found wherever a session keeps them, or it is told."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace

import bluesky.plans as bp
import pytest
from bluesky import RunEngine
from ophyd import Component, Device
from ophyd.sim import SynAxis, SynGauss

from bluescribe import subscribe_writers
from tests.readers import spec

pytest.importorskip("apstools")

SCRIPT = """
from bluesky import RunEngine
from ophyd.sim import SynAxis
from bluescribe import subscribe_writers
m1 = SynAxis(name="m1", labels={"motor"})
RE = RunEngine({})
def start_up():
    return subscribe_writers(RE, {"SPEC_DATA_FILES": block})
writers = start_up()
m2 = SynAxis(name="m2", labels={"motor"})
"""


@pytest.fixture
def block(tmp_path):
    return {"ENABLE": True, "DIRECTORY": str(tmp_path), "MOTOR_POSITIONS": True}


def det():
    return SynGauss("det", SynAxis(name="at"), "at", center=0, Imax=1)


def positions(folder):
    (path,) = folder.glob("*.dat")
    return spec.scan_of(path).positioner


def test_motors_of_a_script_in_a_namespace_of_its_own(tmp_path, block):
    names = {"__name__": "__startup__", "block": block}
    exec(SCRIPT, names)
    names["RE"](bp.count([det()]))
    names["writers"].close()
    assert {"m1", "m2"} <= set(positions(tmp_path))


def test_motors_at_the_prompt_of_ipython(tmp_path, block, monkeypatch):
    ipython = pytest.importorskip("IPython")
    shell = SimpleNamespace(user_ns={"m3": SynAxis(name="m3", labels={"motor"})})
    monkeypatch.setattr(ipython, "get_ipython", lambda: shell)
    RE = RunEngine({})
    with subscribe_writers(RE, {"SPEC_DATA_FILES": block}):
        RE(bp.count([det()]))
    assert "m3" in positions(tmp_path)


class Stage(Device):  # type: ignore[misc]  # ophyd has no types
    """A device that has a motor."""

    x = Component(SynAxis, labels={"motor"})


def test_a_motor_under_several_names_stands_once(tmp_path, block, monkeypatch):
    stage = Stage(name="stage")
    for name, value in (("stage", stage), ("x", stage.x), ("also_x", stage.x)):
        monkeypatch.setattr(f"__main__.{name}", value, raising=False)
    RE = RunEngine({})
    with subscribe_writers(RE, {"SPEC_DATA_FILES": block}):
        RE(bp.count([det()]))
    assert [name for name in positions(tmp_path) if not name.endswith("setpoint")] == ["stage_x"]


def test_motors_of_a_registry(tmp_path, block, monkeypatch):
    registries = pytest.importorskip("ophydregistry")
    registry = registries.Registry(auto_register=False)
    registry.register(SynAxis(name="m4", labels={"motor"}))
    monkeypatch.setitem(sys.modules, "an_instrument", SimpleNamespace(oregistry=registry))
    RE = RunEngine({})
    with subscribe_writers(RE, {"SPEC_DATA_FILES": block}):
        RE(bp.count([det()]))
    assert "m4" in positions(tmp_path)


def test_that_there_is_no_motor_is_told_once(tmp_path, block, monkeypatch, caplog):
    plural = SynAxis(name="m5", labels={"motors"})
    monkeypatch.setattr("__main__.m5", plural, raising=False)
    RE = RunEngine({})
    with subscribe_writers(RE, {"SPEC_DATA_FILES": block}):
        for _ in range(2):
            RE(bp.count([det()]))
    (line,) = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert "MOTOR_POSITIONS: none of the " in line
    assert "has the label 'motor'; 1 have the label 'motors', which is another one" in line
