"""The folder of one spool, which its session holds locked as long as it lives.

The lock ends with the process, however that ends. So a later session on the same host can tell the
spool of a dead session from that of a living one.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import secrets
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from .. import __version__
from ..files.system import HAS_FOLDER_FDS, SAFELY, lock_file, read_at, user_id
from ..files.write_lock import QUIET_SECONDS, Held, hold_alone, is_held
from .home import is_own_folder, refusal

__all__ = ["SESSION", "SpoolFolder", "has_left_folders", "left_folders"]

logger = logging.getLogger(__name__)

SESSION = "session"
"""The file in a spool's folder that says which session made it; that session has it locked."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAME = re.compile(r"\.?(?P<host>.+)-\d+-[0-9a-f]{8}")
_LONGEST_HOST = 64
_MOST_BYTES = 1 << 16


class SpoolFolder(Held):
    """The folder of one spool, locked: no other process writes there meanwhile.

    `made` and `taken` return one. A forked child releases its copy; the parent's stays locked.

    Parameters
    ----------
    path
        The folder, not locked yet.
    """

    def __init__(self, path: Path) -> None:
        self._folder = -1
        super().__init__(-1)
        self.path = path
        """Absolute."""

    @classmethod
    def made(cls, home: Path) -> Self:
        """Make the folder of a new spool.

        Its name begins with a dot until its session is written and locked, so that nobody takes it
        for the spool of a dead session.

        Parameters
        ----------
        home
            What `spool_home` returned.

        Raises
        ------
        OSError
            It cannot be made, or the file system has no locks. Nothing is left behind.
        """
        name = f"{_host_in_names()}-{os.getpid()}-{secrets.token_hex(4)}"
        made = cls(home / f".{name}")
        try:
            made.path.mkdir(0o700)
        except OSError as error:
            raise refusal(error, home) from error
        try:
            made._lock()
            os.write(made._fd, _this_session())
            made.path = made.path.rename(home / name)
        except OSError as error:
            made.release()
            shutil.rmtree(made.path, ignore_errors=True)
            raise refusal(error, home) from error
        return made

    @classmethod
    def taken(cls, path: Path) -> Self | None:
        """Take over the folder that a dead session of this host and this user left.

        Returns None if a living session has or makes it, if it is another host's or user's, a link,
        gone, or cannot be opened: the next session looks again.
        """
        if not _may_be_left(path):
            return None
        taken = cls(path.absolute())
        try:
            taken._lock()
            if taken._is_there() and _host_of(taken._fd) in (socket.gethostname(), None):
                return taken
        except OSError as error:
            logger.debug("%s is not taken over: %s", path, error)
        taken.release()
        return None

    def remove(self) -> None:
        """Remove the spool's files, and the folder if nothing else is in it; then unlock it."""
        if self._fd < 0:  # another session may have it by now, or we are its forked child
            return
        try:
            for name in self._files():
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._folder)
            if not self._files():
                os.unlink(SESSION, dir_fd=self._folder)
            self.path.rmdir()
        except OSError as error:
            logger.debug("%s is left: %s", self.path, error)
        finally:
            self.release()

    def release(self) -> None:
        """Unlock the folder and leave its files; a second call does nothing."""
        super().release()
        folder, self._folder = self._folder, -1
        if folder >= 0:
            with suppress(OSError):
                os.close(folder)

    def _lock(self) -> None:
        """Open the folder and lock it; ``session`` is made where it is missing."""
        self._folder = _open(self.path, os.O_RDONLY)
        _lock_folder(self._folder)
        self._fd = _open(SESSION, os.O_RDWR | os.O_CREAT, self._folder)
        _lock_session(self._fd)

    def _files(self) -> list[str]:
        """Return the names of the files in the folder, except `SESSION`."""
        with os.scandir(self._folder) as found:
            return [entry.name for entry in found if entry.name != SESSION]

    def _is_there(self) -> bool:
        """Return whether the locked file is still in the folder: its session removes it."""
        there = os.stat(SESSION, dir_fd=self._folder, follow_symlinks=False)
        return os.path.samestat(os.fstat(self._fd), there)


def left_folders(home: Path) -> list[Path]:
    """Return the folders that may be spools of this host, oldest first, living sessions' included.

    Raises
    ------
    OSError
        The folder cannot be read.
    """
    return sorted(filter(_may_be_left, home.iterdir()), key=lambda path: (_begun(path), path.name))


def has_left_folders(home: Path) -> bool:
    """Return whether some folder may be one that a dead session of this host left."""
    with suppress(OSError):
        return not all(map(_is_in_use, left_folders(home)))
    return False


def _is_in_use(path: Path) -> bool:
    try:
        return is_held(path / SESSION)
    except OSError:
        return False


def _may_be_left(path: Path) -> bool:
    """Return whether a path has a name like a spool of this host, and is this user's folder.

    One whose making was not finished counts when it is old: until then its session may go on.
    """
    found = _NAME.fullmatch(path.name)
    if found is None or found["host"] != _host_in_names():
        return False
    try:
        status = path.lstat()
    except OSError:
        return False
    is_being_made = path.name.startswith(".") and time.time() - status.st_mtime < QUIET_SECONDS
    return is_own_folder(status) and not is_being_made


def _begun(path: Path) -> float:
    """Return when a spool was made: its session file is written once, its folder changes later."""
    for found in (path / SESSION, path):
        with suppress(OSError):
            return found.lstat().st_mtime
    return 0.0


def _open(path: str | Path, flags: int, folder: int | None = None) -> int:
    """Open a file or a folder of this user, not through a link."""
    if not HAS_FOLDER_FDS:
        raise OSError(errno.ENOTSUP, "this system cannot hold folders open")
    if folder is None:
        flags |= os.O_DIRECTORY
    fd = os.open(path, flags | SAFELY, 0o600, dir_fd=folder)
    if os.fstat(fd).st_uid != user_id():
        os.close(fd)
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
    return fd


def _lock_folder(fd: int) -> None:
    """Lock a folder, where that is possible: systemd-tmpfiles, which clears /var/tmp, heeds it.

    The lock also shows that a session lives, if its file was removed.
    """
    try:
        lock_file(fd)
    except BlockingIOError:
        raise
    except OSError:  # a network's file system; the file has the lock that counts
        pass


def _lock_session(fd: int) -> None:
    """Lock a file for as long as it is open.

    Raises
    ------
    BlockingIOError
        Another process has locked it.
    OSError
        The file system has no locks.
    """
    if not hold_alone(fd):
        lock_file(fd)


def _this_session() -> bytes:
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        boot = ""
    told = {
        "host": socket.gethostname(),
        "boot": boot,
        "pid": os.getpid(),
        "version": __version__,
        "time": time.time(),
    }
    return json.dumps(told).encode() + b"\n"


def _host_of(session: int) -> str | None:
    """Return the host of a session; None if the session died before it wrote that."""
    try:
        return str(json.loads(read_at(session, _MOST_BYTES, 0))["host"])
    except (ValueError, LookupError, TypeError):
        return None


def _host_in_names() -> str:
    """Return this host's name as part of a folder's name, without a dot at its beginning."""
    clean = re.sub(r"[^A-Za-z0-9._-]", "_", socket.gethostname())
    return re.sub(r"^\.|^$", "_", clean[:_LONGEST_HOST])
