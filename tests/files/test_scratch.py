"""Folders for what is written on the way."""

from __future__ import annotations

import os
import time

from bluescribe.files import scratch_folder


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
