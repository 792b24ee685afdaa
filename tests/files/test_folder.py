"""A folder stays the one that it was; files are made in it, through no link, and replaced whole."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from bluescribe.files import (
    Folder,
    MovedFolderError,
    Place,
    part_beside,
    part_of,
    parts_of,
    replacing,
)
from tests.core.scanning import told
from tests.core.test_textfile import is_open
from tests.system.faults.disks import small_disk


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return Folder(tmp_path / "data")


def test_a_folder_is_absolute_and_without_links(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "current").symlink_to("data")
    monkeypatch.chdir(tmp_path)
    folder = Folder(Path("current"))
    monkeypatch.chdir("/")
    assert folder.path == folder.found() == tmp_path / "data"


def test_files_follow_a_folder_that_is_renamed_and_nobody_writes_into_its_successor(
    folder, tmp_path, caplog
):
    place = Place(folder, "x.txt")
    place.create()
    (tmp_path / "data").rename(tmp_path / "sample1")
    (tmp_path / "data").mkdir()
    with place.open("r+b") as file:
        file.write(b"1")
    assert Path(place) == place.path == tmp_path / "sample1" / "x.txt"
    assert (tmp_path / "sample1" / "x.txt").read_bytes() == b"1"
    assert not list((tmp_path / "data").iterdir())
    assert len(told(caplog)) == 1
    assert os.fspath(place), "found again"
    assert len(told(caplog)) == 1


def test_a_folder_that_is_gone_is_not_made_anew(folder, tmp_path):
    place = Place(folder, "x.txt")
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").mkdir()
    with pytest.raises(MovedFolderError, match="another folder than when the run began"):
        os.fspath(place)
    with pytest.raises(FileNotFoundError):
        place.create()
    assert not list((tmp_path / "data").iterdir())


def test_a_mount_over_a_folder_is_another_folder(tmp_path):
    (tmp_path / "disk").mkdir()
    folder = Folder(tmp_path / "disk")
    with small_disk(tmp_path / "disk"), pytest.raises(MovedFolderError):
        folder.found()


@pytest.mark.parametrize("target", ["victim", "nothing"])
def test_no_link_is_followed(folder, tmp_path, target):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    place = Place(folder, "x")
    place.path.symlink_to(tmp_path / target)
    for act in (lambda: place.open("r+b"), lambda: place.open("xb"), place.create):
        with pytest.raises(OSError, match=str(place.path)):
            act()
    with pytest.raises(OSError, match="a link stands"):
        os.fspath(place)
    with replacing(place) as new:
        new.write(b"ours")
    assert place.path.read_bytes() == b"ours"
    assert not place.path.is_symlink()
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nothing").exists()


def test_errors_name_the_whole_path(folder):
    for act in (Place.open, Place.remove, Place.size):
        with pytest.raises(FileNotFoundError, match=str(folder.path / "none")):
            act(Place(folder, "none"))


def test_what_is_written_anew_is_there_whole_or_not_at_all(folder):
    place = Place(folder, "x")
    place.path.write_text("old")
    with pytest.raises(TypeError), replacing(place) as new:
        new.writelines([b"half", None])  # type: ignore[list-item]  # it fails
    assert place.path.read_text() == "old"
    with part_of(place) as part:
        (left,) = parts_of(place.path)
        assert left == part.path
        assert left.name.startswith(".x.")
    assert place.path.read_bytes() == b""
    with part_beside(place):
        pass
    assert [path.name for path in folder.path.iterdir()] == ["x"]


def test_parts_are_known_by_their_names_and_nothing_else_is(folder):
    place = Place(folder, "run.json")
    others = [".run.json.part", "run.json.part", ".run.json.01.part", ".a.0123456789abcdef.part"]
    for name in others:
        (folder.path / name).touch()
    (folder.path / ".run.json.00112233445566aa.part").symlink_to("x")
    part = place.new_part()
    assert parts_of(place.path) == [part.path]


@pytest.mark.parametrize("length", [1, 200, 250])
def test_a_long_name_has_a_part_too(folder, length):
    with replacing(Place(folder, "ü" * (length // 2) + "a" * (length % 2))) as new:
        new.write(b"1")
    (path,) = folder.path.iterdir()
    assert path.read_bytes() == b"1"


def test_a_quota_that_is_told_at_the_closing_leaves_no_empty_file(folder, monkeypatch):
    close = os.close

    def refusing(fd):
        close(fd)
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "close", refusing)
    with pytest.raises(OSError, match="quota"):
        Place(folder, "x").create()
    monkeypatch.undo()
    assert not list(folder.path.iterdir())


def test_a_folder_is_let_go_of(tmp_path):
    place = Place.at(tmp_path / "x")
    assert is_open(tmp_path)
    del place
    assert not is_open(tmp_path)
