"""What the console, a plan and metadata change while a session runs, for the runs that follow."""

from __future__ import annotations

import logging
import time
from collections import Counter
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import pytest

from bluescribe import JsonlWriter, subscribe_writers
from bluescribe.errors import ConfigError, DirectoryError
from bluescribe.testing import documents
from tests.core.scanning import scan, told
from tests.readers.jsonl import read_documents

FORMATS = ("CSV", "JSONL", "SPEC")


@pytest.fixture
def writers(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield from _session(engine, DIRECTORY="made")


def _session(engine, **shared):
    blocks = {f"{name}_DATA_FILES": {"ENABLE": True} for name in FORMATS}
    with subscribe_writers(engine, {"DATA_FILES": shared, **blocks}) as writers:
        yield writers


def files(folder: Path | str = ".") -> Counter[str]:
    """Return where runs are, and in how many files of each ending."""
    found = (path for path in Path(folder).rglob("*") if path.is_file())
    return Counter(f"{path.parent}/{path.suffix}" for path in found)


def test_a_folder_for_all_and_one_for_one(engine, writers, tmp_path):
    engine(scan())
    writers.directory = "second"
    assert writers.directory == Path("second")
    writers.csv.directory = tmp_path / "tables"
    assert writers.directory["csv"] == tmp_path / "tables"
    engine(scan())
    writers.reset()
    assert writers.directory == Path("made")
    engine(scan())
    assert files() == {
        "made/.csv": 2, "made/.json": 2, "made/.jsonl": 2, "made/.dat": 1,
        "second/.jsonl": 1, "second/.dat": 1, "tables/.csv": 1, "tables/.json": 1,
    }  # fmt: skip


def test_off_and_on(engine, writers):
    reports: list[Any] = []
    writers.on_complete(reports.append)
    writers.csv.enabled = False
    engine(scan())
    writers.csv.enabled = True
    with writers.csv.paused():
        engine(scan())
    with writers.paused():
        engine(scan())
    writers.enabled = False
    engine(scan())
    assert writers.enabled is False
    writers.enabled = True
    engine(scan())
    assert files() == {"made/.csv": 1, "made/.json": 1, "made/.jsonl": 3, "made/.dat": 1}
    assert Counter(report.format for report in reports) == {"csv": 5, "jsonl": 5, "spec": 5}
    assert not any(report.failures for report in reports)


def test_a_change_in_mid_run_is_for_the_next_one(engine, writers):
    def plan():
        for number, msg in enumerate(scan(4)):
            if number == 8:
                writers.directory = "second"
                writers.jsonl.enabled = False
            yield msg

    engine(plan())
    engine(scan())
    assert files() == {
        "made/.csv": 1, "made/.json": 1, "made/.jsonl": 1, "made/.dat": 1,
        "second/.csv": 1, "second/.json": 1, "second/.dat": 1,
    }  # fmt: skip
    (journal,) = Path("made").glob("*.jsonl")
    assert [name for name, _ in read_documents(journal)].count("event") == 4


def test_a_plan_changes_what_follows_in_it(engine, writers):
    def plan():
        yield from writers.update_plan_stub(directory="first", enabled=True)
        yield from scan()
        yield from writers.csv.update_plan_stub(enabled=False)
        yield from scan()

    engine(plan())
    assert files() == {"first/.csv": 1, "first/.json": 1, "first/.jsonl": 2, "first/.dat": 1}
    assert {change.by for change in writers.csv.status().changes} == {"a plan"}


def test_a_name_is_for_formats_with_a_file_a_run(engine, writers):
    writers.file_name = "{scan_id:03d}"
    engine(scan())
    assert {path.name for path in Path("made").iterdir() if path.suffix != ".dat"} == {
        "001-primary.csv", "001.datapackage.json", "001.jsonl",
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"spec: one file takes all runs.*newfile"):
        writers.spec.file_name = "x"


def test_what_cannot_be_is_refused_and_no_format_has_changed(engine, writers, tmp_path):
    Path("file").touch()
    refused: list[tuple[dict[str, Any], str]] = [
        ({"directory": "$HOME"}, "HOME is not filled in"),
        ({"directry": "x"}, "did you mean directory"),
        ({"enabled": 1}, "True or False"),
        ({"directory": "a", "roots": ["/"]}, "cannot be changed"),
        ({"file_name": "x", "directory": "y"}, "Set file_name alone"),
    ]
    for settings, words in refused:
        with pytest.raises(ConfigError, match=words):
            writers.update(**settings)
    with pytest.raises(DirectoryError, match="is no folder"):
        writers.csv.directory = "file/x"
    engine(scan())
    assert {Path(where).parent for where in files()} == {Path("made"), Path()}


def test_it_is_said_in_one_line_and_status_has_it(writers, caplog, tmp_path):
    caplog.set_level(logging.INFO)
    writers.directory = "second"
    writers.csv.directory = tmp_path / "third"
    writers.csv.enabled = False
    writers.reset()
    lines = [line for line in told(caplog, logging.INFO) if "run on" in line]
    assert lines == [
        "csv, jsonl, spec: from the next run on in second, below the working directory at its "
        f"start (now {tmp_path}) (by the console)",
        f"csv: from the next run on in {tmp_path}/third (by the console)",
        "csv: from the next run on not written (by the console)",
        "as configured from the next run on: csv (directory, enabled), jsonl (directory), "
        "spec (directory) (by the console)",
    ]


def test_status_tells_what_was_changed_and_by_whom(writers):
    writers.directory = "second"
    writers.csv.enabled = False
    first, second = writers.status()["csv"].changes
    assert str(first).startswith("directory = second (by the console, ")
    assert (second.name, second.value) == ("enabled", False)
    assert not writers.status()["csv"].is_enabled
    writers.reset()
    assert writers.status()["csv"].changes == ()


def test_metadata_is_for_its_own_run(engine, writers, caplog):
    engine(scan(), bluescribe={"directory": "sample7", "jsonl": {"enabled": False}})
    engine(scan(), bluescribe={"file_name": "{plan_name}", "csv": {"enabled": False}})
    engine(scan())
    assert files("made/sample7") == {
        "made/sample7/.csv": 1, "made/sample7/.json": 1, "made/sample7/.dat": 1,
    }  # fmt: skip
    assert Path("made/scan.jsonl").exists()
    assert len([*Path("made").glob("*.csv")]) == 1
    assert writers.csv.status().changes == ()


@pytest.mark.parametrize(
    "asked",
    [
        3, {"directory": 3}, {"enabled": "no"}, {"csv": 3}, {"x": 1}, {"jsonl": {"x": 1}},
        {"file_name": "../x"}, {"file_name": "{"}, {1: 2}, {"directory": "../../{x}"},
        {"directory": "/etc"},
    ],
)  # fmt: skip
def test_metadata_that_asks_for_what_cannot_be_costs_nothing(asked, tmp_path, caplog):
    docs = documents("scan", tmp_path)
    name, start = docs[0]
    with JsonlWriter(tmp_path / "made") as writer:
        writer(name, {**start, "bluescribe": asked})
        for name, doc in docs[1:]:
            writer(name, doc)
        path = writer.status().last_file
    assert path is not None
    assert path.is_relative_to(tmp_path / "made")
    assert told(caplog)


def test_one_number_in_all_formats_of_a_run(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("made").mkdir()
    Path("made/x-041-primary.csv").touch()
    settings = {"DIRECTORY": "made", "FILE_NAME": "{sample|x}-{#:03d}"}
    for _ in range(2):
        for writers in _session(engine, **settings):
            engine(bp.count([]))
            engine(bp.count([]), sample="y")
            writers.csv.enabled = False
            engine(bp.count([]))
    names = sorted(path.name for path in Path("made").glob("*.jsonl"))
    assert names == [
        "x-042.jsonl", "x-043.jsonl", "x-044.jsonl", "x-045.jsonl", "y-001.jsonl", "y-002.jsonl"
    ]  # fmt: skip
    names = sorted(path.name for path in Path("made").glob("*.datapackage.json"))
    assert [name[:5] for name in names] == ["x-042", "x-044", "y-001", "y-002"]


def test_the_counter_does_not_wait_for_a_folder_that_hangs(engine, tmp_path, monkeypatch, caplog):
    from bluescribe.recording import run_numbers

    monkeypatch.setattr(run_numbers, "_SECONDS", 0.05)
    monkeypatch.setattr(run_numbers, "_look", lambda *_: __import__("time").sleep(1))
    (tmp_path / "1.jsonl").touch()
    for name, doc in documents("scan", tmp_path):
        if name == "start":
            writer = JsonlWriter(tmp_path, file_name="{#}")
        writer(name, doc)
    writer.close()
    assert (tmp_path / "1-2.jsonl").exists()
    assert "is not listed within" in told(caplog)[0]


def test_the_counter_waits_for_all_folders_that_hang_together(tmp_path, monkeypatch, caplog):
    from bluescribe.contract.settings import WriterSettings
    from bluescribe.recording import run_numbers

    monkeypatch.setattr(run_numbers, "_SECONDS", 0.3)
    monkeypatch.setattr(run_numbers, "_look", lambda *_: time.sleep(3))
    folders = [tmp_path / f"{number}" for number in range(8)]
    said = ({"directory": folder, "file_name": "{#}"} for folder in folders)
    settings = [WriterSettings.validated("a format", one) for one in said]
    began = time.monotonic()
    assert run_numbers.number_of("hung", {"uid": "hung"}, settings, tmp_path) == 1
    assert time.monotonic() - began < 1.5  # one after the other they took 2.4
    assert len(told(caplog)) == 8


def test_a_second_start_up_has_what_is_configured(engine, writers, caplog):
    writers.directory = "second"
    blocks = {"DATA_FILES": {"DIRECTORY": "made"}, "JSONL_DATA_FILES": {"ENABLE": True}}
    with subscribe_writers(engine, blocks):
        engine(scan())
    assert files() == {"made/.jsonl": 1}
    assert "directory = second" in told(caplog)[0]


def test_a_format_called_as_an_attribute_is_reached_by_its_name(writers):
    assert writers["csv"] is writers.csv
    with pytest.raises(KeyError, match="there are csv, jsonl, spec"):
        writers["where"]
