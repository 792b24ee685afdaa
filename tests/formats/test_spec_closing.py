"""What file servers and quotas tell when a SPEC file is closed is a failure, told and counted."""

from __future__ import annotations

import errno
import os

import pytest

from bluescribe import SpecWriter
from bluescribe.testing import documents
from tests.core.scanning import told
from tests.formats.test_spec_session import numbers, only, play, renamed
from tests.readers import spec
from tests.spoolless import spoolless


@pytest.fixture
def closing(tmp_path, monkeypatch):
    """Let close(2) fail for files of the data folder while the list that is returned is empty."""
    works = [True]
    close = os.close

    def refuse(fd):
        path = os.path.realpath(f"/proc/self/fd/{fd}")
        close(fd)
        if not works and path.startswith(f"{tmp_path}/data/"):
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "close", refuse)
    return works


@pytest.fixture
def runs(tmp_path):
    source = documents("mca", tmp_path / "source")
    return [renamed(source, i, i) for i in (1, 2, 3)]


def test_a_file_that_could_not_be_made_leaves_nothing_behind(runs, closing, tmp_path):
    writer = spoolless(SpecWriter(tmp_path / "data", retry_seconds=0))
    closing.clear()
    for run in runs:
        play(writer, run)
    writer.close()
    status = writer.status()
    assert len(status.failures) == 3
    assert status.runs_written == 0
    assert not list((tmp_path / "data").iterdir())


def test_a_scan_that_may_not_be_there_is_told_and_the_next_one_follows(
    runs, closing, tmp_path, caplog
):
    first, second, third = runs
    writer = spoolless(SpecWriter(tmp_path / "data", retry_seconds=0))
    play(writer, first)
    closing.clear()
    play(writer, second)
    (failure,) = writer.status().failures
    assert "may not be there" in failure.cause
    assert any("scan 2" in line and "INCOMPLETE" in line for line in told(caplog))
    path = only(tmp_path / "data")
    os.truncate(path, path.stat().st_size - 300)  # it was not
    closing.append(True)
    play(writer, third)
    closing.clear()
    writer.close()
    assert writer.status().runs_written == 2
    assert numbers(path) == ["1", "2", "3"]
    assert path.read_text().count("\n#F ") == 1, "a header for what comes after the failure"
    spec.check_silx(path)


def test_a_writer_is_closed_without_an_error_and_all_that_was_closed_before_is_there(
    runs, closing, tmp_path
):
    writer = SpecWriter(tmp_path / "data")
    for run in runs:
        play(writer, run)
    closing.clear()
    writer.close()
    assert not writer.status().failures
    assert numbers(only(tmp_path / "data")) == ["1", "2", "3"]


def test_a_scan_that_is_written_twice_is_told(runs, closing, tmp_path, caplog):
    first, second, third = runs
    writer = SpecWriter(tmp_path / "data", retry_seconds=0)
    play(writer, first)
    writer.flush(5)
    closing.clear()
    play(writer, second)
    writer.flush(5)
    assert writer.status().late
    closing.append(True)
    play(writer, third)  # before the second one is tried again
    writer.close()
    assert not writer.status().failures
    (path,) = (p for p in (tmp_path / "data").iterdir())
    found = [scan.MD["uid"] for scan in spec.scans(path)]
    assert {*found} == {run[0][1]["uid"] for run in runs}
    again = [line for line in told(caplog) if "comes again, whole" in line]
    assert len(again) == len(found) - 3 == 1
    assert "scan 2 may not be whole" in again[0]
