"""A value that the system refuses when its dataset is let go: h5py raises it nowhere."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from bluescribe.files import Folder, Place
from bluescribe.hdf5 import unheard
from bluescribe.hdf5.file import LiveFile
from bluescribe.hdf5.finished.changed_copy import changed, changed_copy
from bluescribe.hdf5.preallocate import BrokenFileError
from bluescribe.recording.process import serving


def put_a_value_on_a_full_disk(file: h5py.File) -> None:
    dataset = file.create_dataset("stop", data=b"x" * 100)
    fd = file.id.get_vfd_handle()
    kept, full = os.dup(fd), os.open("/dev/full", os.O_RDWR)
    os.dup2(full, fd)
    del dataset
    os.dup2(kept, fd)


def lose_a_value(folder: Path, hook: Callable[[Any], object] = unheard._hear) -> int:
    """Have a full disk when a dataset goes; return the number of the error that is raised."""
    sys.unraisablehook = hook  # pytest has one of its own
    place = Place(Folder(folder), "a.h5")
    place.create()
    file = LiveFile(place, is_live=False)
    file.flush()
    put_a_value_on_a_full_disk(file.h5)
    try:
        file.close()
    except BrokenFileError as error:
        file.abandon()
        return error.errno or 0
    return 0


def test_a_value_that_is_lost_when_its_dataset_goes_is_told_of(tmp_path):
    """In a process of its own: HDF5 does not survive the end of one that has such a file."""
    child = os.fork()
    if not child:
        os._exit(lose_a_value(tmp_path))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == errno.ENOSPC


def lose_a_value_in_a_change(place: Place, change: Callable[[Place], Any]) -> int:
    """Have a full disk in the midst of a change; return the number of the error that is raised."""
    sys.unraisablehook = unheard._hear
    try:
        with change(place) as file:
            put_a_value_on_a_full_disk(file)
    except BrokenFileError as error:
        return error.errno or 0
    return 0


@pytest.mark.parametrize("change", [changed, changed_copy])
def test_a_value_that_is_lost_in_a_change_is_told_of(tmp_path, change):
    """Master files, files that are mended or recovered, and those that images are copied into."""
    place = Place(Folder(tmp_path), "a.h5")
    h5py.File(tmp_path / place.name, "w").close()
    before = (tmp_path / place.name).read_bytes()
    child = os.fork()
    if not child:
        os._exit(lose_a_value_in_a_change(place, change))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == errno.ENOSPC
    if change is changed_copy:
        assert (tmp_path / place.name).read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_a_process_of_its_own_ends_there(tmp_path):
    """HDF5 would go on with what it has of other files, and crash: another process begins anew."""
    child = os.fork()
    if not child:
        lose_a_value(tmp_path, serving._end_where_hdf5_is_broken)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == serving._FAULT
