"""A run stays in the folder in which it began, whatever becomes of directories, links and names."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import bluesky.plan_stubs as bps
import pytest

from bluescribe import subscribe_writers
from bluescribe.recording.unfinished_runs import places_of
from bluescribe.testing.shapes.engine import recording
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE, told
from tests.system.faults import instrument

POINTS = 6


@contextmanager
def session(directory, **shared):
    """Write all formats to a directory as iconfig.yml gives it, relative or not."""
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in CONTRACTS}
    shared = {"DIRECTORY": str(directory), "DRAIN_TIMEOUT": PATIENCE, **shared}
    with recording() as (engine, documents):
        writers = subscribe_writers(engine, {"DATA_FILES": shared, **blocks})
        yield engine, writers, documents
        writers.close()


def points(at, call):
    """Take points; call something before one of them, when what came before is on the disk."""
    detector, late = instrument.Detector(has_array=True), instrument.Detector(has_array=True)
    yield from bps.open_run({})
    for n in range(POINTS):
        if n == at:
            call()
        yield from bps.trigger_and_read([detector])
    yield from bps.trigger_and_read([late], name="late")  # a file of its own in some formats
    yield from bps.close_run()


def check(folder, writers, documents):
    for name, contract in CONTRACTS.items():
        contract().check_runs(contract().read_back(folder), documents)
        status = writers.status()[name]
        assert not status.failures, status
        assert status.last_file.is_relative_to(folder), status


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Return a working directory beside another one."""
    (tmp_path / "work").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_a_run_stays_where_it_began_when_the_working_directory_changes(work, tmp_path):
    with session("data") as (engine, writers, documents):

        def cd():
            assert writers.flush(PATIENCE)
            os.chdir(tmp_path / "other")

        engine(points(2, cd))
        check(work / "data", writers, documents)
        before = len(documents)
        engine(points(None, None))  # the next run begins where the session is now
        check(tmp_path / "other" / "data", writers, documents[before:])


def test_the_folder_is_that_of_the_moment_at_which_the_start_document_came(work, tmp_path):
    with session("data") as (engine, writers, documents):
        engine(points(0, lambda: os.chdir(tmp_path / "other")))  # the threads have not seen it yet
        check(work / "data", writers, documents)


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("directory", [".", "data"])
def test_a_working_directory_that_was_removed_is_the_one_that_was_there(work, directory, moment):
    """Not that of another process, which is the root of the file system."""
    if moment == "before":
        work.rmdir()
    with session(directory) as (engine, writers, documents):
        if moment == "after":
            work.rmdir()
        engine(points(None, None))
        assert writers.flush(PATIENCE)
        check(work / directory, writers, documents)


def test_what_was_left_is_looked_for_where_the_session_began(work, tmp_path):
    """The look back takes as long as it takes to write what was left; the session goes on."""
    with session("data") as (_, writers, _):
        os.chdir(tmp_path / "other")
        assert {place.folder for place in places_of(writers, work)} == {work / "data"}


def test_a_link_that_is_pointed_to_the_next_sample(work):
    for sample in ("sample1", "sample2"):
        (work / sample).mkdir()
    (work / "current").symlink_to("sample1")
    with session(work / "current") as (engine, writers, documents):

        def switch():
            assert writers.flush(PATIENCE)
            (work / "current").unlink()
            (work / "current").symlink_to("sample2")

        engine(points(2, switch))
        check(work / "sample1", writers, documents)
        assert not list((work / "sample2").iterdir())
        before = len(documents)
        engine(points(None, None))
        check(work / "sample2", writers, documents[before:])


@pytest.mark.parametrize("successor", [False, True])
def test_a_folder_that_is_renamed_takes_its_run_along(work, successor, caplog):
    folder = work / "data"
    with session(folder) as (engine, writers, documents):

        def rename():
            assert writers.flush(PATIENCE)
            folder.rename(work / "renamed")
            if successor:
                folder.mkdir()

        engine(points(2, rename))
        check(work / "renamed", writers, documents)
        assert any("renamed" in line for line in told(caplog))
        assert not (folder.exists() and list(folder.iterdir()))


def test_a_run_whose_folder_is_removed_is_told_and_begins_again_in_the_successor(work, caplog):
    folder = work / "data"
    with session(folder, RETRY_SECONDS=0.2) as (engine, writers, documents):

        def replace():
            assert writers.flush(PATIENCE)
            shutil.rmtree(folder)
            folder.mkdir()

        engine(points(2, replace))
        for status in writers.status().values():
            assert len(status.late) == 1, status
            assert str(folder) in str(status.late[0])
        assert not list(folder.iterdir()), "half a run was written"
        assert writers.flush(PATIENCE)
        check(folder, writers, documents)


def test_what_status_names_is_absolute(work, tmp_path):
    with session("data") as (engine, writers, _):
        found: dict[str, Path] = {}

        def look():
            assert writers.flush(PATIENCE)
            for name, status in writers.status().items():
                (found[name],) = status.current_files

        engine(points(2, look))
        for name, status in writers.status().items():
            assert status.directory == work / "data", name
        for name, path in found.items():
            assert path.is_relative_to(work / "data"), name
