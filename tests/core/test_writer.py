"""A writer between a real RunEngine and the disk."""

from __future__ import annotations

import errno
import gc
import inspect
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import pytest
from bluesky.utils import RunEngineInterrupted

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter
from bluescribe.errors import BluescribeError, ConfigError, RecordingError
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.testing import documents
from bluescribe.testing.shapes.devices import gauss, motor
from bluescribe.testing.shapes.engine import recording
from tests.readers.jsonl import read_documents

PATIENCE = 60
WRITERS = [CsvWriter, JsonlWriter, NexusWriter, SpecWriter]


@pytest.fixture
def engine():
    with recording() as (engine, _):
        yield engine


def scan(points=3):
    m1 = motor()
    return bp.scan([gauss(m1)], m1, -1, 1, points)


def names(path):
    return [name for name, _ in read_documents(path)]


WHOLE = ["start", "descriptor", "event", "event", "event", "stop"]


def told(caplog, level=logging.WARNING):
    found = [r for r in caplog.records if r.name.startswith("bluescribe") and r.levelno >= level]
    return [record.getMessage() for record in found]


class Gate:
    """Hold up, or fail, every journal at its next event; let it go on `open`."""

    def __init__(self, monkeypatch):
        self.is_open, self.error = threading.Event(), None
        self.reached = threading.Event()
        original = JsonlFile.record

        def record(file, name, doc):
            if name == "event":
                self.reached.set()
                assert self.is_open.wait(PATIENCE)
                if self.error:
                    raise self.error
            original(file, name, doc)

        monkeypatch.setattr(JsonlFile, "record", record)

    def fail(self, error):
        self.error = error
        self.is_open.set()


@pytest.fixture
def gate(monkeypatch):
    gate = Gate(monkeypatch)
    yield gate
    gate.is_open.set()


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
    before = threading.active_count()
    with JsonlWriter(tmp_path / "data") as writer:
        assert threading.active_count() == before
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
    assert names(tmp_path / "a.jsonl") == ["start", "descriptor", *["event"] * 5]
    assert not [t for t in threading.enumerate() if t.name == "bluescribe-jsonl"]


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
        writer("descriptor", {"uid": "d", "run_start": "u", "name": "primary", "data_keys": {"x": key}})
        for n in range(1, 4001):
            writer("event", {"uid": str(n), "descriptor": "d", "seq_num": n, "time": 1.0,
                             "data": {"x": n / 2}, "timestamps": {"x": 1.0}})
