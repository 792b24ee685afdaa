"""Columns of JSON text that wait in one temporary file: memory does not grow with the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ...textfile import TextFile

__all__ = ["Spool", "SpooledColumn"]

_CHUNK_BYTES = 1 << 16
"""Text of a column that goes to the file at once; until then it stays in memory."""


class Spool:
    """The temporary file of a run, in which the chunks of all columns follow on each other.

    Parameters
    ----------
    path
        An existing file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = TextFile(path)

    def put(self, chunk: bytes) -> tuple[int, int]:
        """Add a chunk; return where it is: first byte and length."""
        place = len(self._file), len(chunk)
        self._file.put(chunk)
        return place

    def flush(self) -> None:
        """Write what waits."""
        self._file.flush()

    def remove(self) -> None:
        """Close the file and take it away."""
        self._file.abandon()
        with suppress(OSError):
            self.path.unlink()

    def abandon(self) -> None:
        """Close the file and leave it where it is."""
        self._file.abandon()


class SpooledColumn:
    """Lines of text, one a row, most of them in the spool.

    Parameters
    ----------
    spool
        Where they wait.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._places: list[tuple[int, int]] = []
        self._waiting: list[bytes] = []
        self._bytes_waiting = 0
        self.rows = 0

    def put(self, lines: bytes, rows: int) -> None:
        """Add whole lines, each with its end."""
        if not rows:
            return
        self._waiting.append(lines)
        self._bytes_waiting += len(lines)
        self.rows += rows
        if self._bytes_waiting >= _CHUNK_BYTES:
            self._places.append(self._spool.put(b"".join(self._waiting)))
            self._waiting, self._bytes_waiting = [], 0

    def chunks(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all lines, many at a time.

        Parameters
        ----------
        file
            The spool, flushed and open for reading.
        """
        for start, length in self._places:
            file.seek(start)
            yield file.read(length)
        if self._waiting:
            yield b"".join(self._waiting)
