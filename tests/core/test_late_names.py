"""Names of files that take what comes after the start: a configuration, a value of an event."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bluesky.plans as bp
import numpy as np
import pytest
from bluesky import RunEngine
from hypothesis import given, settings
from hypothesis import strategies as st
from ophyd.sim import det, motor

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter, Writer, export
from bluescribe.contract.report import RunReport
from bluescribe.contract.settings import WriterSettings
from bluescribe.errors import ConfigError
from bluescribe.formats import format_names, load_format
from bluescribe.formats.csv import CsvFile
from bluescribe.recording import named_late
from bluescribe.testing.strategies.values import json_values
from tests.contracts import CONTRACTS

Documents = list[tuple[str, dict[str, Any]]]
TEMPLATE = "{config[det][det_gain]}/{scan_id:03d}-{event[x]:.1f}"
UID = "1f5a9c3e-aaaa"


def run(gain: Any = "high/2", x: Any = 0.25, *, events: int = 3, uid: str = UID) -> Documents:
    """Return a run whose baseline comes before the stream that names it."""
    key = {"source": "s", "dtype": "number", "shape": []}
    start = {"uid": uid, "time": 1.7e9, "scan_id": 4, "plan_name": "count"}
    documents: Documents = [("start", start)]
    for stream, fields in (("baseline", ["t"]), ("primary", ["x", "y"])):
        described = f"{uid}-{stream}"
        data = {} if stream == "baseline" else {"det_gain": gain}
        configuration = {
            "det": {"data": data, "timestamps": dict.fromkeys(data, 1.7e9), "data_keys": {}}
        }
        documents.append(
            (
                "descriptor",
                {
                    "uid": described,
                    "run_start": uid,
                    "time": 1.7e9,
                    "name": stream,
                    "data_keys": {name: dict(key) for name in fields},
                    "configuration": configuration,
                    "hints": {},
                    "object_keys": {"det": fields},
                },
            )
        )
        for row in range(events):
            values: dict[str, Any] = dict.fromkeys(fields, x + row)
            documents.append(
                (
                    "event",
                    {
                        "uid": f"{described}-{row}",
                        "descriptor": described,
                        "seq_num": row + 1,
                        "time": 1.7e9 + row,
                        "data": values,
                        "timestamps": dict.fromkeys(values, 1.7e9 + row),
                        "filled": {},
                    },
                )
            )
    counts = {"baseline": events, "primary": events}
    stop = {"uid": "s", "run_start": uid, "time": 2e9, "exit_status": "success"}
    return [*documents, ("stop", {**stop, "num_events": counts})]


def write(writer: Writer, documents: Documents) -> RunReport:
    reports: list[RunReport] = []
    with writer:
        writer.on_complete(reports.append)
        for name, doc in documents:
            writer(name, doc)
    (report,) = reports
    return report


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_every_format_has_the_name_and_all_that_came_before_it(name: str, tmp_path: Path) -> None:
    contract = CONTRACTS[name]()
    documents = run()
    settings = contract.named(TEMPLATE)
    report = write(contract.make(tmp_path, **settings), documents)
    assert report.files[0].parent == tmp_path / "high_2"
    assert report.files[0].name.startswith("004-0.2")
    assert not report.failures
    contract.check_runs(contract.read_back(tmp_path), documents)


def test_the_directory_takes_them_too_and_so_do_sessions_of_spec(tmp_path: Path) -> None:
    writer = load_format("spec")(tmp_path / "{config[det][det_gain]}")
    (path,) = write(writer, run()).files
    assert path.parent == tmp_path / "high_2"
    csv = write(CsvWriter(tmp_path / "{event[y]:.2f}", file_name="x"), run())
    assert csv.files[0].parent == tmp_path / "0.25"


def test_the_file_is_there_as_soon_as_its_name_is_known(tmp_path: Path) -> None:
    documents = run()
    with CsvWriter(tmp_path, file_name="{event[x]}") as writer:
        for name, doc in documents[:-4]:
            writer(name, doc)
        assert writer.flush(60)
        assert not [*tmp_path.iterdir()], "the name cannot be known yet"
        writer(*documents[-4])
        assert writer.flush(60)
        assert (tmp_path / "0.25-baseline.csv").read_text().count("\n") == 4
        for name, doc in documents[-3:]:
            writer(name, doc)


@pytest.mark.parametrize(
    ("template", "documents", "told"),
    [
        ("{event[x]}", run(events=0), "no event of the run has 'event[x]'"),
        ("{event[nope]}", run(), "no event of the run has 'event[nope]'"),
        ("{config[det][nope]}", run(), "no descriptor of the run has 'config[det][nope]'"),
        ("{config[nope][det_gain]}", run(), "no descriptor of the run has"),
        ("{event[x]}", run(x=None, events=0), "no event"),
    ],
)
def test_what_is_not_known_at_the_stop_is_told_and_the_run_has_a_name(
    template: str, documents: Documents, told: str, tmp_path: Path, caplog: Any
) -> None:
    report = write(JsonlWriter(tmp_path, file_name=template), documents)
    assert report.files[0].name.endswith("-S00004-1f5a9c3.jsonl")
    assert report.files[0].read_text().count("\n") == len(documents)
    (record,) = [r for r in caplog.records if r.name.startswith("bluescribe")]
    assert told in record.getMessage()


@pytest.mark.parametrize("value", ["../../etc/passwd", "a\0b", np.arange(4), {"a": 1}, -0.0])
def test_no_value_leads_out_of_the_directory(value: Any, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    documents = run(gain=value)
    report = write(JsonlWriter(folder, file_name="{config[det][det_gain]}"), documents)
    assert report.files[0].parent == folder
    assert [*folder.iterdir()] == [*report.files]


def test_a_name_that_never_comes_is_waited_for_in_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(named_late, "_MOST_DOCUMENTS", 5)
    documents = run(events=20)
    with JsonlWriter(tmp_path, file_name="{event[nope]}") as writer:
        for name, doc in documents[:10]:
            writer(name, doc)
        assert writer.flush(60)
        (path,) = tmp_path.iterdir()
        for name, doc in documents[10:]:
            writer(name, doc)
    assert path.read_text().count("\n") == len(documents)
    assert "waits for its name no longer" in caplog.text


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{config}", r"config\[device\]\[key\]"),
        ("{config[det]}", r"config\[device\]\[key\]"),
        ("{config[det][a][b]}", r"config\[device\]\[key\]"),
        ("{event}", r"event\[field\]"),
        ("{event[x][y]}", r"event\[field\]"),
    ],
)
def test_a_mistake_in_the_template_is_told_at_once(template: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        WriterSettings.validated("X", {"file_name": template})
    with pytest.raises(ConfigError, match=words):
        WriterSettings.validated("X", {"directory": template})


def test_a_master_file_is_called_by_the_start_alone() -> None:
    with pytest.raises(ConfigError, match="only keys of the start document"):
        NexusWriter(master_file="{event[x]}")


@pytest.mark.parametrize("name", format_names())
def test_a_scan_of_a_run_engine_is_called_so_in_every_format(name: str, tmp_path: Path) -> None:
    engine = RunEngine()
    settings: dict[str, Any] = {"one_file_a_run": True} if name == "spec" else {}
    template = "{config[motor][motor_velocity]}-{event[motor]}"
    with load_format(name)(tmp_path, file_name=template, **settings) as writer:
        engine.subscribe(writer.receiver)
        engine(bp.scan([det], motor, -1, 1, 3))
    names = {path.name[:6] for path in tmp_path.iterdir()}
    assert names == (set() if name == "dx" else {"1--1.0"})


def test_an_export_has_the_same_name(tmp_path: Path) -> None:
    (journal,) = write(JsonlWriter(tmp_path / "live", file_name=TEMPLATE), run()).files
    export(journal.parent, tmp_path / "again", ["csv"], file_name=TEMPLATE)
    assert (tmp_path / "again" / "high_2" / "004-0.2-primary.csv").exists()


def test_a_title_is_taken_by_the_session_of_a_folder_that_comes_late(tmp_path: Path) -> None:
    spec = SpecWriter(tmp_path / "{config[det][det_gain]}")
    spec.newfile("steel")
    (path,) = write(spec, run()).files
    assert path == tmp_path / "high_2" / "steel.dat"


def test_the_hook_of_a_subclass_may_name_it_so(tmp_path: Path) -> None:
    class File(CsvFile):
        def file_name(self, run: Any) -> str:
            return "{event[x]}"

    class Own(CsvWriter):
        file_class = File

    (path, *_) = write(Own(tmp_path), run()).files
    assert path.name == "0.25.datapackage.json"


@given(gain=json_values, x=st.one_of(st.none(), st.floats(), st.text(), st.integers()))
@settings(max_examples=30, deadline=None)
def test_whatever_the_values_are_the_run_is_in_one_file(gain: Any, x: Any) -> None:
    documents = run(gain, x, events=0)
    with TemporaryDirectory() as folder:
        writer = JsonlWriter(Path(folder, "data"), file_name=TEMPLATE)
        (path,) = write(writer, documents).files
        assert path.is_relative_to(Path(folder, "data"))
        assert path.read_text().count("\n") == len(documents)
