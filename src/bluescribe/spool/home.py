"""Where spools are: a folder that is this user's alone, on a local disk."""

from __future__ import annotations

import errno
import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from ..files.mounts import MOUNTINFO, file_system
from ..files.system import user_id
from ..files.working_directory import working_directory

__all__ = [
    "is_local",
    "is_own_folder",
    "known_homes",
    "possible_homes",
    "refusal",
    "spool_home",
]

logger = logging.getLogger(__name__)

_SHARED = Path("/var/tmp")
_OWN = "bluescribe-spool"
_REMEDY = "Remedy: set SPOOL in DATA_FILES to a folder of your own on a local disk"
# fmt: off
_NETWORK = {
    "9p", "acfs", "afs", "auristorfs", "autofs", "beegfs", "ceph", "cifs", "coda", "cvfs", "dvs",
    "fuse", "gfs2", "glusterfs", "gpfs", "hgfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2",
    "orangefs", "panfs", "prl_fs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "wekafs",
}
# fmt: on
"""Types of file systems that other computers may write, too.

9p, virtiofs, hgfs, prl_fs and vboxsf are folders that a virtual machine shares with its host and
other guests. ``fuse`` and ``fuse.NAME`` do not say what serves them; ``fuseblk`` is a disk.
"""


def spool_home(chosen: Path | None) -> Path:
    """Return the folder for the spools of this user; make it where it is missing.

    It is a directory and no link, belongs to this user, and nobody else can look into it. The mode
    of a folder that was there is never changed. If the chosen folder is open to others, a folder
    inside it is used.

    Parameters
    ----------
    chosen
        ``SPOOL`` of ``DATA_FILES``. None: ``bluescribe/spool`` in ``$XDG_STATE_HOME``; where that
        is on a network or cannot be made, ``/var/tmp/bluescribe-UID``.

    Raises
    ------
    OSError
        No folder will do. It says where, why, and what to do.
    """
    if chosen is not None:
        folder = working_directory() / chosen
        return _private(folder / _OWN if _is_open(folder) else folder)
    first = _state_folder()
    if first is not None and is_local(first):
        try:
            return _private(first)
        except OSError as error:
            logger.info("%s; another folder is taken", error)
    return _private(_SHARED / f"bluescribe-{user_id()}")


def known_homes(chosen: Path | None) -> list[Path]:
    """Return the folders in which spools of this user may have been left.

    Parameters
    ----------
    chosen
        ``SPOOL``; an earlier session may have had none.
    """
    found = []
    for folder in possible_homes(chosen):
        with suppress(OSError):
            if is_own_folder(folder.lstat()):
                found.append(folder)
    return found


def possible_homes(chosen: Path | None) -> list[Path]:
    """Return the folders in which spools of this user may stand, whether they are there or not.

    Parameters
    ----------
    chosen
        ``SPOOL``, or None.
    """
    candidates = [_state_folder(), _SHARED / f"bluescribe-{user_id()}"]
    if chosen is not None:
        folder = working_directory() / chosen
        candidates += [folder, folder / _OWN]
    return [folder for folder in candidates if folder is not None]


def is_local(path: Path, mountinfo: Path = MOUNTINFO) -> bool:
    """Return whether a folder, which may not exist yet, is on a local disk.

    Parameters
    ----------
    path
        Links in it are followed.
    mountinfo
        Linux' list of what is mounted (proc_pid_mountinfo(5)). Without it, every path is local.
    """
    kind = file_system(path, mountinfo)
    return kind not in _NETWORK and not kind.startswith("fuse.")


def is_own_folder(status: os.stat_result) -> bool:
    """Return whether a status is that of a directory of this user, and of no link."""
    return stat.S_ISDIR(status.st_mode) and status.st_uid == user_id()


def refusal(error: OSError, folder: Path) -> OSError:
    """Return an error of the same kind that says where no spool can be, and what to do."""
    words = f"no spool can stand here: {error.strerror}. {_REMEDY}"
    return OSError(error.errno, words, str(folder))


def _state_folder() -> Path | None:
    """Return the default folder, if this user has a home."""
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        try:
            state = Path("~/.local/state").expanduser()
        except RuntimeError:
            return None
    return state / "bluescribe" / "spool" if state.is_absolute() else None


def _is_open(folder: Path) -> bool:
    """Return whether a folder exists, belongs to this user, and is open to others."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return is_own_folder(status) and bool(status.st_mode & 0o077)


def _private(folder: Path) -> Path:
    """Return a folder that is this user's alone, made where it is missing; raise if it is not."""
    try:
        _make(folder)
        _check(folder, folder.lstat())
    except OSError as error:
        raise refusal(error, folder) from error
    return folder


def _make(folder: Path) -> None:
    """Make a folder and those above it, for this user alone whatever the umask."""
    with suppress(FileExistsError):
        try:
            folder.mkdir(0o700)
        except FileNotFoundError:
            _make(folder.parent)
            folder.mkdir(0o700)


def _check(folder: Path, status: os.stat_result) -> None:
    """Raise an error that says what is wrong with a folder, if something is."""
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "it is a link")
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is no folder")
    if status.st_uid != user_id():
        words = f"it belongs to user {status.st_uid}, and this is user {user_id()}"
        raise PermissionError(errno.EPERM, words)
    if mode & 0o077:
        raise PermissionError(errno.EPERM, f"its mode is {mode:04o}: it is open to others")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "it cannot be written")
