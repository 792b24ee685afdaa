"""What several formats meet of one cause is told once, and what became of the run in each."""

from __future__ import annotations

import logging
import resource
import time
from contextlib import contextmanager
from functools import partial

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from ophyd.sim import det

from bluescribe import subscribe_writers
from bluescribe.formats import load_format
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.publishing import Publisher
from bluescribe.spool import Spool, SpoolSettings
from bluescribe.testing import documents
from bluescribe.testing.shapes.engine import recording
from tests.core.scanning import PATIENCE, scan, told

TEXTS = ("csv", "jsonl", "spec")


def blocks(*formats, **keys):
    return {f"{name.upper()}_DATA_FILES": {"ENABLE": True, **keys} for name in formats}


@contextmanager
def no_file_grows_over(size):
    """Have the system refuse all that is longer, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_formats_that_have_no_file_are_told_once_with_where_the_run_is_whole(tmp_path, caplog):
    blocker = tmp_path / "file"
    lost = blocks("csv", "hdf5", "json", "nexus", "tiff", DIRECTORY=str(blocker / "x"))
    shared = {"DIRECTORY": str(tmp_path / "good"), "RETRY_SECONDS": 0}
    iconfig = {"DATA_FILES": shared, **lost, **blocks("jsonl", "spec")}
    with recording() as (engine, _), subscribe_writers(engine, iconfig) as writers:
        blocker.write_text("")
        engine(scan())
        (word,) = told(caplog)  # before RE(...) returns
        whole = {name: writers.status()[name].last_file for name in ("jsonl", "spec")}
        late = [f for status in writers.status().values() for f in status.late]
    names, _, rest = word.partition(": run ")
    assert sorted(names.split(", ")) == ["csv", "hdf5", "json", "nexus", "tiff"]
    assert "is NOT WRITTEN so far in " in rest
    assert "It is safe in the spool" in rest
    assert "INCOMPLETE" not in rest
    assert str(blocker) in rest
    assert "Remedy: a file stands where a folder is needed" in rest
    for name, path in whole.items():
        assert f"{name} ({path})" in rest
    assert len(late) == 5
    assert all("is not written at all: " in str(failure) for failure in late)


@pytest.mark.parametrize("retry", [0, 0.5])
def test_a_disk_that_is_full_is_told_once_for_all_formats(tmp_path, caplog, retry):
    iconfig = {"DATA_FILES": {"DIRECTORY": str(tmp_path), "RETRY_SECONDS": retry}}

    def plan():
        yield from bps.open_run()
        yield from bps.repeat(partial(bps.trigger_and_read, [det]), 20)
        writers.flush()
        with no_file_grows_over(1):
            yield from bps.repeat(partial(bps.trigger_and_read, [det]), 20)
            writers.flush()
            yield from bps.close_run()

    with recording() as (engine, _), subscribe_writers(engine, iconfig | blocks(*TEXTS)) as writers:
        engine(plan())
        files = [status.failures[0].path for status in writers.status().values()]
    trying = [word for word in told(caplog) if "Trying again" in word]
    lost = told(caplog, logging.ERROR)
    assert len(trying) == (retry > 0)
    (word,) = lost
    assert all(name in word.partition(": run ")[0].split(", ") for name in TEXTS)
    assert all(str(path) in word for path in files)
    assert "is INCOMPLETE in " in word
    assert "File too large. Remedy: raise the limit" in word
    assert "complete in NO OTHER FORMAT" in word


def test_a_fault_of_ours_is_told_with_its_traceback_and_where_the_run_is(
    tmp_path, caplog, monkeypatch
):
    def fail(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(JsonlFile, "add_descriptor", fail)
    iconfig = {"DATA_FILES": {"DIRECTORY": str(tmp_path)}, **blocks("csv", "jsonl")}
    with recording() as (engine, _), subscribe_writers(engine, iconfig):
        engine(scan())
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert "jsonl: run " in record.getMessage()
    assert "So far the run is complete in csv (" in record.getMessage()
    assert record.exc_info


def test_late_formats_are_told_once(tmp_path, caplog, monkeypatch):
    """The documents of each wait while the disk is slow."""
    for name in ("csv", "jsonl"):
        kind = load_format(name).file_class
        monkeypatch.setattr(kind, "close", _slowly(kind.close, time.sleep))
    shared = {"DIRECTORY": str(tmp_path), "DRAIN_TIMEOUT": 0.1}
    with (
        recording() as (engine, _),
        subscribe_writers(engine, {"DATA_FILES": shared, **blocks("csv", "jsonl")}),
    ):
        engine(bpp.run_wrapper(bps.trigger_and_read([det])))
    (word,) = [word for word in told(caplog) if "not all is on disk" in word]
    assert word.startswith("csv, jsonl: ")


def _slowly(close, sleep):
    def slowly(file, stop):
        sleep(1)
        close(file, stop)

    return slowly


@pytest.mark.parametrize(
    ("value", "is_told"), [("/data/2026-3/GUP-7", True), ("Fe/Ni", True), ("GUP-7", False)]
)
def test_a_value_that_is_a_path_and_becomes_one_name_is_told_once(tmp_path, caplog, value, is_told):
    iconfig = {"DATA_FILES": {"DIRECTORY": str(tmp_path / "{data_dir}")}}
    with recording() as (engine, _), subscribe_writers(engine, iconfig | blocks(*TEXTS)):
        for _ in range(2):
            engine(scan(), data_dir=value)
    words = [word for word in told(caplog) if "never makes folders" in word]
    assert len(words) == is_told
    (folder,) = tmp_path.iterdir()
    assert "/" not in folder.name
    if is_told:
        assert f"data_dir = {value!r}" in words[0]
        assert f"called {folder.name!r}" in words[0]
        assert "Remedy: put the folders into DIRECTORY" in words[0]


def test_a_publisher_whose_broker_is_away_tells_of_no_file(tmp_path, caplog):
    pytest.importorskip("redis")
    publisher = Publisher(to="redis://localhost:1", retry_seconds=0)
    publisher.follow(Spool(SpoolSettings(spool=tmp_path / "spool")))
    with publisher:
        for name, doc in documents("count", tmp_path):
            publisher(name, doc)
        assert not publisher.flush(PATIENCE)
    words, _ = told(caplog)  # the other one tells where the spool is
    assert "is NOT SENT so far: Redis" in words
    assert "is sent as soon as that can be done" in words
    assert "file" not in words
