"""Room on the disk for what HDF5 is going to write, taken before HDF5 knows of it.

HDF5 does not survive a write that the system refuses: the rows of that write are lost without a
word even if the next one succeeds, and closing such a file ends the process. So it must not
happen: blocks are allocated behind the end of the file first, and if there are none, HDF5 is not
called. docs/explanation/decisions/0012 has the measurements.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import h5py

from ..files import Place
from ..files.system import free_bytes, module

__all__ = [
    "BrokenFileError",
    "Room",
    "check_room",
    "divert",
    "is_of_system",
    "system_errors",
    "take_room",
    "telling_of_system",
]


def _of_libc(name: str) -> Callable[..., int] | None:
    try:
        return getattr(ctypes.CDLL(None, use_errno=True), name, None)
    except (OSError, TypeError):  # Windows has none
        return None


_KEEP_SIZE = 1
_STEP = 16 << 20
"""Bytes that are taken at once where there are so many."""
_MARGIN = 1 << 20
"""Bytes for what HDF5 writes beside the data."""
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENODEV)
_ERRNO = re.compile(r"errno = (\d+)")

_resource = module("resource")
_fallocate = _of_libc("fallocate")
if _fallocate is not None:
    _fallocate.argtypes = [  # type: ignore[attr-defined]  # a function of ctypes
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int64,
        ctypes.c_int64,
    ]


P = ParamSpec("P")
R = TypeVar("R")


class BrokenFileError(OSError):
    """The system refused what HDF5 wrote: nothing more can go into that file."""

    is_final = True
    """Trying again would not help."""


class Room:
    """Blocks of a file that HDF5 may write to.

    Parameters
    ----------
    place
        The file.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._until = 0
        self._pending = 0

    def take(self, size: int, end: int, fd: int) -> None:
        """Make sure that so many bytes more can be written.

        Parameters
        ----------
        size
            Bytes that are about to be handed to HDF5.
        end
            Where the file ends for HDF5.
        fd
            The file's descriptor.

        Raises
        ------
        OSError
            There is no room; nothing has been changed.
        """
        pending = self._pending + size
        needed = end + pending + _MARGIN
        if needed > self._until:
            self._until = self._allocated(fd, end, needed)
        self._pending = pending

    def flushed(self) -> None:
        """Note that all that was taken so far is in the file now."""
        self._pending = 0

    def closed(self) -> None:
        """Note that HDF5 has closed the file, and may have let blocks behind its end go."""
        self._until = self._pending = 0

    def give_back(self) -> None:
        """Free what is behind the end of the file, which is closed for good."""
        with suppress(OSError), self._place.open("r+b") as file:
            os.ftruncate(file.fileno(), os.fstat(file.fileno()).st_size)

    def _allocated(self, fd: int, end: int, needed: int) -> int:
        """Allocate blocks up to `needed`, or beyond; return up to where."""
        for until in (needed + _STEP, needed):
            try:
                allocate(fd, end, until - end)
            except OSError as error:
                if until == needed:
                    raise OSError(
                        error.errno, os.strerror(error.errno or 0), str(self._place)
                    ) from None
            else:
                return until
        raise AssertionError("unreachable: the last try returns or raises")


def allocate(fd: int, start: int, length: int) -> None:
    """Allocate blocks of a file without a change of its size.

    Raises
    ------
    OSError
        There are not so many.
    """
    limit = _most_bytes()
    if limit is not None and start + length > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    if _fallocate is not None and not _fallocate(fd, _KEEP_SIZE, start, length):
        return
    number = ctypes.get_errno() if _fallocate is not None else errno.ENOSYS
    if number not in _UNSUPPORTED:
        raise OSError(number, os.strerror(number))
    try:
        is_full = free_bytes(fd) < length
    except OSError:  # nobody knows: HDF5 will tell
        return
    if is_full:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _most_bytes() -> int | None:
    """Return how large this user may make a file, where that is limited."""
    if _resource is None:
        return None
    limit = int(_resource.getrlimit(_resource.RLIMIT_FSIZE)[0])
    return None if limit == _resource.RLIM_INFINITY else limit


def check_room(place: Place, size: int) -> None:
    """Raise an `OSError` unless so many bytes can be written to a file that exists."""
    with place.open("r+b") as file:
        allocate(file.fileno(), 0, size)


def take_room(dataset: h5py.Dataset, size: int) -> None:
    """Make sure that a block can be written to a dataset, and what HDF5 still holds in memory.

    Raises
    ------
    OSError
        There is no room; nothing has been changed.
    """
    file = dataset.file.id
    allocate(file.get_vfd_handle(), file.get_filesize(), size + _STEP)


def divert(fd: int, size: int) -> None:
    """Have all that is written to a descriptor go to nowhere, so that HDF5 can close it."""
    if hasattr(os, "memfd_create"):
        nowhere = os.memfd_create("bluescribe")
    else:
        nowhere = os.dup(tempfile.TemporaryFile().fileno())  # noqa: SIM115  # outlives this
    os.ftruncate(nowhere, size)
    os.dup2(nowhere, fd, inheritable=False)
    os.close(nowhere)


def is_of_system(error: Exception) -> bool:
    """Tell whether the system refused something, be it HDF5 that says so or Python."""
    return isinstance(error, OSError) or _ERRNO.search(str(error)) is not None


@contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Raise what the system refused HDF5 as an `OSError`; after a write that is final."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        words = str(error)
        found = _ERRNO.search(words)
        if found is None:
            raise
        number = int(found[1])
        kind = BrokenFileError if "write failed" in words else OSError
        raise kind(number, os.strerror(number), str(path)) from error


def telling_of_system(method: Callable[Concatenate[Any, P], R]) -> Callable[..., R]:
    """Do as `system_errors` around a method of a file."""

    @wraps(method)
    def wrapped(self: Any, *args: P.args, **kwargs: P.kwargs) -> R:
        with system_errors(self.paths[0] if self.paths else Path()):
            return method(self, *args, **kwargs)

    return wrapped
