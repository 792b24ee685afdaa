"""Temporary folders; one that a kill has left is removed by the next call.

Whoever has one holds its lock, from before anything is in it: what is not locked and holds
something was left. An empty one may just be made.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .system import HAS_FOLDER_FDS, SAFELY, lock_file, user_id

__all__ = ["scratch_folder"]

_YOUNG_SECONDS = 60.0
"""Seconds within which an empty folder may not be locked yet."""
_PAUSE_SECONDS = 0.005


@contextmanager
def scratch_folder(parent: Path, prefix: str = ".recover-") -> Iterator[Path]:
    """Make an empty folder, removed when the block ends; remove those that killed processes left.

    Parameters
    ----------
    parent
        Where.
    prefix
        What its name begins with, and the names of those that are left.

    Raises
    ------
    OSError
        It cannot be made.
    """
    for path in parent.glob(f"{prefix}*") if HAS_FOLDER_FDS else ():
        with suppress(OSError):
            _remove_left(path)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name, ExitStack() as stack:
        if HAS_FOLDER_FDS:
            with suppress(OSError):  # a network's file system, which has no locks
                _lock(_opened(Path(name), stack))
        yield Path(name)


def _lock(fd: int) -> None:
    """Lock a folder that was made just now, once nobody looks any more whether it was left.

    Raises
    ------
    OSError
        The file system has no locks.
    """
    while True:
        try:
            return lock_file(fd)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)


def _remove_left(path: Path) -> None:
    """Remove a folder that no process has locked any more.

    Raises
    ------
    OSError
        A process has it locked, or it belongs to another user.
    """
    with ExitStack() as stack:
        fd = _opened(path, stack)
        lock_file(fd)
        status = os.fstat(fd)
        if status.st_uid != user_id():
            return
        if any(path.iterdir()) or time.time() - status.st_mtime > _YOUNG_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _opened(path: Path, stack: ExitStack) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | SAFELY)
    stack.callback(os.close, fd)
    return fd
