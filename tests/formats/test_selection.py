"""FIELDS and EXCLUDE: what is left out is in no file, and all else is there as it was."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bluesky.plans as bp
import h5py
import pytest
from bluesky import RunEngine
from hypothesis import HealthCheck, given, settings
from ophyd.sim import det, motor

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter, export
from bluescribe.archive.recover import recover as recover_all
from bluescribe.contract.report import RunReport
from bluescribe.contract.settings import WriterSettings
from bluescribe.errors import ConfigError
from bluescribe.model.selection import LEFT_OUT
from bluescribe.testing import damaged_runs
from bluescribe.testing.contract import played
from tests.contracts import CONTRACTS

Documents = list[tuple[str, dict[str, Any]]]

SHAPES = ("scan", "grid_scan_snaked", "baseline", "events_and_pages", "mca", "images", "strings")


def fields_of(documents: Iterable[tuple[str, Any]]) -> list[str]:
    """Return the fields of all streams of a run."""
    descriptors = [doc for name, doc in documents if name == "descriptor"]
    return list(dict.fromkeys(key for doc in descriptors for key in doc["data_keys"]))


def without(documents: Iterable[tuple[str, Any]], dropped: set[str]) -> Documents:
    """Return what would have come if nobody had measured some fields."""
    found: Documents = []
    for name, told in documents:
        doc = dict(told)
        if name == "descriptor":
            gone = [key for key in doc["data_keys"] if key in dropped]
            doc["data_keys"] = {k: v for k, v in doc["data_keys"].items() if k not in dropped}
            doc["object_keys"] = {
                device: [key for key in keys if key not in dropped]
                for device, keys in doc["object_keys"].items()
            }
            doc["hints"] = {
                device: {**hint, "fields": [key for key in hint["fields"] if key not in dropped]}
                if "fields" in hint
                else hint
                for device, hint in doc["hints"].items()
            }
            if gone:
                doc[LEFT_OUT] = gone
        for part in ("data", "timestamps", "filled"):
            if name.startswith("event") and part in doc:
                doc[part] = {k: v for k, v in doc[part].items() if k not in dropped}
        found.append((name, doc))
    return found


@pytest.mark.parametrize("way", ["fields", "exclude"])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("format_name", sorted(CONTRACTS))
def test_all_but_what_is_left_out_is_in_the_file(
    format_name: str, name: str, way: str, tmp_path: Path, tmp_path_factory: Any
) -> None:
    contract = CONTRACTS[format_name]()
    documents = list(played(name, "plain", tmp_path_factory.getbasetemp() / "shapes"))
    fields = fields_of(documents)
    dropped = set(fields[::2])
    kept = [field for field in fields if field not in dropped]
    settings: dict[str, Any] = {"fields": kept} if way == "fields" else {"exclude": dropped}
    if way == "fields" and not kept:
        settings = {"fields": fields, "exclude": dropped}
    reports: list[RunReport] = []
    with contract.make(tmp_path, **settings) as writer:
        writer.on_complete(reports.append)
        for document in documents:
            writer(*document)
    contract.check_status(writer)
    assert not writer.status().discrepancies
    contract.check_runs(contract.read_back(tmp_path), without(documents, dropped))
    (report,) = reports
    assert {each.field for each in report.left_out} == dropped


def test_frames_of_a_detector_that_is_left_out_are_not_missed(
    tmp_path: Path, tmp_path_factory: Any
) -> None:
    documents = played("stream_scan_rollover", "plain", tmp_path_factory.getbasetemp() / "shapes")
    external = next(doc["data_key"] for name, doc in documents if name == "stream_resource")
    with NexusWriter(tmp_path, file_name="x", exclude=external) as writer:
        for document in documents:
            writer(*document)
    assert not writer.status().discrepancies
    with h5py.File(tmp_path / "x.hdf") as file:
        assert external not in file["entry/data"]


def test_dimensions_and_positions_follow(tmp_path: Path) -> None:
    engine = RunEngine()
    with NexusWriter(tmp_path, file_name="x", exclude=["motor*"]) as nexus:
        spec = SpecWriter(tmp_path, file_name="x", exclude=["motor_setpoint"], one_file_a_run=True)
        engine.subscribe(nexus.receiver)
        engine.subscribe(spec.receiver)
        engine(bp.scan([det], motor, -1, 1, 3))
        spec.close()
    with h5py.File(tmp_path / "x.hdf") as file:
        assert "motor" not in file["entry/data"]
        assert file["entry/data"].attrs["signal"] == "det"
    (line,) = [r for r in (tmp_path / "x.dat").read_text().splitlines() if r.startswith("#L")]
    assert "motor_setpoint" not in line
    assert line.split()[1] == "motor"


def test_a_journal_says_what_it_lacks(tmp_path: Path) -> None:
    engine = RunEngine()
    with JsonlWriter(tmp_path, file_name="x", fields=["det"]) as writer:
        engine.subscribe(writer.receiver)
        engine(bp.scan([det], motor, -1, 1, 3))
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    (descriptor,) = [doc for name, doc in lines if name == "descriptor"]
    assert descriptor[LEFT_OUT] == ["motor", "motor_setpoint"]
    assert list(descriptor["data_keys"]) == ["det"]
    assert all(
        [*doc["data"]] == [*doc["timestamps"]] == ["det"] for n, doc in lines if n == "event"
    )


def test_an_export_leaves_out_the_same(tmp_path: Path) -> None:
    engine = RunEngine()
    with JsonlWriter(tmp_path / "live", file_name="x") as writer:
        engine.subscribe(writer.receiver)
        engine(bp.scan([det], motor, -1, 1, 3))
    export(tmp_path / "live", tmp_path / "again", ["csv"], file_name="x", exclude=["motor_*"])
    head = (tmp_path / "again" / "x-primary.csv").read_text().splitlines()[0]
    assert "motor_setpoint" not in head
    assert "motor" in head


def test_a_pattern_without_a_field_is_told_once_a_session(tmp_path: Path, caplog: Any) -> None:
    engine = RunEngine()
    with CsvWriter(tmp_path, exclude=["motor_*", "eiger*"], fields=["*"]) as writer:
        engine.subscribe(writer.receiver)
        for _ in range(2):
            engine(bp.scan([det], motor, -1, 1, 3))
    (record,) = [r for r in caplog.records if "no field is called" in r.getMessage()]
    assert "'eiger*'" in record.getMessage()
    assert "motor_*" not in record.getMessage()
    assert "'det', 'motor', 'motor_setpoint'" in record.getMessage()


def test_one_name_may_stand_alone_and_no_name_is_a_mistake() -> None:
    assert WriterSettings.validated("X", {"exclude": "det*"}).exclude == ("det*",)
    for wrong in ([""], 3, [3], {"a": 1}):
        with pytest.raises(ConfigError, match="exclude"):
            WriterSettings.validated("X", {"exclude": wrong})


def test_a_file_is_not_written_anew_from_a_journal_that_lacks_fields(tmp_path: Path) -> None:
    engine, documents = RunEngine(), list[tuple[str, Any]]()
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    engine(bp.scan([det], motor, -1, 1, 3))
    with JsonlWriter(tmp_path, file_name="x", exclude=["motor*"]) as journal:
        for document in documents:
            journal(*document)
    with NexusWriter(tmp_path, file_name="x") as nexus:
        for document in documents[:-1]:  # it was cut short
            nexus(*document)
    recover_all(tmp_path)
    with h5py.File(tmp_path / "x.hdf") as file:
        assert "motor" in file["entry/data"]


@pytest.mark.ci
@given(documents=damaged_runs())
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_document_costs_no_more_than_without(documents: Documents) -> None:
    """The names are those of what is generated; whatever comes, a run is begun and ended."""
    with TemporaryDirectory() as folder:
        reports = []
        for exclude in ([], ["*a*", "?"]):
            writer = JsonlWriter(folder, exclude=exclude, drain_timeout=60)
            with writer:
                for name, doc in documents:
                    writer(name, doc)
            reports.append((writer.status().runs_written, len(writer.status().failures)))
        assert reports[0] == reports[1]
