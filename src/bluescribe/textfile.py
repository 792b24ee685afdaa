"""A text file that only grows, and whose last block can be written again after a failure."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .held import Hold

__all__ = ["TextFile", "replacing"]

_LARGEST_BUFFER = 1 << 20
_LARGE_BLOCK = 1 << 14
"""Bytes from which on it is dearer to copy blocks into one than to write each."""


class TextFile:
    """Append blocks of bytes to a file, each at a known place.

    A block that the disk refused half-way is written again at the same place by the next
    `flush`: nothing is doubled, nothing torn.

    Parameters
    ----------
    path
        An existing file; what it holds stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._hold = Hold(path)
        self._size = os.fstat(self._fd).st_size
        self._waiting: list[bytes] = []
        self._bytes_waiting = 0

    def __len__(self) -> int:
        """Return the bytes in the file, those that wait included."""
        return self._size + self._bytes_waiting

    def put(self, block: bytes) -> None:
        """Add bytes to what the next `flush` writes; a lot of them are written at once."""
        self._waiting.append(block)
        self._bytes_waiting += len(block)
        if self._bytes_waiting >= _LARGEST_BUFFER:
            with suppress(OSError):  # the next flush tells
                self.flush()

    def flush(self) -> None:
        """Write what waits; after an `OSError` it still waits.

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
        """Write what waits and close; a second call does nothing.

        Raises
        ------
        OSError
            The disk refused; the file is still open and `close` can be called again.
        """
        if self._fd >= 0:
            self.flush()
            self._check_that_it_is_there()
            fd, self._fd = self._fd, -1
            os.close(fd)
            self._hold.release()

    def _check_that_it_is_there(self) -> None:
        """Raise an `OSError` when what is written would be lost; a file may be moved, though."""
        file = os.fstat(self._fd)
        if not file.st_nlink or self.path.parent.stat().st_dev != file.st_dev:
            words = "the file was removed, or its mount is gone"
            raise FileNotFoundError(errno.ENOENT, words, str(self.path))

    def abandon(self) -> None:
        """Close after a failure: write what waits if the disk takes it, else cut off half of it."""
        if self._fd >= 0:
            with suppress(OSError):
                self.flush()
            fd, self._fd = self._fd, -1
            with suppress(OSError):
                os.ftruncate(fd, self._size)
            os.close(fd)
            self._hold.release()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file anew beside it; when the block ends well, it takes the old one's place.

    Raises
    ------
    OSError
        The disk refused; the old file is untouched.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as new:
            yield new
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _write_at(fd: int, block: bytes, start: int) -> None:
    """Write a block, all of it."""
    rest = memoryview(block)
    while rest:
        written = os.pwrite(fd, rest, start)
        start += written
        rest = rest[written:]
