"""Failures, interrupts and threads between a RunEngine and the disk."""

from __future__ import annotations

import errno
import logging
import os
import signal
import threading
from contextlib import suppress

import bluesky.plan_stubs as bps
import pytest
from bluesky.utils import RunEngineInterrupted

from bluescribe import JsonlWriter, SpecWriter
from bluescribe.contract.report import Failure
from bluescribe.errors import BluescribeError, RecordingError
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.testing import documents
from bluescribe.testing.shapes.devices import gauss, motor
from tests.core.scanning import PATIENCE, WHOLE, names, scan, told
from tests.readers.jsonl import read_documents


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
        RecordingError, match=r"jsonl: .* is incomplete in .*: RuntimeError: a fault"
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
    (failure,) = writer.status().late
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
        """Press Ctrl-C until it is heard: within a tenth of a second a second one is not."""
        for _ in range(9):
            os.kill(os.getpid(), signal.SIGINT)
            yield from bps.sleep(0.5)

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
        writer._account.fail(Failure(0.0, "run", None, "a cause", "a remedy"))
        raised: list[bool] = []

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
