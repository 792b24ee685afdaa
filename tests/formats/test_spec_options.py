"""Options of SPEC files: count times, the words of #S, motors recorded at every start."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from bluesky import RunEngine
from bluesky import plans as bp
from ophyd.sim import SynAxis, SynGauss

from bluescribe import SpecWriter, subscribe_writers
from bluescribe.errors import ConfigError
from bluescribe.testing import documents
from tests.formats.test_spec_session import only, play
from tests.formats.test_spec_text import run_of
from tests.readers import spec


def scan_with(folder, played, **settings):
    """Return the scan that these settings make of a run."""
    with SpecWriter(folder, **settings) as writer:
        play(writer, played)
        assert not writer.status().failures
    path = only(folder)
    spec.check_silx(path)
    spec.check_xrayutilities(path)
    return spec.scan_of(path)


def scaler_run(**start):
    """Return a run of a scaler as ophyd has them."""
    played = run_of([{"scaler_time": 0.5, "I0": 7}] * 2, plan_args={"num": 2}, **start)
    descriptor = played[1][1]
    descriptor["data_keys"]["scaler_time"]["object_name"] = "scaler"
    descriptor["object_keys"] = {"scaler": ["scaler_time", "I0"]}
    return played


@pytest.mark.parametrize(
    ("configuration", "start", "settings", "found"),
    [
        ({"scaler_preset_time": 0.5}, {}, {}, ("#T 0.5  (Seconds)", "0.5")),
        ({"cam_acquire_time": 2}, {}, {"count_time": 9}, ("#T 2.0  (Seconds)", "2")),
        ({}, {"count_time": 3}, {}, ("#T 3.0  (Seconds)", "3")),
        ({}, {}, {"count_time": 4}, ("#T 4.0  (Seconds)", "4")),
        ({}, {"monitor_counts": 1000}, {}, ("#M 1000.0  (Counts)", "-1000")),
        ({}, {}, {"monitor_counts": 50}, ("#M 50.0  (Counts)", "-50")),
        ({}, {}, {}, (None, "0")),
        ({"preset_time": "long"}, {"count_time": -1}, {}, (None, "0")),
    ],
)
def test_what_a_point_is_counted_for(configuration, start, settings, found, tmp_path):
    played = scaler_run(**start)
    played[1][1]["configuration"] = {"scaler": {"data": configuration}}
    scan = scan_with(tmp_path, played, **settings)
    lines = [line for line in scan.raw.splitlines() if line[:3] in ("#T ", "#M ")]
    assert (lines[0] if lines else None, scan.scanCmd.split()[-1]) == found
    is_called = "Seconds" if lines else "scaler_time"
    assert is_called in scan.L
    assert spec.read_run(scan).events["primary"]["scaler_time"] == [0.5, 0.5]


def test_apstools_words_of_a_command(tmp_path):
    scan = scan_with(tmp_path / "data", documents("scan", tmp_path), command="apstools")
    assert scan.scanCmd == "scan(detectors=['det'], num=5, args='['m1', -1, 1]', per_step='None')"


def test_apstools_words_of_hostile_arguments(tmp_path):
    args = {"x\n#S 9": "\n#S 99 forged\u2028", "deep": {"é": ["#", "@A 1"]}, "long": "é" * 5000}
    scan = scan_with(tmp_path, run_of([{"x": 1}], plan_args=args), command="apstools")
    assert scan.scanCmd.startswith("count(")


def test_motors_are_recorded_at_the_start_where_that_is_wanted(tmp_path, monkeypatch):
    motor = SynAxis(name="m1", labels={"motors"})
    seen = []

    def label_stream_wrapper(plan, labels, fmt=None, when="start"):
        seen.append((labels, when))
        yield from plan

    plans = ModuleType("apstools.plans")
    vars(plans)["label_stream_wrapper"] = label_stream_wrapper
    monkeypatch.setitem(sys.modules, "apstools", ModuleType("apstools"))
    monkeypatch.setitem(sys.modules, "apstools.plans", plans)
    RE = RunEngine({})
    block = {"ENABLE": True, "DIRECTORY": str(tmp_path), "MOTOR_POSITIONS": True}
    with subscribe_writers(RE, {"SPEC_DATA_FILES": {**block, "WARN_MISSING": False}}) as writers:
        writers.spec.prepare(RE)
        RE(bp.count([SynGauss("det", motor, "m1", center=0, Imax=1)]))
    assert seen == [(["motor"], "start")]


def test_motors_of_the_session_stand_in_the_file(tmp_path, monkeypatch):
    pytest.importorskip("apstools")
    first, second = (SynAxis(name=name, labels={"motor"}) for name in ("m1", "m2"))
    for motor in (first, second):
        monkeypatch.setattr("__main__." + motor.name, motor, raising=False)
    RE = RunEngine({})
    block = {"ENABLE": True, "DIRECTORY": str(tmp_path), "MOTOR_POSITIONS": True}
    with subscribe_writers(RE, {"SPEC_DATA_FILES": block}):
        RE(bp.count([SynGauss("det", first, "m1", center=0, Imax=1)]))
    assert {"m1", "m2"} <= set(spec.scan_of(only(tmp_path)).positioner)


def test_without_apstools_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apstools", None)
    monkeypatch.delitem(sys.modules, "apstools.plans", raising=False)
    writer = SpecWriter(tmp_path, motor_positions=True)
    with pytest.raises(ConfigError, match=r'needs apstools.*pip install "bluescribe\[aps\]"'):
        writer.prepare(SimpleNamespace(preprocessors=[]))
    writer.close()
