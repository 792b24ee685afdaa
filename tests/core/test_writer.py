"""A writer between a real RunEngine and the disk."""

from __future__ import annotations

import csv
import gc
import inspect
import sys
import threading
import time
import weakref
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter
from bluescribe.errors import ConfigError
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.recording import writer as writer_module
from bluescribe.subscribe import Writers
from bluescribe.testing import documents
from tests import warm
from tests.core.scanning import PATIENCE, WHOLE, names, scan, told
from tests.process.children import eventually

WRITERS = [CsvWriter, JsonlWriter, NexusWriter, SpecWriter]


@pytest.mark.parametrize("writer_class", WRITERS)
def test_the_settings_stand_in_the_signature(writer_class):
    parameters = inspect.signature(writer_class).parameters
    assert list(parameters)[:2] == ["directory", "file_name"]
    assert parameters["directory"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert parameters["directory"].default == "."
    assert parameters["on_error"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["on_error"].default == "warn"
    assert set(parameters) == set(writer_class.settings_class.model_fields)


@pytest.mark.parametrize("writer_class", WRITERS)
def test_a_setting_that_is_not_allowed_is_named(writer_class, tmp_path):
    with pytest.raises(
        ConfigError, match=r"Writer: on_eror = 'abort': unknown key; did you mean on_error\?"
    ):
        writer_class(tmp_path, on_eror="abort")
    with pytest.raises(
        ConfigError, match=r"Writer: on_error = 'stop': input should be 'warn' or 'abort'"
    ):
        writer_class(tmp_path, on_error="stop")
    with pytest.raises(ValueError, match="retry_seconds"):
        writer_class(tmp_path, retry_seconds=-1)
    assert not list(tmp_path.iterdir())


def test_nothing_is_made_before_the_first_run(tmp_path):
    before = threading.enumerate()  # those of other tests may end meanwhile
    with JsonlWriter(tmp_path / "data") as writer:
        assert {*threading.enumerate()} <= {*before}
        assert writer.flush()
    assert not (tmp_path / "data").exists()


def test_it_says_what_it_is(tmp_path):
    writer = JsonlWriter(tmp_path)
    assert repr(writer) == f"JsonlWriter({str(tmp_path)!r})"
    assert writer.receiver is writer
    assert "jsonl: 0 runs" in str(writer.status())
    writer.close()


@pytest.mark.parametrize("writer_class", WRITERS)
def test_the_file_is_complete_when_the_plan_has_returned(writer_class, engine, tmp_path):
    writer = writer_class(tmp_path / "data", drain_timeout=PATIENCE)
    engine.subscribe(writer.receiver)
    engine(scan())
    status = writer.status()
    assert (status.runs_written, status.events_written, status.backlog) == (1, 3, 0)
    assert status.current_files == ()
    assert status.last_file is not None
    before = {path: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    writer.close()
    assert status.last_file in before
    if writer_class is not SpecWriter:  # which has a session
        assert {path: path.read_bytes() for path in before} == before


def test_the_engine_keeps_a_writer_that_nothing_else_holds(engine, tmp_path):
    engine.subscribe(JsonlWriter(tmp_path, drain_timeout=PATIENCE).receiver)
    for _ in range(2):
        gc.collect()
        engine(scan())
    assert [names(path) for path in tmp_path.iterdir()] == [WHOLE] * 2


def test_a_writer_that_is_dropped_finishes_its_files_and_its_thread(tmp_path):
    writer = JsonlWriter(tmp_path, file_name="a")
    for document in documents("count", tmp_path / "x")[:-1]:
        writer(*document)
    gone = weakref.ref(writer)
    del writer
    gc.collect()
    assert gone() is None
    for thread in threading.enumerate():
        if thread.name == "bluescribe-jsonl":
            thread.join(PATIENCE)
            assert not thread.is_alive()
    assert names(tmp_path / "a.jsonl") == ["start", "descriptor", *["event"] * 5]


def test_flush_brings_to_disk_what_was_received(tmp_path):
    played = documents("count", tmp_path / "x")
    with JsonlWriter(tmp_path, file_name="a") as writer:
        for document in played[:4]:
            writer(*document)
        assert writer.flush()
        assert len(names(tmp_path / "a.jsonl")) == 4
        assert writer.status().current_files == (tmp_path / "a.jsonl",)


def test_flush_tells_when_the_time_was_not_enough(gate, engine, tmp_path, caplog):
    writer = JsonlWriter(tmp_path, file_name="a", drain_timeout=0.05)
    engine.subscribe(writer)
    engine(scan())
    (late,) = told(caplog)
    assert late.startswith("jsonl: not all is on disk after 0.1 s; ")
    assert "the writing goes on" in late
    assert not writer.flush(timeout=0.01)
    assert writer.status().backlog > 0
    gate.is_open.set()
    assert writer.flush(PATIENCE)
    assert names(tmp_path / "a.jsonl") == WHOLE
    writer.close()


def test_close_waits_for_disks_that_hang_together_and_not_for_ever(
    gate, engine, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(writer_module, "_HANGS_SECONDS", 1.0)
    settings: dict[str, Any] = {"drain_timeout": 0.1, "retry_seconds": 0}
    paths = [tmp_path / name for name in ("x/a.jsonl", "x/b.jsonl", "y/a.jsonl")]
    writers = Writers(
        {str(path): JsonlWriter(path.parent, file_name=path.stem, **settings) for path in paths}
    )
    engine.subscribe(writers.receiver)
    engine(scan())
    assert gate.reached.wait(PATIENCE)
    began = time.monotonic()
    writers.close()
    assert 0.8 < time.monotonic() - began < 2.5
    words = [line for line in told(caplog) if "hangs: given up" in line]
    disks = [f"jsonl, jsonl: the disk of {tmp_path}/x hangs", f"jsonl: the disk of {tmp_path}/y"]
    assert [line.startswith(disk) for line, disk in zip(words, disks, strict=True)] == [True, True]
    assert words[0].endswith(f"by the next session, or by bluescribe recover {tmp_path}/x.")
    gate.is_open.set()
    eventually(lambda: all(path.read_text().count("\n") == len(WHOLE) for path in paths))
    assert [names(path) for path in paths] == [WHOLE] * 3


def test_close_waits_for_a_disk_that_is_only_slow(engine, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(writer_module, "_HANGS_SECONDS", 0.5)
    record = JsonlFile.record

    def slow(file: JsonlFile, name: str, doc: Any) -> None:
        time.sleep(0.1)
        record(file, name, doc)

    monkeypatch.setattr(JsonlFile, "record", slow)
    writer = JsonlWriter(tmp_path, drain_timeout=0.0, retry_seconds=0, file_name="a")
    engine.subscribe(writer)
    for _ in range(3):
        engine(scan())
    writer.close()
    assert [names(path) for path in sorted(tmp_path.glob("*.jsonl"))] == [WHOLE] * 3
    assert not [line for line in told(caplog) if "hangs" in line]


def test_a_closed_writer_takes_no_run_and_keeps_nobody_waiting(engine, tmp_path, caplog):
    writer = JsonlWriter(tmp_path, file_name="a", drain_timeout=PATIENCE)
    engine.subscribe(writer)
    engine(scan())
    writer.close()
    writer.close()
    began = time.monotonic()
    engine(scan())
    assert writer.flush()
    assert time.monotonic() - began < PATIENCE / 2
    assert told(caplog) == ["jsonl: a closed writer ignores the run that begins"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


EXIT = """
    import sys
    from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter
    key = {"dtype": "number", "shape": [], "source": "x"}
    kept = []
    for kind in (CsvWriter, JsonlWriter, NexusWriter, SpecWriter):
        writer = kind(sys.argv[1], file_name="a")
        kept.append(writer)
        writer("start", {"uid": "u", "time": 1.0, "scan_id": 1})
        writer("descriptor", {"uid": "d", "run_start": "u", "data_keys": {"x": key}})
        for n in range(1, 4001):
            writer("event", {"uid": str(n), "descriptor": "d", "seq_num": n, "time": 1.0,
                             "data": {"x": n / 2}, "timestamps": {"x": 1.0}})
"""


def test_all_is_written_when_the_interpreter_ends(tmp_path):
    program = [sys.executable, "-c", dedent(EXIT), str(tmp_path)]
    done = warm.run(program, check=True, timeout=PATIENCE, capture_output=True, text=True)
    assert not done.stderr
    import h5py

    assert len(names(tmp_path / "a.jsonl")) == 4002
    with h5py.File(tmp_path / "a.hdf") as file:
        assert file["/entry/data/x"].shape == (4000,)
    expected = [n / 2 for n in range(1, 4001)]
    with (tmp_path / "a-primary.csv").open() as table:
        assert [float(row["x"]) for row in csv.DictReader(table)] == expected
    (spec,) = tmp_path.glob("*.dat")
    rows = [line for line in spec.read_text().splitlines() if line and line[0] != "#"]
    assert [float(row.split()[-1]) for row in rows] == expected


@pytest.mark.parametrize("writer_class", WRITERS)
def test_an_existing_file_is_left_alone(writer_class, engine, tmp_path):
    there = Path(tmp_path) / "a.jsonl"
    there.write_text("mine")
    writer = writer_class(tmp_path, file_name="a", drain_timeout=PATIENCE)
    engine.subscribe(writer)
    engine(scan())
    writer.close()
    assert there.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) > 1
