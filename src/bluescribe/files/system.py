"""System calls that some systems lack, each with what is done there instead.

Linux has all of them, macOS most; Windows has no `fcntl`, no numeric users, and opens no folders.
Without locks, other processes are not kept out; the rest is done in another way.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = [
    "CLOSED",
    "HAS_FOLDER_FDS",
    "SAFELY",
    "UNBLOCKED",
    "after_fork",
    "change_mode",
    "change_owner",
    "free_bytes",
    "keep_memory",
    "lock_file",
    "module",
    "read_at",
    "refuse_link",
    "unlock_file",
    "user_id",
    "write_at",
    "write_parts",
]


def module(name: str) -> ModuleType | None:
    """Return a module of the standard library; None where the system has none."""
    try:
        return import_module(name)
    except ImportError:
        return None


def _flags(*names: str) -> int:
    found = 0
    for name in names:
        found |= getattr(os, name, 0)
    return found


CLOSED = _flags("O_CLOEXEC", "O_NOINHERIT")
"""For `os.open`: not for a child process."""

SAFELY = CLOSED | _flags("O_NOFOLLOW", "O_BINARY")
"""For `os.open`: not through a link, not for a child process, bytes as they are."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_OF_HEAP = 32 << 20
"""Bytes of the largest piece that glibc takes from what stays; a larger one goes back at once."""

UNBLOCKED = _flags("O_NONBLOCK")
"""For `os.open`: do not wait for somebody at the other end of a pipe."""

HAS_FOLDER_FDS = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")
"""Whether folders can be held open, and names be looked up in them."""

_fcntl = module("fcntl")
_position = threading.Lock()


def refuse_link(path: Path) -> None:
    """Raise an `OSError` if a path is a link, on systems that cannot open without following it."""
    if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def lock_file(fd: int) -> None:
    """Lock a file for as long as it is open, against others that do the same.

    Raises
    ------
    BlockingIOError
        Another process has locked it.
    OSError
        The file system, or the whole system, has no such locks (``ENOLCK``).
    """
    if _fcntl is None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    _fcntl.flock(fd, _fcntl.LOCK_EX | _fcntl.LOCK_NB)


def unlock_file(fd: int) -> None:
    """Let others lock a file that `lock_file` has locked."""
    if _fcntl is not None:
        _fcntl.flock(fd, _fcntl.LOCK_UN)


def after_fork(release: Callable[[], object]) -> None:
    """Register a function to be called in each child that this process forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=release)


def user_id() -> int:
    """Return the id of this user; 0, that of the owner of all files, where users have no ids."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def change_mode(fd: int, mode: int) -> None:
    """Give an open file a mode, where files have modes."""
    if hasattr(os, "fchmod"):
        os.fchmod(fd, mode)


def change_owner(fd: int, user: int, group: int) -> None:
    """Give an open file an owner and a group (-1: as it is), where files have them."""
    if hasattr(os, "fchown"):
        os.fchown(fd, user, group)


def free_bytes(place: Path | int) -> int:
    """Return the bytes that this user may still write to the disk of a path, or of an open file.

    Raises
    ------
    OSError
        The system does not say.
    """
    if hasattr(os, "statvfs"):
        disk = os.statvfs(place)
        return disk.f_bavail * disk.f_frsize
    if os.name == "nt" and isinstance(place, Path):
        return shutil.disk_usage(place).free
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def read_at(fd: int, size: int, start: int) -> bytes:
    """Read bytes from a place in a file."""
    if hasattr(os, "pread"):
        return os.pread(fd, size, start)
    with _position:
        os.lseek(fd, start, os.SEEK_SET)
        return os.read(fd, size)


def write_at(fd: int, data: Any, start: int) -> int:
    """Write bytes to a place in a file; return how many were taken."""
    if hasattr(os, "pwrite"):
        return os.pwrite(fd, data, start)
    with _position:
        os.lseek(fd, start, os.SEEK_SET)
        return os.write(fd, data)


def write_parts(fd: int, parts: Sequence[memoryview]) -> int:
    """Write buffers at the current position; return how many bytes were taken."""
    if hasattr(os, "writev"):
        return os.writev(fd, parts)
    return os.write(fd, parts[0])


def keep_memory(size: int) -> None:
    """Have this process keep free memory for what it needs next, where its C library can do that.

    Parameters
    ----------
    size
        Bytes at the most.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # of glibc alone
        return
    mallopt(_MMAP_THRESHOLD, _LARGEST_OF_HEAP)
    mallopt(_TRIM_THRESHOLD, size)
