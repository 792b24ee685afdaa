"""CSV while the run goes on, after it was cut off, and on a disk that refuses."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import threading
from itertools import product
from pathlib import Path

import frictionless
import pandas as pd
import pytest

from bluescribe.formats.csv import CsvFile, CsvSettings, CsvWriter
from bluescribe.model.run import Run
from bluescribe.retry_policy import RetryPolicy
from bluescribe.testing import documents
from tests import warm
from tests.formats.csv_tables import Package, as_pages, check, read_table, received
from tests.formats.test_csv_cells import run_of
from tests.spoolless import spoolless

GROWING = run_of(
    {"x": 1.5, "a": [1], "t": 'x,"\r\ny'},
    {"x": 2.5, "a": [1, 2], "t": "b", "late": 7},
    {"x": None, "a": [1, 2, 3, 4], "t": "", "later": "text"},
    {"x": "five", "a": [], "t": "d", "late": 8, "later": None},
    declared={"x": {}, "a": {"dtype": "array", "shape": [1]}, "t": {"dtype": "string"}},
)


def test_rows_are_there_in_the_middle_of_a_run(tmp_path):
    with CsvWriter(tmp_path) as writer:
        for sent, (name, doc) in enumerate(GROWING[:-1], -1):
            writer(name, doc)
            writer.flush()
            if name == "event":
                (package,) = map(Package, tmp_path.glob("*.json"))
                assert package.content["state"] == "recording"
                check(
                    package, {"primary": received(GROWING[: sent + 2])[doc["uid"][:36]]["primary"]}
                )
                assert frictionless.validate(str(package.path)).valid


def test_pages_that_bring_columns_one_after_the_other(tmp_path):
    """No page is on disk when the next one makes the table be written anew."""
    with CsvWriter(tmp_path) as writer:
        for name, doc in as_pages(GROWING):
            writer(name, doc)
    (package,) = map(Package, tmp_path.glob("*.datapackage.json"))
    check(package, received(GROWING)[package.content["id"]])
    assert frictionless.validate(str(package.path)).valid


def test_a_table_has_its_header_before_anything_is_synced(tmp_path):
    file = CsvFile(CsvSettings.validated("csv", {"directory": tmp_path}))
    run = Run(GROWING[0][1])
    file.open(run)
    file.add_descriptor(*run.add_descriptor(GROWING[1][1]))
    _, table = file.paths
    assert read_table(table) == (["seq_num", "time", "x", "t"], [])
    file.close(None)


def test_a_copy_of_a_run_that_was_cut_off_can_be_used(tmp_path):
    """What is on disk after each document is what a killed process leaves behind."""
    with CsvWriter(tmp_path / "live") as writer:
        for i, (name, doc) in enumerate(GROWING):
            writer(name, doc)
            writer.flush()
            shutil.copytree(tmp_path / "live", tmp_path / str(i))
    for i in range(len(GROWING)):
        (package,) = map(Package, (tmp_path / str(i)).glob("*.datapackage.json"))
        assert frictionless.validate(str(package.path)).valid
        check(package, received(GROWING[: i + 1])[package.content["id"]])


@pytest.mark.ci
def test_after_kill_9_what_was_flushed_is_there(tmp_path):
    child = """
import os, signal, sys
from bluescribe.formats.csv import CsvFile, CsvSettings, CsvWriter
from bluescribe.model.run import Run
from bluescribe.testing import documents
from tests.formats.test_csv_live import GROWING
writer = CsvWriter(sys.argv[1])
for name, doc in GROWING[:5]:
    writer(name, doc)
