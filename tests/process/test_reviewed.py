"""What may be wrong around a process: in the session, on its disk, and in those who are told."""

from __future__ import annotations

import logging
import socket
import sys
import time
from pathlib import Path

import pytest

from bluescribe import NexusWriter
from bluescribe.contract.report import RunReport
from bluescribe.spool import keeping
from bluescribe.spool.problems import BrokenSpoolError
from tests.process.children import eventually, processes, strike, writing
from tests.process.test_deaths import check, scan

pytestmark = pytest.mark.usefixtures("processes")
ONE = ("nexus",)


def test_a_folder_that_is_away_when_the_process_is_replaced(tmp_path):
    """The torn file cannot be put aside: the run stays late until it can."""
    folder, elsewhere = tmp_path / "data", tmp_path / "away"
    with writing(folder, ONE, DRAIN_TIMEOUT=3) as (engine, writers, documents):
        engine(scan())

        def take_away() -> None:
            assert writers.flush(60)
            folder.rename(elsewhere)
            strike()

        engine(scan({4: take_away}))
        eventually(lambda: writers.status()["nexus"].late)
        assert not writers.flush(1)
        elsewhere.rename(folder)
        eventually(lambda: writers.flush(60))
        assert not writers.status()["nexus"].failures
    check(folder, documents, ONE)


def test_what_people_put_into_the_path_of_modules(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, Path("/somewhere"), ""])
    with writing(tmp_path, ONE) as (engine, _, documents):
        engine(scan())
        assert processes()
    check(tmp_path, documents, ONE)


def test_sockets_that_do_not_wait_by_default(tmp_path):
    socket.setdefaulttimeout(0.2)
    try:
        with writing(tmp_path, ONE) as (engine, _, documents):
            engine(scan())
            before = processes()
            time.sleep(0.5)
            engine(scan())
            assert processes() == before
    finally:
        socket.setdefaulttimeout(None)
    check(tmp_path, documents, ONE)
    assert not list(tmp_path.glob("*.damaged"))


class Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("bluescribe"):
            raise ValueError("a handler of somebody else")


def test_a_handler_of_the_log_that_raises(tmp_path):
    logger, handler = logging.getLogger(), Raising()
    logger.addHandler(handler)
    try:
        with writing(tmp_path, ONE, FILE_NAME="{no_such_key}") as (engine, writers, documents):
            engine(scan())
            engine(scan())
            assert writers.flush(30)
    finally:
        logger.removeHandler(handler)
    check(tmp_path, documents, ONE)


def test_those_who_are_told_may_exit_or_close(tmp_path):
    with writing(tmp_path, ("jsonl",)) as (engine, _, documents):
        exits, closes = NexusWriter(tmp_path / "a"), NexusWriter(tmp_path / "b")
        exits.on_complete(lambda _: sys.exit())
        closes.on_complete(lambda _: closes.close())
        engine.subscribe(exits.receiver)
        engine.subscribe(closes.receiver)
        began = time.monotonic()
        engine(scan())
        exits.close()
        assert time.monotonic() - began < 20
        eventually(lambda: not processes())
    for folder in (tmp_path / "a", tmp_path / "b"):
        check(folder, documents, ONE)


def test_a_spool_that_cannot_be_read_when_a_run_is_to_be_written_again(tmp_path, monkeypatch):
    """What the process that died had written is kept, and the run is told of."""

    def broken(*_):
        yield "start", {"uid": "x"}, ""
        raise BrokenSpoolError("the spool is damaged")

    with writing(tmp_path, ONE, DRAIN_TIMEOUT=20) as (engine, writers, documents):
        reports: list[RunReport] = []
        writers.nexus.on_complete(reports.append)

        def kill() -> None:
            assert writers.flush(60)
            monkeypatch.setattr(keeping, "_read", broken)
            strike()

        engine(scan({4: kill}))
        eventually(lambda: reports)
        (failure,) = writers.status()["nexus"].failures
        assert "the spool is damaged" in failure.cause
        assert "NAME.damaged" in failure.remedy
        monkeypatch.undo()
        before = len(documents)
    assert list(tmp_path.glob("*.damaged"))
    assert before


def test_a_writer_that_is_dropped_or_closed_at_once_holds_nobody_up(tmp_path):
    began = time.monotonic()
    dropped, closed = NexusWriter(tmp_path), NexusWriter(tmp_path)
    for writer in (dropped, closed):
        writer.begin_early()
    closed.close()
    del dropped, writer
    assert time.monotonic() - began < 2
    eventually(lambda: not processes())


def test_a_writer_that_replays_has_no_process(tmp_path):
    with writing(tmp_path / "live", ("jsonl",)) as (engine, _, documents):
        engine(scan())
    with NexusWriter(tmp_path) as writer:
        writer.begin_early()
        eventually(processes)
        writer.replay()
        eventually(lambda: not processes())
        for document in documents:
            writer(*document)
    check(tmp_path, documents, ONE)
