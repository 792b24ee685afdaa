"""`recover` in a folder in which others make names: it writes through no link, and reads none."""

from __future__ import annotations

import os
import shutil

import pytest

from bluescribe.archive.exporting.manifest import FolderError, Manifest
from bluescribe.delivery.outbox import Outbox
from bluescribe.recording.unfinished_runs import BOOK
from tests.readers import hdf5, nexus
from tests.recovering import recover
from tests.system.killed import ROWS, kill_session
from tests.system.test_planted import PRECIOUS, predictable

FORMATS = ("nexus", "hdf5", "csv", "json", "tiff", "spec", "dx")


@pytest.fixture
def victim(tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text(PRECIOUS)
    yield victim
    assert victim.read_text() == PRECIOUS
    assert victim.stat().st_nlink == 1


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed") / "data"
    kill_session(folder, ("jsonl", *FORMATS))
    return folder


@pytest.fixture(params=["journal", "torn journal", "no journal"])
def folder(request, killed, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "data")
    (journal,) = folder.glob("*.jsonl")
    if request.param == "no journal":
        journal.unlink()
    elif request.param == "torn journal":
        journal.write_bytes(journal.read_bytes() + b'["event", {"torn')
    return folder


def plant(folder, victim):
    """Put a link wherever `recover` could be expected to write."""
    files = list(folder.iterdir())
    for path in files:
        for name in {*predictable(path)}:
            if not os.path.lexists(name):
                name.symlink_to(victim)
    (folder / BOOK).symlink_to(victim)


def test_no_link_is_followed_and_what_stands_there_stays(folder, victim):
    plant(folder, victim)
    links = {path for path in folder.iterdir() if path.is_symlink()}
    report = recover(folder)
    assert links == {path for path in folder.iterdir() if path.is_symlink()}
    assert report.steps
    assert not any(path.is_symlink() for path in folder.glob("*.damaged-2"))


def test_without_links_at_work_all_is_recovered(folder, victim):
    plant(folder, victim)
    for path in folder.glob("*.recovering"):
        path.unlink()
    assert not [str(step) for step in recover(folder).failed]
    for reader, ending in ((nexus, "hdf"), (hdf5, "h5")):
        for path in folder.glob(f"*.{ending}"):
            (run,) = reader.read_folder(folder)
            assert len(run.seq_num["primary"]) == ROWS, path


@pytest.mark.parametrize("name", ["csv", "tiff"])
def test_a_table_or_image_that_is_a_link_is_not_copied(name, killed, tmp_path, victim):
    """A list in a folder of everybody's may name what only the user of `recover` may read."""
    folder = shutil.copytree(killed, tmp_path / "data")
    ending = {"csv": "-primary.csv", "tiff": ".tif"}[name]
    for path in [p for p in folder.iterdir() if not p.name.endswith(".json")]:
        if path.name.endswith(ending):
            path.unlink()
            path.symlink_to(victim)
        elif path.suffix == ".jsonl":
            path.unlink()
    recover(folder)
    texts = [p.read_bytes() for p in folder.iterdir() if p.is_file() and not p.is_symlink()]
    assert not any(PRECIOUS.encode() in text for text in texts)


def test_what_a_kill_left_is_removed_and_nothing_of_others(killed, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "data")
    files = [path for path in folder.iterdir() if path.suffix != ".spool"]
    left = [path.with_name(f".{path.name}.{n:016x}.part") for n, path in enumerate(files)]
    mine = [path.with_name(f"{dot}{path.name}.part") for path in files for dot in ("", ".")]
    for path in (*left, *mine):
        path.write_text(PRECIOUS)
    recover(folder)
    assert [path.name for path in left if path.exists()] == []
    assert all(path.read_text() == PRECIOUS for path in mine)


def test_the_account_of_an_export_is_no_link_and_no_second_name(tmp_path, victim):
    (tmp_path / Manifest.name).symlink_to(victim)
    with pytest.raises(FolderError):
        Manifest(tmp_path)
    (tmp_path / Manifest.name).unlink()
    (tmp_path / Manifest.name).hardlink_to(victim)
    with pytest.raises(FolderError, match="another name"):
        Manifest(tmp_path)
    (tmp_path / Manifest.name).unlink()


def test_the_lock_of_an_outbox_is_no_link(tmp_path, victim):
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / ".lock").symlink_to(victim.with_name("elsewhere"))
    with pytest.raises(OSError, match="symbolic links"):
        Outbox(tmp_path / "outbox").lock()
    assert not victim.with_name("elsewhere").exists()
