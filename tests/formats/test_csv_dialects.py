"""Tables with the signs of other countries, and with times for people."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import frictionless
import numpy as np
import pandas as pd
import pytest
from bluesky import RunEngine
from bluesky.plans import scan
from ophyd.sim import SynSignal, motor

from bluescribe import CsvWriter, export
from bluescribe.errors import ConfigError
from tests.formats.csv_tables import Package
from tests.recovering import recover
from tests.system.killed import kill_session, run

GERMAN = {"delimiter": ";", "decimal": ",", "iso_time": "local"}
STYLES: list[dict[str, Any]] = [
    GERMAN,
    {"delimiter": ";", "decimal": ",", "iso_time": "offset"},
    {"delimiter": "tab", "iso_time": "offset"},
    {"delimiter": "|"},
]


def written(how, folder, settings):
    """Return the package of a scan with arrays and text that misleads, and its events."""
    fields = {
        "third": lambda: motor.position / 3,
        "mca": lambda: np.arange(4) / (3 + motor.position),
        "words": lambda: 'a;b,1.5\t|"',
        "mixed": lambda: [0.5, "x;y|z"],
        "bad": lambda: float("nan"),
        "iso_time": lambda: 12,
        "a;b": lambda: 1e-7,
    }
    devices = [SynSignal(func=func, name=name) for name, func in fields.items()]
    RE, documents = RunEngine(), []
    RE.subscribe(lambda *pair: documents.append(pair))
    if how == "live":
        with CsvWriter(folder, file_name="run", **settings) as writer:
            RE.subscribe(writer.receiver)
            RE(scan(devices, motor, -1, 1, 3))
    else:
        RE(scan(devices, motor, -1, 1, 3))
        export(documents, folder, ["csv"], file_name="run", csv=settings)
    return Package(folder / "run.datapackage.json"), [d for name, d in documents if name == "event"]


@pytest.mark.parametrize("how", ["live", "exported"])
@pytest.mark.parametrize("settings", STYLES, ids=lambda settings: "".join(settings.values()))
def test_readers_have_the_values_that_were_measured(settings, how, tmp_path):
    package, events = written(how, tmp_path, settings)
    assert frictionless.validate(str(package.path)).valid
    resources: list[Any] = list(frictionless.Package(str(package.path)).resources)
    main, mca, mixed = (resource.read_rows() for resource in resources)
    for row, channels, event in zip(main, mca, events, strict=True):
        data = event["data"]
        assert float(row["time"]) == event["time"]
        assert float(row["third"]) == data["third"]
        assert row["words"] == data["words"]
        assert np.isnan(float(row["bad"]))
        assert row["field:iso_time" if "iso_time" in settings else "iso_time"] == 12
        assert float(row["a;b"]) == 1e-7
        assert [float(channels[str(n)]) for n in range(4)] == data["mca"].tolist()
    assert [row["1"] for row in mixed] == ["x;y|z"] * 3


@pytest.mark.parametrize("settings", STYLES, ids=lambda settings: "".join(settings.values()))
def test_pandas_reads_them_as_the_package_says(settings, tmp_path):
    package, events = written("live", tmp_path, settings)
    delimiter = package.resource("primary")["dialect"]["delimiter"]
    decimal = settings.get("decimal", ".")
    frame = pd.read_csv(tmp_path / "run-primary.csv", sep=delimiter, decimal=decimal)
    assert frame["third"].dtype == frame["bad"].dtype == np.float64
    assert frame["third"].tolist() == pytest.approx([e["data"]["third"] for e in events], rel=1e-15)
    assert frame["words"].tolist() == [event["data"]["words"] for event in events]
    assert f"sep={delimiter!r}, decimal={decimal!r}" in package.content["reading"][-1]


@pytest.mark.parametrize("style", ["offset", "local"])
def test_a_person_reads_when_it_was(style, tmp_path):
    package, events = written("live", tmp_path, {"iso_time": style})
    frame = pd.read_csv(tmp_path / "run-primary.csv", dtype=str)
    assert list(frame)[:3] == ["seq_num", "time", "iso_time"]
    for cell, event in zip(frame["iso_time"], events, strict=True):
        moment = datetime.fromisoformat(cell)
        assert (moment.tzinfo is None) == (style == "local")
        exactness = 1e-3 if style == "local" else 1e-6
        assert moment.timestamp() == pytest.approx(event["time"], abs=exactness)
    assert package.resource("primary")["schema"]["fields"][2]["type"] == "datetime"


def test_a_spreadsheet_has_a_blank_and_its_own_sign_in_times(tmp_path):
    written("live", tmp_path, GERMAN)
    line = (tmp_path / "run-primary.csv").read_text().splitlines()[1]
    day, clock = line.split(";")[2].split(" ")
    assert len(day) == len("2026-11-29")
    assert len(clock) == len("09:01:46,130")
    assert "," in clock


def test_a_time_that_no_calendar_has_is_an_empty_cell(tmp_path):
    documents = [(name, {**doc, "time": 1e300} if name == "event" else doc) for name, doc in run()]
    export(documents, tmp_path, ["csv"], file_name="run", csv={"iso_time": "offset"})
    frame = pd.read_csv(tmp_path / "run-primary.csv", dtype=str, keep_default_na=False)
    assert set(frame["iso_time"]) == {""}
    assert set(frame["time"]) == {"1e+300"}


def test_nothing_is_told_of_usual_tables(tmp_path):
    package, _ = written("live", tmp_path, {"delimiter": ",", "decimal": ".", "iso_time": "none"})
    assert "settings" not in package.content
    assert package.resource("primary")["schema"]["fields"][1].keys() == {
        "name", "type", "unit", "description"}  # fmt: skip


@pytest.mark.parametrize("has_journal", [True, False])
def test_tables_after_a_crash_are_as_they_were_written(has_journal, tmp_path):
    """Nobody says with which settings: the package does."""
    settings = {**GERMAN, "file_extension": "txt"}
    killed = tmp_path / "killed"
    kill_session(killed, ("jsonl", "csv"), csv=settings)
    if not has_journal:
        (killed / "run.jsonl").unlink()
    with (killed / "run-primary.txt").open("ab") as torn:
        torn.write(b"6;1700000")
    (step,) = recover(killed).steps
    assert step.outcome == ("written anew" if has_journal else "mended")
    with CsvWriter(tmp_path / "whole", file_name="run", **settings) as writer:
        for document in run():
            writer(*document)
    whole = (tmp_path / "whole" / "run-primary.txt").read_bytes()
    assert (killed / "run-primary.txt").read_bytes() == whole
    assert frictionless.validate(str(killed / "run.datapackage.json")).valid
    assert not recover(killed).steps


def test_what_a_package_tells_of_settings_leads_nowhere(tmp_path):
    """Somebody else may have written it."""
    kill_session(tmp_path, ("jsonl", "csv"))
    path = tmp_path / "run.datapackage.json"
    told = {**json.loads(path.read_text()), "settings": {"file_extension": "/../../etc"}}
    path.write_text(json.dumps(told))
    before = {p.name for p in tmp_path.iterdir()}
    (step,) = recover(tmp_path).steps
    assert step.outcome == "FAILED"
    assert "file_extension" in step.what
    assert before == {p.name for p in tmp_path.iterdir()} - {".bluescribe-recovered"}


def test_a_decimal_comma_needs_another_delimiter(tmp_path):
    with pytest.raises(ConfigError, match="another delimiter"):
        CsvWriter(tmp_path, decimal=",")
    with pytest.raises(ConfigError, match="delimiter"):
        CsvWriter(tmp_path, delimiter=".")