"""


def test_all_is_written_when_the_interpreter_ends(tmp_path):
    program = [sys.executable, "-c", dedent(EXIT), str(tmp_path)]
    done = subprocess.run(program, check=True, timeout=PATIENCE, capture_output=True, text=True)
    assert not done.stderr
    import h5py

    assert len(names(tmp_path / "a.jsonl")) == 4002
    with h5py.File(tmp_path / "a.hdf") as file:
        assert file["/entry/data/x"].shape == (4000,)
    table = (tmp_path / "a-primary.csv").read_text().splitlines()
    assert table[-1].split(",")[-1] == "2000.0" or "2000.0" in table[-1]
    (spec,) = tmp_path.glob("*.dat")
    assert sum(
        line.endswith(" 2000.0") or " 2000" in line for line in spec.read_text().splitlines()
    )


def test_abort_fails_the_plan_once_and_the_other_writers_are_whole(
    gate, engine, tmp_path, monkeypatch
):
    spec = SpecWriter(tmp_path / "spec", drain_timeout=PATIENCE)
    writer = JsonlWriter(
        tmp_path / "jsonl", on_error="abort", file_name="{scan_id}", drain_timeout=PATIENCE
    )
    engine.subscribe(spec)
    engine.subscribe(writer)

    def fail_then_go_on():
        gate.fail(RuntimeError("a fault"))
        assert writer.flush(PATIENCE)
        yield from bps.null()

    def plan():
        det = gauss(motor())
        yield from bps.open_run()
        for _ in range(3):
            yield from bps.trigger_and_read([det])
            yield from fail_then_go_on()
        yield from bps.close_run()

    with pytest.raises(
        RecordingError, match="jsonl: .* is incomplete in .*: RuntimeError: a fault"
    ):
        engine(plan())
    assert engine.state == "idle"
    gate.error = None
    engine(scan())  # once: the next run is not told of it again
    assert names(tmp_path / "jsonl" / "2.jsonl") == WHOLE
    assert spec.status().runs_written == 2
    assert not spec.status().failures
    assert isinstance(RecordingError(), BluescribeError)
    for each in (writer, spec):
        each.close()


def test_abort_at_the_stop_document_fails_the_plan_too(engine, tmp_path, monkeypatch):
    """Nothing of the run is left to be told of it, so the plan is."""

    def close(file, stop):
        raise RuntimeError("a fault at the end")

    monkeypatch.setattr(JsonlFile, "close", close)
    writer = JsonlWriter(tmp_path, on_error="abort", drain_timeout=PATIENCE)
    engine.subscribe(writer)
    with pytest.raises(RecordingError, match="a fault at the end"):
        engine(scan())
    assert engine.state == "idle"
    monkeypatch.undo()
    (uid,) = engine(scan())
    assert uid
    writer.close()


def test_a_failure_does_not_stop_the_scan_unless_that_was_asked_for(gate, engine, tmp_path, caplog):
    gate.fail(OSError(errno.EROFS, "Read-only file system"))
    writer = JsonlWriter(tmp_path, retry_seconds=0, drain_timeout=PATIENCE)
    engine.subscribe(writer)
    (uid,) = engine(scan())
    (failure,) = writer.status().failures
    assert uid[:7] in failure.run
    assert "read-only" in failure.remedy
    assert len(told(caplog, logging.ERROR)) == 1
    writer.close()


def test_ctrl_c_leaves_a_whole_file(engine, tmp_path):
    """Twice, so that the RunEngine pauses at once; then the run is aborted."""
    from bluesky.utils import SigintHandler

    writer = JsonlWriter(tmp_path, file_name="a", drain_timeout=PATIENCE)
    engine.subscribe(writer)
    engine.context_managers = [SigintHandler]

    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        yield from bps.sleep(0.15)  # a second one within a tenth of a second is not heard
        os.kill(os.getpid(), signal.SIGINT)
        yield from bps.sleep(PATIENCE)

    def plan():
        m1 = motor()
        yield from bps.open_run()
        yield from bps.trigger_and_read([gauss(m1)])
        yield from interrupt()

    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    engine.abort()
    found = read_documents(tmp_path / "a.jsonl")
    assert [name for name, _ in found] == ["start", "descriptor", "event", "stop"]
    assert found[-1][1]["exit_status"] == "abort"
    assert writer.status().runs_written == 1
    writer.close()


def test_a_keyboard_interrupt_while_the_stop_is_waited_for_loses_nothing(gate, tmp_path):
    played = documents("count", tmp_path / "x")
    writer = JsonlWriter(tmp_path, file_name="a", drain_timeout=PATIENCE)
    for document in played[:-1]:
        writer(*document)
    assert gate.reached.wait(PATIENCE)
    timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        writer(*played[-1])
    gate.is_open.set()
    writer.close()
    assert len(names(tmp_path / "a.jsonl")) == len(played)


def test_two_engines_in_two_threads_may_share_a_writer(tmp_path):
    writer = JsonlWriter(tmp_path / "data", file_name="{who}/{scan_id}", drain_timeout=PATIENCE)
    played = {who: documents("consecutive_runs", tmp_path / who) * 5 for who in ("a", "b")}
    wrong = []

    def play(who):
        for round_number, start in enumerate(range(0, len(played[who]), len(played[who]) // 5)):
            for name, doc in played[who][start : start + len(played[who]) // 5]:
                writer(name, {**doc, "who": who} if name == "start" else doc)
                if name == "stop" and writer.status().runs_written < round_number:
                    wrong.append(doc)

    threads = [threading.Thread(target=play, args=(who,)) for who in played]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert not wrong
    paths = list((tmp_path / "data").rglob("*.jsonl"))
    assert len(paths) == writer.status().runs_written == 20
    for path in paths:
        found = names(path)
        assert (found[0], found[-1]) == ("start", "stop")
        assert found.count("start") == found.count("stop") == 1


def test_two_engines_that_are_told_of_one_failure_do_not_stumble(tmp_path):
    writer = JsonlWriter(tmp_path, on_error="abort")
    for _ in range(200):
        writer._ledger.unraised.append("a failure")
        raised = []

        def hear(raised=raised):
            with suppress(RecordingError):
                writer.raise_failure()
                return
            raised.append(True)

        threads = [threading.Thread(target=hear) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert raised == [True]
    writer.close()


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