writer.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    done = warm.run(
        [sys.executable, "-c", child, str(tmp_path)], env=environment, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    (package,) = map(Package, tmp_path.glob("*.datapackage.json"))
    check(package, received(GROWING[:5])[package.content["id"]])
    assert frictionless.validate(str(package.path)).valid


def test_a_reader_finds_a_whole_table_at_any_instant(tmp_path):
    """Columns are added all the time, while another thread reads without a pause."""
    rows = [{f"c{j}": i + j for j in range(1 + i // 4)} for i in range(200)]
    faults, over, read = [], threading.Event(), set()

    def look():
        while not over.is_set():
            for path in tmp_path.glob("*-primary.csv"):
                try:
                    frame = pd.read_csv(path)
                    read.add(frame.shape[1])
                    assert frame["seq_num"].tolist() == list(range(1, len(frame) + 1))
                except pd.errors.EmptyDataError:  # between its creation and its first line
                    assert not read
                except Exception as error:
                    faults.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        with CsvWriter(tmp_path) as writer:
            for name, doc in run_of(*rows):
                writer(name, doc)
                writer.flush()
    finally:
        over.set()
        reader.join()
    assert not faults
    assert len(read) > 5


class RefusingDisk:
    """Make every n-th call of a system function fail, half of the work done."""

    def __init__(self, monkeypatch, name, every):
        self.calls = self.refusals = 0
        self._real, self._every = getattr(os, name), every
        monkeypatch.setattr(os, name, self)

    def __call__(self, *args, **folders):
        self.calls += 1
        if self.calls % self._every:
            return self._real(*args, **folders)
        self.refusals += 1
        if self._real.__name__ == "pwrite":
            fd, data, offset = args
            self._real(fd, data[: len(data) // 2], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def _impatient(monkeypatch):
    monkeypatch.setattr("bluescribe.retry_policy.FOR_FILES", RetryPolicy(0.001, 0.001))


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("function", "every"),
    # a table is written anew with five openings: of every second one, one would always fail
    [("open", 7), ("open", 11), *product(["pwrite", "rename", "fsync"], [2, 3])],
)
def test_what_the_disk_refused_is_written_once_it_accepts(function, every, tmp_path, monkeypatch):
    with CsvWriter(tmp_path) as writer:
        disk = RefusingDisk(monkeypatch, function, every)
        for name, doc in GROWING:
            writer(name, doc)
            writer.flush()
        writer.close()
    monkeypatch.undo()
    assert not writer.status().failures, str(writer.status())
    assert disk.refusals
    (package,) = map(Package, tmp_path.glob("*.datapackage.json"))
    check(package, received(GROWING)[package.content["id"]])
    assert frictionless.validate(str(package.path)).valid
    assert {path.name for path in tmp_path.iterdir()} == {
        package.path.name, *(resource["path"] for resource in package.content["resources"]),
    }  # fmt: skip


def test_a_run_that_is_given_up_leaves_whole_rows_and_says_so(tmp_path, monkeypatch):
    real = os.pwrite
    is_full = threading.Event()

    def pwrite(fd, data, offset):
        if is_full.is_set():
            real(fd, data[:10], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with spoolless(CsvWriter(tmp_path, retry_seconds=0)) as writer:
        for name, doc in GROWING[:4]:
            writer(name, doc)
        writer.flush()
        is_full.set()
        for name, doc in GROWING[4:]:
            writer(name, doc)
        assert len(writer.status().failures) == 1
        is_full.clear()
        played = documents("count", tmp_path)
        for name, doc in played:  # the next run is written
            writer(name, doc)
    broken, whole = map(Package, sorted(tmp_path.glob("*.datapackage.json")))
    assert broken.content["state"] == "incomplete"
    assert [row[0] for row in read_table(next(tmp_path.glob("*0f3b4c5-primary.csv")))[1]] == [1, 2]
    assert frictionless.validate(str(broken.path)).valid
    check(whole, received(played)[whole.content["id"]])


def test_nothing_can_be_written_at_all(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with spoolless(CsvWriter(tmp_path / "file" / "deeper", retry_seconds=0)) as writer:
        for name, doc in GROWING:
            writer(name, doc)
        (failure,) = writer.status().failures
        assert failure.path is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
