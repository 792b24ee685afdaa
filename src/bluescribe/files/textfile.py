"""A text file that only grows, and whose last block can be written again after a failure."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from . import Place
from .system import write_at
from .write_lock import Hold

__all__ = ["TextFile", "UnsureFileError"]

_LARGEST_BUFFER = 1 << 20
_LARGE_BLOCK = 1 << 14
"""Mean size from which writing each block is faster than joining them first."""


class UnsureFileError(OSError):
    """Closing a file failed: data that the system had accepted may not be on the disk.

    Quotas and file servers do so. How much is missing is not known.
    """

    is_final = True
    """A retry would not help: the data are not in memory any more."""

    def __init__(self, error: OSError, place: Place) -> None:
        words = f"{error.strerror} when it was closed: what was written last may not be there"
        super().__init__(error.errno, words, str(place))


class TextFile:
    """Append blocks of bytes to a file, each at a known place.

    A block that the disk refused half-way is written again at the same place by the next `flush`:
    nothing is written twice, nothing is torn.

    Parameters
    ----------
    place
        An existing file; what it holds stays.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._fd = place.folder.open(place.name, os.O_RDWR)
        self._hold = Hold(place)
        self._size = os.fstat(self._fd).st_size
        self._waiting: list[bytes] = []
        self._bytes_waiting = 0

    def __len__(self) -> int:
        """Return the bytes in the file, those that wait for `flush` included."""
        return self._size + self._bytes_waiting

    def put(self, block: bytes) -> None:
        """Add bytes for the next `flush`; when a megabyte waits, it is written at once."""
        self._waiting.append(block)
        self._bytes_waiting += len(block)
        if self._bytes_waiting >= _LARGEST_BUFFER:
            with suppress(OSError):  # the next flush tells
                self.flush()

    def flush(self) -> None:
        """Write the blocks that wait; after an `OSError` they still wait.

        Raises
        ------
        OSError
            The disk refused.
        """
        if not self._waiting:
            return
        self._check_that_it_is_there()
        is_many = self._bytes_waiting < _LARGE_BLOCK * len(self._waiting)
        blocks = [b"".join(self._waiting)] if is_many else self._waiting
        start = self._size
        for block in blocks:
            _write_at(self._fd, block, start)
            start += len(block)
        self._size = start
        self._waiting = []
        self._bytes_waiting = 0

    def close(self) -> None:
        """Write the blocks that wait, and close; a second call does nothing.

        Raises
        ------
        UnsureFileError
            The system accepted all, but closing failed: some may be missing.
        OSError
            The disk refused; the file is still open and `close` can be called again.
        """
        if self._fd >= 0:
            self.flush()
            self._check_that_it_is_there()
            fd, self._fd = self._fd, -1
            try:
                os.close(fd)
            except OSError as error:
                raise UnsureFileError(error, self.place) from None
            finally:
                self._hold.release()

    def _check_that_it_is_there(self) -> None:
        """Raise an `OSError` if the file was removed or its folder is gone; it may be renamed."""
        if not os.fstat(self._fd).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "the file was removed", str(self.place))
        self.place.folder.found()

    def abandon(self) -> None:
        """Close after a failure: write the blocks that wait, or else cut off half a block."""
        if self._fd >= 0:
            with suppress(OSError):
                self.flush()
            fd, self._fd = self._fd, -1
            with suppress(OSError):
                os.ftruncate(fd, self._size)
            with suppress(OSError):
                os.close(fd)
            self._hold.release()


def _write_at(fd: int, block: bytes, start: int) -> None:
    """Write a block, all of it."""
    rest = memoryview(block)
    while rest:
        written = write_at(fd, rest, start)
        start += written
        rest = rest[written:]
