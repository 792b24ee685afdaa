"""Folders for what is written on the way."""

from __future__ import annotations

import os
import threading
import time

from bluescribe.files import scratch, scratch_folder
from bluescribe.files.system import lock_file


def old(path):
    then = time.time() - 120
    os.utime(path, (then, then))


def test_what_a_kill_left_goes_with_the_next_one(tmp_path):
    left = tmp_path / ".recover-left"
    (left / "0").mkdir(parents=True)
    (left / "0" / "mine.dat").write_text("#F mine.dat\n")
    old(left)
    with scratch_folder(tmp_path) as folder:
        assert not left.exists()
        assert list(tmp_path.iterdir()) == [folder]
    assert not list(tmp_path.iterdir())


def test_one_that_somebody_has_and_a_link_stay(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (tmp_path / ".recover-link").symlink_to(elsewhere)
    with scratch_folder(tmp_path) as folder:
        old(folder)
        with scratch_folder(tmp_path):
            assert folder.exists()
    assert (elsewhere / "precious").exists()


def test_what_holds_something_goes_at_once_and_what_may_just_be_made_stays(tmp_path):
    left, new = tmp_path / ".recover-left", tmp_path / ".recover-new"
    for path in (left, new):
        path.mkdir()
    (left / "mine.dat").touch()
    with scratch_folder(tmp_path):
        assert not left.exists()
        assert new.exists()


def test_one_that_is_looked_at_as_it_is_made_is_locked_all_the_same(tmp_path, monkeypatch):
    """Another process has it locked for a moment, to see whether it was left."""
    made = threading.Event()

    def look():
        while not (found := list(tmp_path.iterdir())):
            time.sleep(0)
        fd = os.open(found[0], os.O_RDONLY)
        lock_file(fd)
        made.set()
        time.sleep(0.1)
        os.close(fd)

    true_lock = scratch._lock

    def lock(fd):
        assert made.wait(10)
        true_lock(fd)

    monkeypatch.setattr(scratch, "_lock", lock)
    thread = threading.Thread(target=look)
    thread.start()
    with scratch_folder(tmp_path) as folder:
        (folder / "mine.dat").touch()
        monkeypatch.undo()
        with scratch_folder(tmp_path):
            assert folder.exists()
    thread.join()
