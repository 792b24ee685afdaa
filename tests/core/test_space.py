"""Little room on the disk is told of once a run, with how long it will last."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from bluescribe import CsvWriter, JsonlWriter
from bluescribe.errors import ConfigError
from bluescribe.files.space import SpaceWatch, parse_size, size_text
from bluescribe.testing import documents
from tests.core.scanning import told


@pytest.fixture
def disk(monkeypatch):
    """A disk whose free bytes a test sets."""
    disk = SimpleNamespace(free=5 * 10**9, time=0.0)
    monkeypatch.setattr(
        "bluescribe.files.system.os.statvfs",
        lambda _: SimpleNamespace(f_bavail=disk.free // 1000, f_frsize=1000),
    )
    return disk


def watch(disk, low=10**9):
    return SpaceWatch("csv", low, clock=lambda: disk.time)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1 GB", 10**9), ("500MB", 5 * 10**8), ("1.5 tb", 15 * 10**11), ("7", 7), ("2 k", 2000)],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size
    assert CsvWriter(low_space=text).settings.low_space == size


def test_what_is_no_size_is_refused():
    with pytest.raises(ConfigError, match=r"low_space = 'much'.*500 MB"):
        CsvWriter(low_space="much")
    with pytest.raises(ConfigError, match="low_space"):
        CsvWriter(low_space=-1)


@pytest.mark.parametrize(("size", "text"), [(2.5e9, "2.5 GB"), (3e6, "3.0 MB"), (900, "1 kB")])
def test_sizes_are_told_as_people_read_them(size, text):
    assert size_text(size) == text


def test_one_warning_a_run_says_how_long_it_lasts(disk, tmp_path, caplog):
    space = watch(disk)
    disk.free = 10**9 + 10**8
    space.begin(tmp_path)
    for _ in range(5):
        disk.time += 10
        disk.free -= 10**8
        space.look("space-a", tmp_path)
    (message,) = told(caplog)
    assert "900.0 MB are left" in message
    assert "LOW_SPACE (1.0 GB)" in message
    assert "10.0 MB/s, they last for about 90 seconds" in message
    space.begin(tmp_path)
    disk.time += 10
    space.look("space-b", tmp_path)
    assert len(told(caplog)) == 2
    assert "not become less" in told(caplog)[1]


def test_it_is_looked_at_every_few_seconds_and_at_the_end(disk, tmp_path, caplog):
    space = watch(disk)
    space.begin(tmp_path)
    disk.free = 10**6
    disk.time += 1
    space.look("space-c", tmp_path)
    assert not told(caplog)
    space.look("space-c", tmp_path, is_over=True)
    assert len(told(caplog)) == 1


def test_several_writers_tell_once(disk, tmp_path, caplog):
    disk.free = 10**6
    played = documents("scan", tmp_path / "shapes")
    caplog.clear()
    with CsvWriter(tmp_path / "data") as csv, JsonlWriter(tmp_path / "data") as jsonl:
        for document in played:
            csv(*document)
            jsonl(*document)
    assert len([m for m in told(caplog) if "LOW_SPACE" in m]) == 1


def test_it_can_be_switched_off_and_a_lost_disk_is_no_fault(disk, tmp_path, caplog):
    disk.free = 0
    caplog.set_level(logging.DEBUG)
    for space, folder in ((watch(disk, low=0), tmp_path), (watch(disk), tmp_path / "none")):
        space.begin(folder)
        space.look("space-d", folder, is_over=True)
        space.look("space-e", None, is_over=True)
    assert not told(caplog)
