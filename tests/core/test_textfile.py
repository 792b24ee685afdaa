"""A text file that grows: a disk that refuses doubles nothing and tears nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bluescribe.files import Place
from bluescribe.files.textfile import TextFile

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"was here\n")
    return path


@pytest.fixture
def disk(monkeypatch):
    """Return a list of what the disk does at each write: bytes that it takes, or an error."""
    script: list[int | OSError] = []
    pwrite = os.pwrite

    def scripted(fd, block, offset):
        step = script.pop(0) if script else len(block)
        if isinstance(step, OSError):
            raise step
        return pwrite(fd, block[:step], offset)

    monkeypatch.setattr(os, "pwrite", scripted)
    return script


def test_blocks_are_appended_to_what_is_there(path):
    file = TextFile(Place.at(path))
    file.put(b"one\n")
    assert path.read_bytes() == b"was here\n"
    file.flush()
    assert path.read_bytes() == b"was here\none\n"
    file.put(b"two\n")
    assert len(file) == len(b"was here\none\ntwo\n")
    file.close()
    file.close()
    assert path.read_bytes() == b"was here\none\ntwo\n"


def test_a_lot_is_written_at_once(path):
    file = TextFile(Place.at(path))
    file.put(b"x" * 2**20)
    assert len(path.read_bytes()) == 9 + 2**20
    file.close()


def test_large_blocks_are_written_whole_wherever_a_write_stops(path, disk):
    blocks = [bytes([65 + n]) * (20_000 + n) for n in range(3)]
    file = TextFile(Place.at(path))
    for block in blocks:
        file.put(block)
    disk += [5, 19_995, 30]
    file.close()
    assert path.read_bytes() == b"was here\n" + b"".join(blocks)


def test_a_short_write_goes_on_where_it_stopped(path, disk):
    file = TextFile(Place.at(path))
    file.put(b"one\ntwo\n")
    disk += [3, 1]
    file.flush()
    assert path.read_bytes() == b"was here\none\ntwo\n"
    file.close()


@pytest.mark.parametrize("method", ["flush", "close"])
def test_a_block_that_was_refused_half_way_is_written_again_at_its_place(path, disk, method):
    file = TextFile(Place.at(path))
    file.put(b"one\n")
    file.put(b"two\n")
    disk += [5, FULL, FULL]
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            getattr(file, method)()
    assert len(file) == len(b"was here\none\ntwo\n")
    file.put(b"three\n")
    getattr(file, method)()
    assert path.read_bytes() == b"was here\none\ntwo\nthree\n"
    file.close()


def test_a_large_block_that_is_refused_waits_for_the_flush_to_tell(path, disk):
    file = TextFile(Place.at(path))
    disk += [FULL, FULL]
    file.put(b"x" * 2**20)
    with pytest.raises(OSError, match="No space"):
        file.flush()
    file.close()
    assert len(path.read_bytes()) == 9 + 2**20


def test_abandoning_leaves_no_half_block(path, disk):
    file = TextFile(Place.at(path))
    file.put(b"one\n")
    file.flush()
    file.put(b"two\n")
    disk += [2, FULL, 1, FULL]
    with pytest.raises(OSError, match="No space"):
        file.flush()
    file.abandon()
    file.abandon()
    assert path.read_bytes() == b"was here\none\n"


def test_abandoning_writes_what_waits_if_the_disk_takes_it(path):
    file = TextFile(Place.at(path))
    file.put(b"one\n")
    file.abandon()
    assert path.read_bytes() == b"was here\none\n"
    file.close()


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError):
        TextFile(Place.at(tmp_path / "none"))


def is_open(path):
    return path in [fd.resolve() for fd in Path("/proc/self/fd").iterdir()]


def test_no_file_is_left_open(path):
    for end in (TextFile.close, TextFile.abandon):
        file = TextFile(Place.at(path))
        assert is_open(path)
        end(file)
        assert not is_open(path)
