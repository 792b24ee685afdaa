"""A lock on each file that is being written, which lives exactly as long as its writer.

The lock is shared and belongs to an open file description (Linux, macOS): it ends with the
process, however that ends, and it never conflicts with readers that lock, as HDF5 does with flock.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Self

from .system import CLOSED, after_fork, module

__all__ = ["NO_LOCKS", "QUIET_SECONDS", "Held", "Hold", "hold_alone", "is_held"]

_FLOCK = "hhqqi4x"
"""``struct flock`` of 64-bit Linux: type, whence, start, length, process. macOS has another one."""

_fcntl = module("fcntl") if sys.platform == "linux" else None
_GET = getattr(_fcntl, "F_OFD_GETLK", None)
_SET = getattr(_fcntl, "F_OFD_SETLK", None)

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""Errors of file systems that have no locks."""

QUIET_SECONDS = 3600.0
"""Where there are no locks, a file without a change for so long is not being written."""


class Held:
    """An open file, which a forked child closes at once: its locks are the parent's.

    Parameters
    ----------
    fd
        The descriptor; -1 where there is none.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        _HELD.add(self)

    def release(self) -> None:
        """Close and so unlock the file; a second call does nothing. Nothing is written by it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)

    def __enter__(self) -> Self:
        """Return this; leaving the block releases it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Release it."""
        self.release()

    def __del__(self) -> None:
        """Release it when nothing refers to this any more."""
        self.release()


class Hold(Held):
    """Lock a file as being written by this process, until `release` or the end of the process.

    Parameters
    ----------
    path
        An existing file. Where the file system has no locks, or the file cannot be opened, nothing
        is locked: writing must not fail for that.
    """

    def __init__(self, path: os.PathLike[str]) -> None:
        super().__init__(-1)
        try:
            self._fd = os.open(path, os.O_RDONLY | CLOSED)
            if _fcntl is not None and _SET is not None:
                _fcntl.fcntl(self._fd, _SET, _lock(_fcntl.F_RDLCK))
        except OSError:
            pass


def is_held(path: Path) -> bool:
    """Return whether a process writes a file, this one included.

    Where the file system has no locks, a file that was changed within the last hour is held.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | CLOSED)
    try:
        if _fcntl is not None and _GET is not None:
            answer = _fcntl.fcntl(fd, _GET, _lock(_fcntl.F_WRLCK))
            return bool(struct.unpack(_FLOCK, answer)[0] != _fcntl.F_UNLCK)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    finally:
        os.close(fd)
    return time.time() - path.stat().st_mtime < QUIET_SECONDS


def hold_alone(fd: int) -> bool:
    """Lock a file that nobody else may hold, for as long as it is open.

    Returns
    -------
    bool
        False where the system has no such locks.

    Raises
    ------
    BlockingIOError
        Another process holds it.
    OSError
        The file system has no locks.
    """
    if _fcntl is None or _SET is None:
        return False
    _fcntl.fcntl(fd, _SET, _lock(_fcntl.F_WRLCK))
    return True


def _lock(kind: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)


_HELD: weakref.WeakSet[Held] = weakref.WeakSet()


def _release_all() -> None:
    """Release all in a forked child, which would keep its parent's locks when that is gone."""
    for held in list(_HELD):
        held.release()


after_fork(_release_all)
