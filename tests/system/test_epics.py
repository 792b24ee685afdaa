"""EPICS devices of ophyd at a real IOC: what they measure and declare is in the files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from tests import epics_ioc
from tests.contracts import CONTRACTS
from tests.queue_server import emitted
from tests.system.epics_session import LONG, POINTS, values

pytest.importorskip("caproto", reason="not installed: caproto")
pytest.importorskip("epics", reason="not installed: pyepics, which apstools brings")


class Session(NamedTuple):
    """What a session has left."""

    data: Path
    documents: list
    raised: list[str]

    def file(self, ending):
        """Return the file of the first run."""
        (path,) = self.data.glob(f"*-S00001-*{ending}")
        return path


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("epics")
    environment = epics_ioc.environment()
    ioc = epics_ioc.start(environment, folder / "ioc.log")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.system.epics_session", str(folder), str(ioc.pid)],
            cwd=epics_ioc.TOP,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        ioc.kill()
        ioc.wait()
    assert done.returncode == 0, done.stdout + done.stderr
    documents = [(name, doc) for _, name, doc in emitted(folder / "emitted")]
    return Session(folder / "data", documents, (folder / "raised").read_text().splitlines())


def read(name, session):
    """Return the runs of a format by their numbers."""
    runs = CONTRACTS[name]().read_back(session.data)
    return {run.start["scan_id"]: run for run in runs if run.start is not None}


def columns(run, stream="primary"):
    return {name: [plain(value) for value in column] for name, column in run.events[stream].items()}


def plain(value):
    return np.asarray(value).tolist()


@pytest.mark.parametrize("name", CONTRACTS)
def test_each_format_has_all_that_was_measured(name, session):
    contract = CONTRACTS[name]()
    contract.check_runs(contract.read_back(session.data), session.documents)
    contract.check_files(session.data)


@pytest.mark.parametrize("name", ["csv", "hdf5", "json", "jsonl", "nexus"])
def test_the_values_are_those_that_the_signals_were_set_to(name, session):
    """The contract compares with what ophyd has read; this, with what was there to be read."""
    found = columns(read(name, session)[1])
    assert found["m1"] == pytest.approx([point / 4 for point in range(POINTS)])
    for key in values(0):
        assert found[f"sample_{key}"] == [values(point)[key] for point in range(POINTS)], key
    assert {len(text) for text in found["sample_folder"]} == {len(LONG) + 1}


def test_nexus_tells_what_the_records_declare(session):
    with h5py.File(session.file(".hdf")) as file:
        streams = file["entry/instrument/bluesky/streams/primary"]
        groups = {n: group for n, group in streams.items() if isinstance(group, h5py.Group)}
        found = {name: dict(group["value"].attrs) for name, group in groups.items()}
        assert file["entry/data"].attrs["signal"] == "sample_temperature"
        assert list(file["entry/data"].attrs["axes"]) == ["m1"]
        assert file["entry/instrument/positioners/m1/value"].attrs["units"] == "mm"
    temperature = found["sample_temperature"]
    assert temperature["units"] == "K"
    assert temperature["precision"] == 4
    assert (temperature["lower_ctrl_limit"], temperature["upper_ctrl_limit"]) == (4.0, 500.0)
    assert temperature["source"] == f"PV:{epics_ioc.PREFIX}temperature"
    assert (found["m1"]["units"], found["m1"]["precision"]) == ("mm", 5)
    assert "lower_ctrl_limit" not in found["sample_counts"]  # 0 and 0: the record has none
    for name, words in (("mode", ["idle", "counting", "error"]), ("shutter", ["Closed", "Open"])):
        assert list(found[f"sample_{name}"]["enum_strs"]) == words


def test_raw_hdf5_tells_what_the_records_declare(session):
    with h5py.File(session.file(".h5")) as file:
        primary = file["streams/primary"]
        temperature, mode = (dict(primary[f"sample_{n}"].attrs) for n in ("temperature", "mode"))
        assert primary["m1"].attrs["units"] == "mm"
        declared = json.loads(file["metadata/descriptor_1"][()])["data_keys"]
    assert (temperature["units"], temperature["precision"]) == ("K", 4)
    assert list(mode["enum_strs"]) == ["idle", "counting", "error"]
    assert declared["sample_temperature"]["upper_ctrl_limit"] == 500.0


def test_csv_tells_what_the_records_declare(session):
    package = json.loads(session.file(".datapackage.json").read_text())
    fields = {f["name"]: f for f in package["resources"][0]["schema"]["fields"]}
    temperature = fields["sample_temperature"]
    assert (temperature["unit"], temperature["precision"]) == ("K", 4)
    assert temperature["limits"] == {"control": {"low": 4.0, "high": 500.0}}
    assert (fields["m1"]["unit"], fields["m1"]["precision"]) == ("mm", 5)
    assert fields["sample_mode"]["enum_strs"] == ["idle", "counting", "error"]
    assert fields["sample_shutter"]["enum_strs"] == ["Closed", "Open"]
    assert not [name for name, field in fields.items() if None in field.values()]


def test_json_tells_what_the_records_declare(session):
    (path,) = [p for p in session.data.glob("*-S00001-*.json") if p.name.count(".") == 1]
    variables = json.loads(path.read_text())["primary"]["data_vars"]
    temperature = variables["sample_temperature"]["attrs"]
    assert (temperature["units"], temperature["precision"]) == ("K", 4)
    assert temperature["limits"] == {"control": {"low": 4.0, "high": 500.0}}
    assert variables["sample_mode"]["attrs"]["enum_strs"] == ["idle", "counting", "error"]


def test_spec_explains_enum_strings(session):
    (path,) = session.data.glob("*.dat")
    text = path.read_text()
    assert '#C column "sample_mode" counts {"idle":0,"counting":1,"error":2}' in text
    assert '#C column "sample_shutter" counts {"Closed":0,"Open":1}' in text


def test_what_a_monitor_tells_is_a_stream_of_its_own(session):
    """Its events come from a thread of channel access."""
    found = columns(read("nexus", session)[2], "sample_temperature_monitor")
    seen = found["sample_temperature"]
    assert {values(point)["temperature"] for point in range(POINTS)} <= set(seen)


def test_a_pv_that_is_not_there_and_an_ioc_that_dies_end_the_run_not_its_files(session):
    absent, died = session.raised
    assert "absent is not connected" in absent
    assert "not connected" in died
    for name in ("csv", "hdf5", "json", "jsonl", "nexus"):
        runs = read(name, session)
        stops = [runs[number].stop or {} for number in (3, 4)]
        assert [stop.get("exit_status") for stop in stops] == ["fail", "fail"], name
        assert stops[0]["reason"] == "absent is not connected"
        assert runs[4].seq_num["primary"] == [1, 2], name
    (path,) = session.data.glob("*.dat")
    assert '#C reason = "absent is not connected"' in path.read_text()
