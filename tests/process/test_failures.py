"""What disks refuse to a process is told, and tried again, as if the session had written."""

from __future__ import annotations

import logging
import shutil

import pytest

from bluescribe.errors import RecordingError
from tests.process.children import FORMATS, eventually, writing
from tests.process.test_deaths import check, scan

pytestmark = pytest.mark.usefixtures("processes")


def take_away(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("the mount is away")


def bring_back(folder):
    folder.unlink()
    folder.mkdir()


def test_a_folder_that_was_away_has_all_when_it_is_back(tmp_path, caplog):
    """Each format is told of, and status() names what is late."""
    folder = tmp_path / "data"
    formats = ("nexus", "hdf5", "jsonl")
    with writing(folder, formats, RETRY_SECONDS=0.2) as (engine, writers, documents):
        take_away(folder)
        engine(scan())
        eventually(lambda: all(len(status.late) == 1 for status in writers.status().values()))
        words = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
        assert all(any(name in each for each in words) for name in formats), words
        bring_back(folder)
        assert writers.flush(60)
        assert not any(status.late for status in writers.status().values())
        engine(scan())
    check(folder, documents, formats)


def test_abort_is_raised_in_the_engine(tmp_path):
    folder = tmp_path / "data"
    with writing(folder, ("nexus",), RETRY_SECONDS=0.1, DRAIN_TIMEOUT=10, ON_ERROR="abort") as (
        engine,
        writers,
        _,
    ):
        take_away(folder)
        with pytest.raises(RecordingError, match="nexus"):
            engine(scan(points=200))
        bring_back(folder)
        assert writers.flush(60)


@pytest.mark.ci
def test_runs_that_lag_are_read_in_the_log(tmp_path):
    """More than is in memory, which the process reads segment by segment."""
    from bluescribe.spool import window as windows

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "MOST_KEPT_BYTES", 20_000)
        with writing(tmp_path, FORMATS, SPOOL_LIMIT="100 MB") as (engine, writers, documents):
            for _ in range(3):
                engine(scan(points=100))
            assert writers.flush(60)
            assert not any(status.backlog for status in writers.status().values())
    check(tmp_path, documents)
