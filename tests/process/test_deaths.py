"""A process that dies costs nothing: another one writes again what was open."""

from __future__ import annotations

import signal
import sys
import threading
import time

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest

from bluescribe import NexusWriter
from bluescribe.recording.process import child as children
from bluescribe.recording.process.connection import Connection
from tests.contract_of_dx import DxContract
from tests.contracts import CONTRACTS
from tests.extent import IS_LONG
from tests.process.children import FORMATS, eventually, processes, strike, writing
from tests.system.faults.instrument import Detector

pytestmark = pytest.mark.usefixtures("processes")
ALL = {**CONTRACTS, "dx": DxContract}


def scan(at=(), points=8, **md):
    """Take points with an image each; do something before some of them, or before the stop."""
    at = dict(at)
    detector = Detector(has_array=True, has_image=True)
    yield from bps.open_run({"plan_name": "count", **md})
    for n in range(points):
        if n in at:
            at[n]()
        yield from bps.trigger_and_read([detector])
    if points in at:
        at[points]()
    yield from bps.close_run()


def check(folder, documents, formats=FORMATS):
    for name in formats:
        contract = ALL[name]()
        contract.check_runs(contract.read_back(folder), documents)


@pytest.mark.parametrize("point", [0, 4, 8] if IS_LONG else [4])
def test_a_process_that_is_killed_in_a_run_costs_nothing(tmp_path, point):
    with writing(tmp_path) as (engine, writers, documents):
        engine(scan())
        engine(scan({point: strike}))
        statuses = writers.status()
        assert not any(status.failures or status.late for status in statuses.values())
        check(tmp_path, documents)
        assert {status.runs_written for status in statuses.values()} == {2}
        assert statuses["nexus"].events_written == 16
        engine(scan())
    check(tmp_path, documents)
    assert not processes()


def test_one_that_is_killed_between_runs_is_replaced_for_the_next(tmp_path):
    with writing(tmp_path) as (engine, writers, documents):
        engine(scan())
        time.sleep(0.5)  # until nothing is asked of them any more
        assert strike(signal.SIGSEGV) == len(FORMATS)
        eventually(lambda: not processes())
        engine(scan())
        assert {status.runs_written for status in writers.status().values()} == {2}
    check(tmp_path, documents)
    assert not list(tmp_path.glob("*.damaged"))


def test_what_was_torn_is_kept_under_another_name(tmp_path):
    with writing(tmp_path, ("nexus",)) as (engine, writers, documents):

        def kill():
            assert writers.flush(60)
            strike()

        engine(scan({4: kill}))
    check(tmp_path, documents, ("nexus",))
    assert [path.name for path in tmp_path.glob("*.damaged")]
    assert not [path for path in tmp_path.iterdir() if "-2." in path.name]


def test_runs_that_overlap_come_all(tmp_path):
    detector = Detector(has_array=True, has_image=False)

    def plan():
        for key in ("a", "b", "c"):
            yield from _opened(key)
            yield from _read(key, detector)
        strike()
        for key in ("a", "b", "c"):
            yield from _read(key, detector)
            yield from _closed(key)

    with writing(tmp_path, ("nexus", "hdf5")) as (engine, _, documents):
        engine(plan())
    check(tmp_path, documents, ("nexus", "hdf5"))


def keyed(key, plan):
    return bpp.set_run_key_wrapper(plan, key)


def _opened(key):
    return keyed(key, bps.open_run({"plan_name": key}))


def _read(key, detector):
    return keyed(key, bps.trigger_and_read([detector]))


def _closed(key):
    return keyed(key, bps.close_run())


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/program"])
def test_where_no_process_can_be_begun_the_session_writes(tmp_path, caplog, monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    with writing(tmp_path) as (engine, writers, documents):
        engine(scan())
        engine(scan())
        assert {status.runs_written for status in writers.status().values()} == {2}
    check(tmp_path, documents)
    words = [r.getMessage() for r in caplog.records if "no process of its own" in r.getMessage()]
    assert len(words) == len(FORMATS)


def test_who_is_late_to_begin_a_process_leaves_the_session_to_its_work(
    tmp_path, caplog, monkeypatch
):
    """A thread begins it before it is needed; on a busy machine that comes after a run has."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    begin, may_begin, has_begun = Connection.begin, threading.Event(), []

    def begin_late(connection):
        may_begin.wait()
        begin(connection)
        has_begun.append(connection)

    monkeypatch.setattr(Connection, "begin", begin_late)
    with writing(tmp_path, ("nexus", "tiff")) as (engine, writers, documents):

        def have_it_begun():
            assert writers.flush()
            may_begin.set()
            eventually(lambda: len(has_begun) == 2)

        engine(scan({4: have_it_begun}))
        assert {status.runs_written for status in writers.status().values()} == {1}
    check(tmp_path, documents, ("nexus", "tiff"))
    assert not [record for record in caplog.records if "fault" in record.getMessage()]


def test_bluescribe_is_upgraded_meanwhile(tmp_path, caplog, monkeypatch):
    """The new one may write other files: the session goes on with what it has."""
    monkeypatch.setattr(children, "__version__", "0.0.1")
    with writing(tmp_path, ("hdf5",)) as (engine, _, documents):
        engine(scan())
    check(tmp_path, documents, ("hdf5",))
    assert "was installed meanwhile, and the session has 0.0.1" in caplog.text


def test_a_writer_that_was_dropped_leaves_no_process(tmp_path):
    with writing(tmp_path, ("jsonl",)) as (engine, _, documents):
        writer = NexusWriter(tmp_path)
        token = engine.subscribe(writer.receiver)
        engine(scan())
        assert len(processes()) == 1
        engine.unsubscribe(token)
        del writer
        eventually(lambda: not processes())
    check(tmp_path, documents, ("nexus",))
