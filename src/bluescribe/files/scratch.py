"""A folder for what is written on the way: a kill leaves it, and whoever comes next removes it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["scratch_folder"]

_PREFIX = ".recover-"
_YOUNG_SECONDS = 60.0
"""A folder may have been made just now, and not be locked yet."""


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Make an empty folder, which goes when the block ends; so do those that others have left.

    Raises
    ------
    OSError
        It cannot be made.
    """
    for path in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _remove_left(path)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent) as name:
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with suppress(OSError):  # a network's file system, which has no locks
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(name)
        finally:
            os.close(fd)


def _remove_left(path: Path) -> None:
    """Remove a folder of ours that nobody has locked any more.

    Raises
    ------
    OSError
        Somebody has, or it is none of ours.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(fd)
        if status.st_uid == os.geteuid() and time.time() - status.st_mtime > _YOUNG_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(fd)
