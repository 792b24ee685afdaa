"""Who is writing a file: a lock that lives exactly as long as its writer.

The lock is shared and belongs to an open file description (Linux, macOS): it ends with the
process however that ends, it is in nobody's way, and readers that lock, as HDF5 does with flock,
do not meet it.
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
"""What file systems say that have no locks."""

QUIET_SECONDS = 3600.0
"""After this long without a change, a file counts as left where locks cannot tell."""


class Held:
    """An open file, which a forked child lets go of at once: its locks are those of the parent.

    Parameters
    ----------
    fd
        The descriptor; -1 where there is none.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        _HELD.add(self)

    def release(self) -> None:
        """Let go; a second call does nothing. Nothing was written by it that could be lost."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)

    def __enter__(self) -> Self:
        """Return this; leaving the block lets go."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Let go."""
        self.release()

    def __del__(self) -> None:
        """Let go when nothing holds this any more."""
        self.release()


class Hold(Held):
    """Tell other processes that this one writes a file, until `release` or its end.

    Parameters
    ----------
    path
        An existing file. Where the file system has no locks, or the file cannot be opened, nothing
        is held: writing must not fail for it.
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
    """Let go in a forked child, which would hold the files of its parent when that is gone."""
    for held in list(_HELD):
        held.release()


after_fork(_release_all)
