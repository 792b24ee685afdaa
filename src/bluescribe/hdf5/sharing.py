"""Other handles of a file in this process: HDF5 makes one file of all of them.

A reader in the process that writes, such as a live plot, shares the writer's file in memory. If the
writer closes and opens it again in another mode while the reader holds on, HDF5 ends the process
when the reader lets go. So the reader is closed first: its next read is an error, not a crash.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py
from h5py import h5f

__all__ = ["close_readers"]

logger = logging.getLogger(__name__)


def close_readers(file: h5py.File) -> None:
    """Close all other handles that this process has of a file; tell of them in the log."""
    readers = list(_others(file))
    for reader in readers:
        with suppress(Exception):
            h5py.File(reader).close()
    if readers:
        logger.info(
            "%s was closed for %d readers in this process while it is restructured; open it again",
            Path(file.filename).name,
            len(readers),
        )


def _others(file: h5py.File) -> Iterator[h5f.FileID]:
    own = _inode(file.id)
    for found in h5f.get_obj_ids(h5f.OBJ_ALL, h5f.OBJ_FILE):
        if found.id != file.id.id and own is not None and _inode(found) == own:
            yield found


def _inode(file: h5f.FileID) -> tuple[int, int] | None:
    """Return what tells a file from all others; None of one that is in memory only."""
    with suppress(Exception):
        status = os.fstat(file.get_vfd_handle())
        return status.st_dev, status.st_ino
    return None
