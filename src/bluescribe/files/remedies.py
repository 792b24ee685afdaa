"""Remedies for errors of the system, and whether a retry may succeed."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["errno_of", "may_pass", "never_passes", "remedy"]

_REMEDIES = {
    errno.ENOSPC: "free space on that disk",
    errno.EDQUOT: "free space within the quota",
    errno.EACCES: "make that folder writable for this user, or set another DIRECTORY",
    errno.EPERM: "make that folder writable for this user, or set another DIRECTORY",
    errno.EROFS: "that file system is read-only: set another DIRECTORY or remount it",
    errno.ENOENT: "bring the folder or its mount back, or set another DIRECTORY",
    errno.ENOTDIR: "a file stands where a folder is needed: set another DIRECTORY",
    errno.EEXIST: "a file stands where a folder is needed: set another DIRECTORY",
    errno.EMFILE: "too many open files: close some, or raise the limit (ulimit -n)",
    errno.EIO: "the disk or its server reports an error: check the mount",
    errno.ENAMETOOLONG: "shorten FILE_NAME, or DIRECTORY",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EHOSTDOWN: "start that server again, or look at its address; what waits is sent then",
    errno.ESTALE: "the file server lost the folder: remount it",
}

_NEVER_PASS = (errno.ENAMETOOLONG, errno.EBADF)

_ERRNO = re.compile(r"errno = (\d+)")


def errno_of(error: BaseException | None) -> int | None:
    """Return the errno of an error; HDF5 has it in the text of its errors only."""
    if not isinstance(error, OSError):
        return None
    found = _ERRNO.search(str(error))
    return error.errno or (int(found[1]) if found else None)


def remedy(error: BaseException, paths: Sequence[Path]) -> str:
    """Return what the owner of a file can do about the error that ended it."""
    number = errno_of(error)
    if number in _REMEDIES:
        return _REMEDIES[number]
    kept = f"; {paths[0]} holds the run up to there" if paths else ""
    return f"please report this with the traceback in the log{kept}"


def never_passes(error: OSError) -> bool:
    """Return whether the system will always refuse: a name is too long, say."""
    return error.errno in _NEVER_PASS


def may_pass(error: OSError) -> bool:
    """Return whether the system refused, but a later retry may succeed.

    A server that comes back, a folder that is made again, a mount that is made writable: all of
    these pass. A name that is too long stays so, and a file that HDF5 could not write is broken.
    HDF5's own errors are OSErrors too, without a number, and stay.
    """
    if getattr(error, "is_final", False) or error.errno == errno.ELOOP or never_passes(error):
        return False
    return error.errno is not None or "errno" in str(error)
