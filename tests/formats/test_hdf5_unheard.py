"""A value that the system refuses when its dataset is let go: h5py raises it nowhere."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bluescribe.files import Folder, Place
from bluescribe.hdf5 import unheard
from bluescribe.hdf5.file import LiveFile
from bluescribe.hdf5.room import BrokenFileError
from bluescribe.recording.process import serving


def lose_a_value(folder: Path, hook: Callable[[Any], object] = unheard._hear) -> int:
    """Have a full disk when a dataset goes; return the number of the error that is raised."""
    sys.unraisablehook = hook  # pytest has one of its own
    place = Place(Folder(folder), "a.h5")
    place.create()
    file = LiveFile(place, is_live=False)
    file.flush()
    dataset = file.h5.create_dataset("stop", data=b"x" * 100)
    fd = file.h5.id.get_vfd_handle()
    kept, full = os.dup(fd), os.open("/dev/full", os.O_RDWR)
    os.dup2(full, fd)
    del dataset
    os.dup2(kept, fd)
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


def test_a_process_of_its_own_ends_there(tmp_path):
    """HDF5 would go on with what it has of other files, and crash: another process begins anew."""
    child = os.fork()
    if not child:
        lose_a_value(tmp_path, serving._end_where_hdf5_is_broken)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == serving._FAULT
